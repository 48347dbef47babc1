"""Reads queries that differ in bound values alone: one statement and one transaction for them all."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeVar

from sqlalchemy import Connection, literal_column
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from sa_notify.change import Key
from sa_notify.errors import NotTogether
from sa_notify.live.keyed import keyed
from sa_notify.live.query import Asked, Query, Reading, Row, Rows
from sa_notify.live.snapshot import Snapshot
from sa_notify.live.template import Shareable, shareable
from sa_notify.live.together import NUMBER
from sa_notify.web.failures import sqlstate
from sa_notify.web.joined import CASTS, joined
from sa_notify.web.reader import Source

T = TypeVar("T")

#: What PostgreSQL refuses in the text of a statement, whatever the values: of SQLSTATEs the class.
_OF_THE_TEXT = ("42", "0A")


def shared_by(source: Source) -> "StatementShared | None":
    """How the statement is read together with others; ``None``: it is read alone."""
    dialect = source.engine.dialect
    if dialect.driver not in CASTS or dialect.paramstyle != "pyformat":
        return None
    rest = (source.engine, source.total is not None)
    found = shareable(source.statement, source.dependencies, dialect, source.shape.layout, *rest)
    return None if found is None else StatementShared(source, found)


@dataclass(frozen=True, slots=True)
class _One:
    """One parameter row.

    :param number: of the query among those that are read together.
    """

    number: int
    shared: "StatementShared"
    key: Key = ()


class StatementShared:
    """One statement among those of its template."""

    def __init__(self, source: Source, found: Shareable) -> None:
        self._source = source
        self._found = found

    @property
    def template(self) -> Hashable:
        """Equal for queries that can be read together."""
        return id(self) if self._found.template.barred else self._found.template

    def together(self, asked: Sequence[Asked]) -> list[Reading | Rows]:
        """Read queries of this template at once; the answers in the same order.

        :raises NotTogether: each of them must be read alone.
        :raises sqlalchemy.exc.SQLAlchemyError: when the database refuses or is away.
        """
        if self._found.template.unkeyed and any(item.keys is not None for item in asked):
            raise NotTogether("rows of these statements can't be asked for by their keys")
        whole = [_One(number, _of(item.query)) for number, item in enumerate(asked) if item.keys is None]
        single = [
            _One(number, _of(item.query), key)
            for number, item in enumerate(asked)
            for key in item.keys or ()
        ]
        with self._source.reading() as (connection, snapshot):
            read = self._readings(connection, snapshot, whole) if whole else {}
            rows = self._by_key(connection, single) if single else {}
        return [
            read[number] if item.keys is None else Rows(rows.get(number, {}), snapshot)
            for number, item in enumerate(asked)
        ]

    def _readings(
        self, connection: Connection, snapshot: Snapshot, asked: Sequence[_One]
    ) -> dict[int, Reading]:
        source = self._source
        tables, doubts = source.cache.judge(connection, source.dependencies)
        with self._barring("barred"):
            rows = self._run(connection, source.statement, asked, source.shape.made_of)
            totals = self._totals(connection, asked)
        return {
            one.number: Reading(
                tuple(rows.get(one.number, ())), totals.get(one.number), snapshot, tables, doubts
            )
            for one in asked
        }

    def _totals(self, connection: Connection, asked: Sequence[_One]) -> dict[int, int]:
        total = self._source.total
        if total is None:
            return {}
        return self._run(connection, total, asked, lambda rows: int(rows[0][0]))

    def _by_key(self, connection: Connection, asked: Sequence[_One]) -> dict[int, Mapping[str, Any]]:
        source = self._source
        with self._barring("unkeyed"):
            statement = keyed(source.statement, source.shape)
            return self._run(connection, statement, asked, lambda rows: _mapped(source.shape.made_of(rows)))

    def _run(
        self,
        connection: Connection,
        statement: Any,
        asked: Sequence[_One],
        made_of: Callable[[list[Any]], T],
    ) -> dict[int, T]:
        """What is made of each query's rows, by its number; nothing of those that have none."""
        numbered = statement.add_columns(literal_column(NUMBER))
        own, binds = self._found.binds, [one.shared._found.binds for one in asked]
        numbers, keys = [one.number for one in asked], [one.key for one in asked]
        with Session(connection) as session, joined(connection, numbered, own, binds, numbers, keys):
            result = session.execute(numbered)
            if getattr(result, "_unique_filter_state", None) is not None:
                raise NotTogether("a relationship is loaded by a join")
            by_number = groupby(result, itemgetter(-1))
            return {int(number): made_of(list(rows)) for number, rows in by_number}

    @contextmanager
    def _barring(self, flag: str) -> Iterator[None]:
        """Remember of the template that its statements can't be read together."""
        try:
            yield
        except NotTogether:
            setattr(self._found.template, flag, True)
            raise
        except DBAPIError as error:
            if not (sqlstate(error) or "").startswith(_OF_THE_TEXT):
                raise
            setattr(self._found.template, flag, True)
            raise NotTogether(f"PostgreSQL refuses them together: SQLSTATE {sqlstate(error)}") from error


def _of(query: Query) -> StatementShared:
    if not isinstance(query.shared, StatementShared):
        raise NotTogether(f"{query.name} is of another kind")
    return query.shared


def _mapped(rows: Sequence[Row]) -> Mapping[str, Any]:
    """Rows by rowkey; a key that a join repeats is numbered in the order of the whole result."""
    found = dict(rows)
    if any("#" in key for key in found):
        raise NotTogether("a key has several rows")
    return found
