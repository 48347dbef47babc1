"""How a statement's result becomes rows: names, values and keys."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Label, inspect

from sa_notify.errors import QueryError
from sa_notify.live.items import Item, items_of
from sa_notify.live.query import Row
from sa_notify.live.rowkey import distinct, rowkey
from sa_notify.live.statement import prepare, total_statement
from sa_notify.live.texts import Texter, texter_for

__all__ = ["Shape", "prepare", "total_statement"]

_KeyOf = Callable[[int, Any], str]


class Shape:
    """Turns rows of SQLAlchemy into rows for browsers.

    A statement that selects one model gives its column attributes by name. Any other gives each item
    under its label, a model as an object under its class's or alias's name. A row's key is the
    primary key of the first model selected; else what ``key`` names; else the primary key of the first
    column's table, if all of it is selected; else the row's ordinal, from 0.

    :param key: labels that identify a row, where no model is selected.
    :raises QueryError: for columns that may not be sent, names that repeat or do not exist.
    """

    def __init__(self, statement: Any, *, key: Sequence[str] | None = None) -> None:
        self._items = items_of(statement)
        self._whole = len(self._items) == 1 and self._items[0].mapper is not None
        self._key = None if key is None else tuple(key)
        self._places(self._key or ())
        self._key_of = self._by_entity() or self._by_columns() or _ordinal

    @property
    def items(self) -> tuple[Item, ...]:
        """What is selected, in order."""
        return self._items

    @property
    def key_places(self) -> list[tuple[int, Texter]]:
        """The selected columns that make a row's key, of rows without models; none: it is the ordinal."""
        places = self._places(self._key or ()) or self._primary_key()
        return [(place, texter_for(self._items[place].clause.type)) for place in places]

    @property
    def root(self) -> tuple[Any, ...] | None:
        """The columns of the primary key that rowkeys are made of; ``None``: of something else."""
        for item in self._items:
            if item.mapper is not None:
                mapper, entity = item.mapper, item.clause
                keys = (mapper.get_property_by_column(column).key for column in mapper.primary_key)
                return tuple(getattr(entity, key) for key in keys)
        places = [] if self._key else self._primary_key()
        return tuple(_plain(self._items[place].clause) for place in places) or None

    @property
    def layout(self) -> Hashable:
        """Equal for shapes that make equal rows of equal results."""
        return (tuple(item.layout for item in self._items), self._key)

    def rows(self, result: Iterable[Any]) -> list[Row]:
        """Rows in the result's order; rowkeys are unique.

        :param result: what ``Session.execute()`` gave, in a session that holds nothing else.
        :raises QueryError: it has more columns than the statement names.
        """
        # set when collections are loaded by joins: SQLAlchemy then refuses to give the rows unless asked so
        if getattr(result, "_unique_filter_state", None) is not None:
            result = result.unique()  # type: ignore[attr-defined]
        found = list(result)
        if found and len(found[0]) != len(self._items):
            raise QueryError(
                f"the statement names {len(self._items)} columns and gives {len(found[0])}: a star that is "
                "written as text has no names, select columns"
            )
        return self.made_of(found)

    def made_of(self, found: Sequence[Sequence[Any]]) -> list[Row]:
        """:meth:`rows` of a list, in which a row may have more columns than the statement."""
        keys = distinct(self._key_of(index, row) for index, row in enumerate(found))
        return [(key, self._values(row)) for key, row in zip(keys, found, strict=True)]

    def _values(self, row: Any) -> dict[str, Any]:
        values = {item.name: item.encode(value) for item, value in zip(self._items, row, strict=False)}
        return (values[self._items[0].name] or {}) if self._whole else values

    # -- keys

    def _by_entity(self) -> _KeyOf | None:
        for place, item in enumerate(self._items):
            if item.mapper is not None:
                texters = [texter_for(column.type) for column in item.mapper.primary_key]
                return _entity_key(place, texters)
        return None

    def _by_columns(self) -> _KeyOf | None:
        pairs = self.key_places
        if not pairs:
            return None
        return lambda _, row: rowkey([_text(row[place], texter) for place, texter in pairs])

    def _places(self, key: Sequence[str]) -> list[int]:
        names = [item.name for item in self._items]
        for name in key:
            if name not in names:
                raise QueryError(f"key={list(key)} names {name!r}: it may name {', '.join(names)}")
            if not isinstance(self._items[names.index(name)].clause, ColumnElement):
                raise QueryError(f"key={list(key)} names {name!r}, which is no column: name columns")
        return [names.index(name) for name in key]

    def _primary_key(self) -> list[int]:
        """Where the first column's table has its primary key; empty if not all of it is selected."""
        columns = [_plain(item.clause) for item in self._items]
        table = next((column.table for column in columns if column is not None), None)
        if table is None:
            return []
        # by key: an annotated column or table is another object than the one it stands for
        selected = {
            column.key: place
            for place, column in reversed(list(enumerate(columns)))
            if column is not None and hash(column.table) == hash(table)
        }
        places = [selected.get(column.key) for column in table.primary_key]
        return [] if None in places else [place for place in places if place is not None]


def _plain(clause: Any) -> Any | None:
    """A column of a table, an alias or a subquery, under whatever label."""
    inner = clause.element if isinstance(clause, Label) else clause
    return inner if isinstance(getattr(inner, "table", None), FromClause) else None


def _entity_key(place: int, texters: Sequence[Texter]) -> _KeyOf:
    def key_of(_: int, row: Any) -> str:
        identity = (None,) * len(texters) if row[place] is None else inspect(row[place]).identity
        return rowkey([_text(value, texter) for value, texter in zip(identity, texters, strict=True)])

    return key_of


def _text(value: Any, texter: Texter) -> str | None:
    return None if value is None else texter(value)


def _ordinal(index: int, _: Any) -> str:
    return str(index)
