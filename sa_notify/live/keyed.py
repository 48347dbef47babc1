"""A statement asked for single rows of its root table."""

from typing import Any

from sqlalchemy import (
    CHAR,
    BigInteger,
    Boolean,
    ColumnElement,
    Enum,
    Float,
    Integer,
    LargeBinary,
    Numeric,
    String,
    Text,
    Uuid,
    cast,
    literal_column,
    type_coerce,
)
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import Over
from sqlalchemy.types import TypeEngine

from sa_notify.errors import NotTogether
from sa_notify.live.resolve import resolved
from sa_notify.live.shape import Shape
from sa_notify.live.together import key_column


def keyed(statement: Any, shape: Shape) -> Any:
    """The statement without LIMIT and OFFSET, for the rows of the root table that the parameter rows name.

    :raises NotTogether: its rows can't be told by a key, or depend on each other.
    """
    root = shape.root
    if root is None or _is_summary(statement):
        raise NotTogether("the statement's rows have no keys of their own")
    named = (_is(column, place) for place, column in enumerate(root))
    return statement.order_by(None).limit(None).offset(None).where(*named)


def _is(column: Any, place: int) -> ColumnElement[bool]:
    plain = resolved(column.type)
    # without the comparison that a type of the application's own may bring
    return type_coerce(column, plain) == cast(literal_column(key_column(place)), _type(plain))


def _is_summary(statement: Any) -> bool:
    """Whether a row depends on what other rows there are."""
    parts = (statement._distinct, statement._group_by_clauses, statement._having_criteria)  # noqa: SLF001
    if any(parts) or statement._fetch_clause is not None:  # noqa: SLF001
        return True
    return any(isinstance(element, Over) for element in visitors.iterate(statement))


def _type(plain: TypeEngine[Any]) -> TypeEngine[Any]:
    """What PostgreSQL reads a key's text as: without the column's own limits, which would cut it."""
    if not isinstance(plain, (CHAR, Float)):
        for kind in (BigInteger, Numeric, Uuid, Boolean, LargeBinary):
            if isinstance(plain, kind):
                return kind()
        if isinstance(plain, Integer):
            return BigInteger()
        if isinstance(plain, String):
            return plain if isinstance(plain, Enum) and plain.native_enum else Text()
    raise NotTogether("a key of this type is not told by its text")
