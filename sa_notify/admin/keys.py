"""Rows of a view by the texts of their primary keys."""

from enum import Enum
from typing import Any

from flask_admin.contrib.sqla import tools
from sqlalchemy import String, cast, literal, tuple_


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
    found = {str(view.get_pk_value(row)): row for row in view.get_query().filter(condition)}
    return [found[key] for key in keys if key in found]


def _typed(columns: list[Any], key: str) -> tuple[Any, ...]:
    texts = tools.iterdecode(key) if key else ("",)
    return tuple(_bind(column, text) for column, text in zip(columns, texts, strict=True))


def _bind(column: Any, text: str) -> Any:
    """A value to compare the column with; PostgreSQL reads the text as the column's type."""
    members = getattr(column.type, "enum_class", None)
    if isinstance(members, type) and issubclass(members, Enum):
        return next(member for member in members if str(member) == text)
    return cast(literal(text, String), column.type)
