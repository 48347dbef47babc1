"""How a statement's result becomes rows: names, values and keys."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

from sqlalchemy import Column, CompoundSelect, Executable, Select, Table, func, inspect, select
from sqlalchemy.orm import InstanceState, Mapper, Query, lazyload
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import NamedColumn

from sa_notify.capture.spec import spec_for
from sa_notify.errors import QueryError
from sa_notify.live.query import Row
from sa_notify.live.rowkey import distinct, rowkey
from sa_notify.live.values import encode, encoder_for, key_text

_Item = tuple[str, Any, Mapper[Any] | None]


def prepare(statement: Any) -> Any:
    """The statement as it is read: relationships are never sent, so they are not loaded either.

    :raises QueryError: when it is not a ``select()`` that can be read again and again.
    """
    if isinstance(statement, Query):
        raise QueryError("a live query returns a select(), not session.query(...): return its .statement")
    if isinstance(statement, CompoundSelect):
        return statement
    if not isinstance(statement, Select):
        kind = type(statement).__name__
        made = "an INSERT, UPDATE, DELETE or text()" if isinstance(statement, Executable) else f"a {kind}"
        raise QueryError(f"a live query returns a select(), not {made}")
    if statement._for_update_arg is not None:
        raise QueryError("a live query must not lock rows: leave with_for_update() out")
    if any(mapper is not None for _, _, mapper in _items(statement)):
        return statement.options(lazyload("*"))
    return statement


def total_statement(statement: Any) -> Any:
    """A statement that counts the rows without LIMIT, OFFSET and FETCH."""
    unlimited = statement.order_by(None).limit(None).offset(None)
    return select(func.count()).select_from(unlimited.subquery())


class Shape:
    """Turns rows of SQLAlchemy into rows for browsers.

    :param key: labels that identify a row, where no entity and no primary key is selected.
    :raises QueryError: for columns that may not be sent, labels that repeat or do not exist.
    """

    def __init__(self, statement: Any, *, key: Sequence[str] | None = None) -> None:
        self._items = _items(statement)
        _refuse_excluded(statement)
        whole = len(self._items) == 1 and self._items[0][2] is not None
        self._names = _names(self._items, whole)
        self._encoders = [_encoder(item, mapper) for _, item, mapper in self._items]
        self._whole = whole
        self._key = None if key is None else tuple(key)
        self._identify = self._identifier(statement)

    @property
    def layout(self) -> Hashable:
        """Equal for shapes that make equal rows of equal results."""
        kinds = tuple(None if mapper is None else mapper.class_ for _, _, mapper in self._items)
        return (self._names, kinds, self._whole, self._key)

    def rows(self, result: Iterable[Any]) -> list[Row]:
        """Rows in the result's order; rowkeys are unique."""
        found = list(result)
        keys = distinct(self._identify(index, row) for index, row in enumerate(found))
        return [(key, self._values(row)) for key, row in zip(keys, found, strict=True)]

    def _values(self, row: Any) -> dict[str, Any]:
        values = [encode_one(item) for encode_one, item in zip(self._encoders, row, strict=True)]
        if self._whole:
            return values[0] or {}
        return dict(zip(self._names, values, strict=True))

    def _identifier(self, statement: Any) -> Callable[[int, Any], str]:
        for place, (_, _, mapper) in enumerate(self._items):
            if mapper is not None:
                return lambda index, row: _entity_key(row[place], index)
        places = (
            self._named_places() if self._key is not None else _primary_key_places(statement, self._items)
        )
        if not places:
            return lambda index, row: str(index)
        types = [getattr(self._items[place][1], "type", None) for place in places]
        return lambda index, row: rowkey(
            [_text(row[place], type_) for place, type_ in zip(places, types, strict=True)]
        )

    def _named_places(self) -> list[int]:
        unknown = [name for name in self._key or () if name not in self._names]
        if unknown:
            known = ", ".join(self._names)
            raise QueryError(f"key={list(self._key or ())} names {unknown[0]!r}, which is not among {known}")
        return [self._names.index(name) for name in self._key or ()]


