"""Rows of a view by the texts of their primary keys."""

import enum
from typing import Any

from flask_admin.contrib.sqla import tools
from sqlalchemy import CHAR, Enum, Integer, String, Uuid, cast, literal, tuple_
from sqlalchemy.orm import joinedload

from sa_notify.capture.names import stored
from sa_notify.change import Key
from sa_notify.live.terms import is_plain


def pk_columns(view: Any) -> list[Any]:
    """The view's primary key as attributes of its model, in the key's order."""
    names = view._primary_key
    return [getattr(view.model, name) for name in (names if isinstance(names, tuple) else (names,))]


def rows_by_key(view: Any, keys: tuple[str, ...]) -> list[Any]:
    """The rows that the view's own query still has, in the order of ``keys``.

    :param keys: as the view's ``get_pk_value`` writes them.
    """
    if not keys:
        return []
    columns = pk_columns(view)
    wanted = [_typed(columns, key) for key in keys]
    if len(columns) == 1:
        condition = columns[0].in_([value for (value,) in wanted])
    else:
        condition = tuple_(*columns).in_([tuple_(*values) for values in wanted])
    # as the view's own list has them: with what is shown of other tables
    joined = [joinedload(relation) for relation in view._auto_joins]
    query = view.get_query().options(*joined).filter(condition)
    found = {str(view.get_pk_value(row)): row for row in query}
    return [found[key] for key in keys if key in found]


def keys_of(view: Any, keys: tuple[str, ...], names: tuple[str, ...]) -> frozenset[Key] | None:
    """The keys as changes have them; ``None`` where their texts may be others.

    :param names: of the key's columns in the order of changes.
    """
    columns = {stored(column.property.columns[0].name): column for column in pk_columns(view)}
    if columns.keys() != set(names) or not all(map(_is_its_text, columns.values())):
        return None
    found = [dict(zip(columns, texts, strict=False)) for texts in map(_texts, keys)]
    if any(len(texts) != len(columns) for texts in found):
        return None
    return frozenset(tuple(str(texts[name]) for name in names) for texts in found)


def _is_its_text(column: Any) -> bool:
    """Whether a value's text in Python is the text that PostgreSQL makes of it."""
    plain = isinstance(column.type, (Integer, Uuid, String)) and not isinstance(column.type, (Enum, CHAR))
    return plain and is_plain(column.type)


def _typed(columns: list[Any], key: str) -> tuple[Any, ...]:
    return tuple(_bind(column, text) for column, text in zip(columns, _texts(key), strict=True))


def _texts(key: str) -> tuple[str, ...]:
    return tuple(tools.iterdecode(key)) if key else ("",)


def _bind(column: Any, text: str) -> Any:
    """A value to compare the column with; PostgreSQL reads the text as the column's type."""
    members = getattr(column.type, "enum_class", None)
    if isinstance(members, type) and issubclass(members, enum.Enum):
        return next(member for member in members if str(member) == text)
    return cast(literal(text, String), column.type)
