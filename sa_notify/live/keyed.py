"""A statement asked for single rows of its root table."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    CHAR,
    BigInteger,
    BindParameter,
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
    bindparam,
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
    texts: list[ColumnElement[Any]] = [
        literal_column(key_column(place)) for place, _ in enumerate(shape.root or ())
    ]
    return _where(statement, shape, texts)


def keyed_once(statement: Any, shape: Shape) -> tuple[Any, tuple[BindParameter[Any], ...]]:
    """The same for one row, and what takes the texts of its key, in order.

    :raises NotTogether: its rows can't be told by a key, or depend on each other.
    """
    binds = tuple(bindparam(f"sa_notify_k{place}", "", Text) for place, _ in enumerate(shape.root or ()))
    return _where(statement, shape, [cast(bind, Text) for bind in binds]), binds


def _where(statement: Any, shape: Shape, texts: Sequence[ColumnElement[Any]]) -> Any:
    root = shape.root
    if root is None or _is_summary(statement):
        raise NotTogether("the statement's rows have no keys of their own")
    named = (_is(column, text) for column, text in zip(root, texts, strict=True))
    return statement.order_by(None).limit(None).offset(None).where(*named)


def _is(column: Any, text: ColumnElement[Any]) -> ColumnElement[bool]:
    plain = resolved(column.type)
    # without the comparison that a type of the application's own may bring
    return type_coerce(column, plain) == cast(text, _type(plain))


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
