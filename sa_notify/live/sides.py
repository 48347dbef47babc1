"""The sides of a comparison: a column of one table, and values."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import BindParameter, Cast, Column, FromClause, types
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import ClauseList, False_, Grouping, Null, True_
from sqlalchemy.types import TypeEngine

from sa_notify.capture.names import stored
from sa_notify.capture.spec import is_virtual
from sa_notify.live.leaves import Operand, operand_of
from sa_notify.live.resolve import POSTGRESQL, resolved
from sa_notify.live.terms import NOT_KNOWN, TEXT, terms_of


def base_column(element: Any, source: FromClause) -> Column[Any] | None:
    """The table's column that the element is, where it is one of ``source``, a table or its alias."""
    table = getattr(element, "table", None)
    if not isinstance(element, Column) or table is None or hash(table) != hash(source):
        return None
    base = next(iter(element.base_columns))
    return base if isinstance(base, Column) else None


def columns_of(elements: Iterable[Any], source: FromClause) -> frozenset[str]:
    """Stored names of the columns of ``source`` that the expressions have anywhere in them."""
    inner = (column for element in elements for column in visitors.iterate(element))
    found = (base_column(column, source) for column in inner)
    return frozenset(stored(column.name) for column in found if column is not None)


class Sides:
    """Reads the sides of comparisons over the rows of one place in a statement's FROM.

    :param source: a table or an alias of one.
    """

    def __init__(self, source: FromClause) -> None:
        self._source = source

    def column(self, element: Any) -> Column[Any] | None:
        """The column that it is; ``None`` of another table, or where triggers don't see its values."""
        column = base_column(element, self._source)
        return None if column is None or is_virtual(column) else column

    def operand(self, element: Any) -> Operand | None:
        """A column whose values compare, or a cast of one to text."""
        if isinstance(element, Grouping):
            return self.operand(element.element)
        if isinstance(element, Cast):
            return self._cast(element)
        column = self.column(element)
        terms = None if column is None else terms_of(column.type)
        if column is None or terms is None:
            return None
        return operand_of(stored(column.name), terms, terms.of_change)

    def _cast(self, element: Any) -> Operand | None:
        inner = self.operand(element.clause)
        if inner is None or not inner.plain or inner.terms.text_of is None or not _is_any_text(element.type):
            return None
        return operand_of(inner.column, TEXT, inner.terms.text_of, plain=inner.terms is TEXT)

    def value(self, operand: Operand, element: Any) -> Any:
        """A value that the operand is compared with, in its terms; ``None`` is NULL."""
        if isinstance(element, Grouping):
            return self.value(operand, element.element)
        if isinstance(element, Null):
            return None
        if isinstance(element, (True_, False_)) and operand.terms.name == "bool":
            return isinstance(element, True_)
        if not isinstance(element, BindParameter) or not _has_value(element) or element.expanding:
            return NOT_KNOWN
        return operand.terms.of_bind(element.value, element.type)

    def values(self, operand: Operand, element: Any) -> list[Any] | None:
        """The values of an ``IN``; ``None`` where they are something else."""
        if isinstance(element, BindParameter):
            if not (element.expanding and _has_value(element) and isinstance(element.value, (list, tuple))):
                return None
            return [operand.terms.of_bind(value, element.type) for value in element.value]
        inner = element.element if isinstance(element, Grouping) else element
        if not isinstance(inner, ClauseList):
            return None
        return [self.value(operand, item) for item in inner.clauses]


def _has_value(bind: BindParameter[Any]) -> bool:
    return bind.callable is None and not bind.required and not bind.literal_execute


def _is_any_text(type_: TypeEngine[Any]) -> bool:
    """A cast to it neither shortens a text nor says how it is compared."""
    if terms_of(type_) is not TEXT or isinstance(resolved(type_), types.Enum):
        return False
    return resolved(type_).compile(dialect=POSTGRESQL).upper() in ("VARCHAR", "TEXT")