def _items(statement: Any) -> list[_Item]:
    """Name, expression and mapper (for a whole entity) of each selected item."""
    if isinstance(statement, CompoundSelect):
        return [(str(column.key), column, None) for column in statement.selected_columns]
    found: list[_Item] = []
    for number, described in enumerate(statement.column_descriptions, 1):
        item, entity = described["expr"], described.get("entity")
        whole = inspect(item, raiseerr=False) if entity is not None and item is entity else None
        mapper = getattr(whole, "mapper", None)
        name = described["name"] or getattr(item, "_proxy_key", None) or f"column_{number}"
        found.append((str(name), item, mapper))
    return found


def _names(items: Sequence[_Item], whole: bool) -> tuple[str, ...]:
    names = [name for name, _, _ in items]
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated and not whole:
        raise QueryError(
            f"two selected items are called {repeated[0]!r}: name them with .label() or aliased(..., name=)"
        )
    return tuple(names)


def _encoder(item: Any, mapper: Mapper[Any] | None) -> Callable[[Any], Any]:
    if mapper is not None:
        return _encode_entity
    type_ = getattr(item, "type", None)
    return encode if type_ is None else encoder_for(type_)


def _encode_entity(entity: Any) -> dict[str, Any] | None:
    """Its loaded column attributes; nothing is loaded for the purpose."""
    if entity is None:
        return None
    state: InstanceState[Any] = inspect(entity)
    loaded = state.dict
    return {
        name: encode_one(loaded[name]) for name, encode_one in _attributes(state.mapper) if name in loaded
    }


_ATTRIBUTES: dict[Mapper[Any], list[tuple[str, Callable[[Any], Any]]]] = {}


def _attributes(mapper: Mapper[Any]) -> list[tuple[str, Callable[[Any], Any]]]:
    """Names and encoders of the column attributes that may be sent."""
    found = _ATTRIBUTES.get(mapper)
    if found is None:
        attributes = [
            (prop.key, encoder_for(prop.columns[0].type))
            for prop in mapper.column_attrs
            if not any(_is_excluded(column) for shown in prop.columns for column in _columns_of(shown))
        ]
        found = _ATTRIBUTES[mapper] = attributes
    return found


def _entity_key(entity: Any, index: int) -> str:
    if entity is None:
        return str(index)
    mapper = inspect(entity).mapper
    key = inspect(entity).identity
    return rowkey([_text(v, column.type) for v, column in zip(key, mapper.primary_key, strict=True)])


def _text(value: Any, type_: Any) -> str:
    # NULL is no key; it needs a text of its own all the same
    return "null" if value is None else key_text(value, type_)


def _primary_key_places(statement: Any, items: Sequence[_Item]) -> list[int]:
    """Where the first table's primary key stands among the selected columns; empty if not all of it does."""
    if isinstance(statement, CompoundSelect) or statement._group_by_clauses or statement._distinct:
        return []
    columns = {_column(item): place for place, (_, item, _) in reversed(list(enumerate(items)))}
    tables = [
        c.table for _, item, _ in items if (c := _column(item)) is not None and isinstance(c.table, Table)
    ]
    if not tables:
        return []
    places = [columns.get(column) for column in tables[0].primary_key]
    return [place for place in places if place is not None] if None not in places else []


def _column(item: Any) -> Column[Any] | None:
    """The table's column behind a plainly selected item."""
    element = getattr(item, "__clause_element__", lambda: item)()
    element = getattr(element, "element", element) if element.__visit_name__ == "label" else element
    plain = element._deannotate() if hasattr(element, "_deannotate") else element
    found = getattr(plain, "table", None)
    return found.c.get(plain.key) if isinstance(plain, Column) and isinstance(found, Table) else None


def _is_excluded(column: Any) -> bool:
    """Whether a column is named in its table's ``@realtime(exclude=...)``."""
    table = getattr(column, "table", None)
    spec = spec_for(table) if isinstance(table, Table) else None
    return spec is not None and column.name in spec.exclude


def _refuse_excluded(statement: Any) -> None:
    for name, item, mapper in _items(statement):
        shown = [column for column in _columns_of(item) if _is_excluded(column)] if mapper is None else []
        if shown:
            raise QueryError(
                f"{name} shows {shown[0].table.name}.{shown[0].name}, which @realtime excludes:"
                " select other columns, or take it out of exclude="
            )


def _columns_of(item: Any) -> Iterable[Any]:
    element = getattr(item, "__clause_element__", lambda: item)()
    for found in visitors.iterate(element):
        if isinstance(found, NamedColumn):
            yield from found.base_columns
