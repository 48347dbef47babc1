"""Reads statements: rows, total and snapshot from one transaction."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, TableClause, Text, cast, func, select
from sqlalchemy.orm import Session

from sa_notify.capture.coverage import Coverage, TableKey, coverage
from sa_notify.live.dependencies import Dependencies
from sa_notify.live.owning import own_of
from sa_notify.live.query import Own, Reading, Row
from sa_notify.live.shape import Shape
from sa_notify.live.snapshot import Snapshot

_SNAPSHOT = select(cast(func.pg_current_snapshot(), Text))

#: One snapshot for all statements of a reading, and no writes by mistake.
READING = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


class CoverageCache:
    """What the catalog says of tables, remembered while it says that nothing is amiss."""

    def __init__(self) -> None:
        self._seen: dict[TableKey, Coverage] = {}
        self._moved = False
        self._unread: Mapping[str, str] = {}

    def judge(
        self, connection: Connection, found: Dependencies
    ) -> tuple[frozenset[str], tuple[str, ...], Mapping[str, Own]]:
        """Names that changes of these tables are announced under, why some may not be, and of which tables
        a plan may be asked.
        """
        keys = [
            (None if table.schema is None else str(table.schema), str(table.name)) for table in found.tables
        ]
        covered = self._of(connection, keys)
        names = frozenset[str]().union(*(item.names for item in covered.values()))
        doubts = {doubt for item in covered.values() for doubt in item.doubts}.union(found.doubts)
        for key, item in covered.items():
            named = {name for *table, name in found.columns if tuple(table) == key}
            doubts.update(item.unread(self._unread))
            doubts.update(item.blind_to(named | item.meant_by(found.names)))
        return names, tuple(sorted(doubts)), own_of(found, covered)

    def _of(self, connection: Connection, keys: list[TableKey]) -> dict[TableKey, Coverage]:
        seen = dict(self._seen)
        known = {key: item for key in keys if (item := seen.get(key)) and not item.doubts}
        found = coverage(connection, [key for key in keys if key not in known])
        self._moved = self._moved or any(seen.get(key, item) != item for key, item in found.items())
        self._seen.update(found)
        return {**known, **found}

    def changed(self, connection: Connection) -> bool:
        """Whether a table has changed since it was first asked about; forgets it all if so."""
        seen = dict(self._seen)
        if not self._moved and coverage(connection, seen) == seen:
            return False
        self._seen.clear()
        self._moved = False
        return True

    def begin_epoch(self, unread: Mapping[str, str]) -> None:
        """Ask again: a reconnection may have led to another server.

        :param unread: deliveries that are not followed, see :meth:`Coverage.unread`.
        """
        self._unread = unread
        self._seen.clear()
        self._moved = False


def table_key(table: TableClause) -> TableKey:
    """Schema and name of a table, or of what stands for one."""
    return None if table.schema is None else str(table.schema), str(table.name)


@dataclass(frozen=True, slots=True)
class Source:
    """A statement, and all that reading it takes.

    :param total: counts the rows without LIMIT and OFFSET, or ``None``.
    """

    engine: Engine
    cache: CoverageCache
    statement: Any
    shape: Shape
    dependencies: Dependencies
    total: Any | None

    @contextmanager
    def reading(self) -> Iterator[tuple[Connection, Snapshot]]:
        """A transaction that reads, and what it sees."""
        with self.engine.connect().execution_options(**READING) as connection:
            # first: a snapshot taken later could claim to have seen what the rows have not
            yield connection, Snapshot.parse(str(connection.scalar(_SNAPSHOT)))


class StatementReader:
    """Runs one statement whenever asked."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def __call__(self) -> Reading:
        """The result now.

        :raises sqlalchemy.exc.SQLAlchemyError: when the database refuses or is away.
        """
        source = self._source
        with source.reading() as (connection, snapshot):
            tables, doubts, own = source.cache.judge(connection, source.dependencies)
            rows, total = self._read(connection)
        return Reading(rows, total, snapshot, tables, doubts, own)

    def _read(self, connection: Connection) -> tuple[tuple[Row, ...], int | None]:
        source = self._source
        with Session(connection) as session:
            rows = source.shape.rows(session.execute(source.statement))
            total = None if source.total is None else int(session.scalar(source.total) or 0)
        return tuple(rows), total
