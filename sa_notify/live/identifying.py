"""By which table's primary key a statement's rows are known."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Alias, Column, FromClause, LargeBinary, TableClause, inspect, types
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Mapper
from sqlalchemy.sql.elements import ColumnElement, Label
from sqlalchemy.types import TypeDecorator

from sa_notify.capture.names import stored
from sa_notify.live.items import Item, items_of
from sa_notify.live.resolve import resolved
from sa_notify.live.sides import base_column
from sa_notify.live.terms import terms_of

#: Types whose values drivers give so that their text is PostgreSQL's own, for all of them.
_NAMED = frozenset({"number", "text", "bool", "uuid", "date", "timestamp", "timestamptz"})


@dataclass(frozen=True, slots=True)
class Identity:
    """The table whose primary key a result's rowkeys are.

    :param source: the table or its alias, as the statement names it.
    :param key: its primary key as the statement names it, in the order of the key.
    :param columns: the key's stored names.
    """

    table: TableClause
    source: FromClause
    key: tuple[ColumnElement[Any], ...]
    columns: frozenset[str]


def identity_of(statement: Any, key: Sequence[str] | None) -> Identity | None:
    """What the rowkeys that :class:`Shape` gives are; ``None`` where they are no table's key.

    :param key: labels that identify a row, as :class:`Shape` takes them.
    """
    items = items_of(statement)
    entity = next((item for item in items if item.mapper is not None), None)
    if entity is not None:
        return _of_entity(entity)
    if any(not isinstance(item.clause, ColumnElement) for item in items):
        return None
    return _of_columns(items, key)


def wire_name(statement: Any, column: Column[Any]) -> str | None:
    """The name under which a row on the wire has the table's column; ``None`` where that is not plain."""
    items = items_of(statement)
    if len(items) == 1 and items[0].mapper is not None:
        return _attribute_name(items[0].mapper, column)
    if any(item.mapper is not None for item in items):
        return None
    found = (item.name for item in items if _base(item.clause) is column)
    return next(found, None)


def _attribute_name(mapper: Mapper[Any], column: Column[Any]) -> str | None:
    for attribute in mapper.column_attrs:
        if attribute.columns[0] is column:
            return str(attribute.key)
    return None


def _of_entity(item: Item) -> Identity | None:
    mapper: Any = item.mapper
    described: Any = inspect(item.clause)
    source: Any = described.selectable
    table = source.element if isinstance(source, Alias) else source
    if not isinstance(table, TableClause) or any(t is not table for t in _tables(mapper)):
        return None
    if list(mapper.primary_key) != list(table.primary_key) or not _are_texts(mapper.primary_key):
        return None
    names = [mapper.get_property_by_column(column).key for column in mapper.primary_key]
    expressions = tuple(getattr(item.clause, name) for name in names)
    return Identity(table, source, expressions, _names(table))


def _tables(mapper: Mapper[Any]) -> list[Any]:
    return [inner.local_table for inner in mapper.self_and_descendants]


def _of_columns(items: Sequence[Item], key: Sequence[str] | None) -> Identity | None:
    """As :class:`Shape` finds the key: the labels it is given, or the first column's table's."""
    columns = {item.name: _inner(item.clause) for item in items}
    named = [columns[name] for name in key or columns if _base(columns[name]) is not None]
    if not named or (key and len(named) < len(key)):
        return None
    source: Any = named[0].table
    table = source.element if isinstance(source, Alias) else source
    if not isinstance(table, TableClause) or not _are_texts(table.primary_key):
        return None
    selected: dict[Any, Any] = {base_column(column, source): column for column in reversed(named)}
    wanted = list(table.primary_key)
    found = [base_column(column, source) for column in named]
    if not wanted or (key and list(map(id, found)) != list(map(id, wanted))):
        return None
    if not all(column in selected for column in wanted):
        return None
    return Identity(table, source, tuple(selected[column] for column in wanted), _names(table))


def _inner(clause: Any) -> Any:
    return clause.element if isinstance(clause, Label) else clause


def _base(clause: Any) -> Column[Any] | None:
    inner = _inner(clause)
    table = getattr(inner, "table", None)
    return base_column(inner, table) if isinstance(table, FromClause) else None


def _names(table: TableClause) -> frozenset[str]:
    return frozenset(stored(column.name) for column in table.primary_key)


def _are_texts(columns: Any) -> bool:
    return all(_is_text(column.type) for column in columns)


def _is_text(type_: Any) -> bool:
    """Whether the text of a value that a driver gives is surely the text that a change's key has."""
    if isinstance(type_, TypeDecorator):
        return False
    plain = resolved(type_)
    if isinstance(plain, (LargeBinary, postgresql.BYTEA)):
        return True
    if isinstance(plain, types.Numeric) and not plain.asdecimal:
        return False
    terms = terms_of(type_)
    if terms is None:
        return False
    return terms.name in _NAMED or terms.name.startswith("enum:")
