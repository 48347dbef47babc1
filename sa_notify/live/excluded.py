"""Which expressions show a column that ``@realtime(exclude=...)`` keeps from browsers."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Column, ColumnClause, FromClause, Table, TableClause
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import Exists, SelectBase, TableValuedAlias

from sa_notify.capture.names import stored
from sa_notify.capture.spec import spec_for


def is_excluded(column: Column[Any]) -> bool:
    """Whether the model keeps this column to itself."""
    table: object = column.table
    spec = spec_for(table) if isinstance(table, Table) else None
    return spec is not None and stored(column.name) in spec.exclude


def sent_columns(table: TableClause) -> list[Column[Any]]:
    """The table's columns that the model does not keep to itself."""
    return [column for column in table.c if isinstance(column, Column) and not is_excluded(column)]


def clause_of(item: Any) -> Any:
    """The SQL expression behind a mapped attribute; any other expression itself."""
    return item.__clause_element__() if hasattr(item, "__clause_element__") else item


def shown_by(expression: Any) -> Iterator[Column[Any]]:
    """Excluded columns whose values are in the expression's value.

    Subqueries are followed through what they select. What they compare a column with, as a WHERE of
    the query itself does, does not show it, and neither does EXISTS.
    """
    waiting: list[Any] = [clause_of(expression)]
    seen: set[int] = set()
    while waiting:
        element = waiting.pop()
        if id(element) in seen:
            continue
        seen.add(id(element))
        if isinstance(element, Column) and isinstance(element.table, Table):
            if is_excluded(element):
                yield element
        else:
            waiting += _parts(element)


def _parts(element: Any) -> list[Any]:
    if isinstance(element, Exists) or not isinstance(element, ClauseElement):
        return []
    if isinstance(element, SelectBase):
        return list(element.selected_columns)
    if isinstance(element, FromClause) and not isinstance(element, (FunctionElement, TableValuedAlias)):
        return list(element.c)  # the whole row, as to_jsonb() takes it
    if not isinstance(element, ColumnClause):
        return list(element.get_children())
    behind: list[Any] = [base for base in element.base_columns if base is not element]
    return [*behind, element.table.element] if isinstance(element.table, TableValuedAlias) else behind
