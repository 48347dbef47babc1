"""Reads statements: rows, total and snapshot from one transaction."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Text, cast, func, select
from sqlalchemy.orm import Session

from sa_notify.capture.coverage import Coverage, Key, coverage
from sa_notify.capture.names import quoted_text
from sa_notify.live.dependencies import Dependencies, table_key
from sa_notify.live.owning import own_of
from sa_notify.live.query import Own, Reading, Row
from sa_notify.live.shape import Shape
from sa_notify.live.snapshot import Snapshot
from sa_notify.live.verdict import Used, own_tables, verdict
from sa_notify.web.hidden import NOTHING, HiddenCache
from sa_notify.web.once import is_at_rest, may_read_once, reading_once
from sa_notify.web.scope import Settings, apply

_SNAPSHOT = select(cast(func.pg_current_snapshot(), Text))

#: One snapshot for all statements of a reading, and no writes by mistake.
READING = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


class CoverageCache:
    """What the catalog says of tables, remembered while it says that nothing is amiss."""

    def __init__(self) -> None:
        self._seen: dict[Key, Coverage] = {}
        self._hidden = HiddenCache()
        self._moved = False
        self._unread: Mapping[str, str] = {}

    def judge(
        self, connection: Connection, found: Dependencies, *, alone: bool = False
    ) -> tuple[frozenset[str], tuple[str, ...], Mapping[str, Own]]:
        """Names that changes of what is read are announced under, why some may not be, and of which tables a
        plan may be asked.

        :param alone: the transaction has read this statement already, and nothing else.
        """
        covered = self._of(connection, [table_key(table) for table in found.tables])
        hidden = self._hidden.of(connection, found, covered.values(), alone=alone)
        more: dict[Key, frozenset[str] | None] = {
            quoted_text(*name): columns for name, columns in hidden.relations.items()
        }
        named = {table_key(table): columns for table, columns in found.declared or ()}
        reached = self._of(connection, [*more, *named])
        used = [Used(item, (more | named)[key]) for key, item in reached.items()]
        names, doubts = verdict(found, hidden, [*own_tables(found, hidden, covered), *used], self._unread)
        return names, doubts, {} if used or hidden != NOTHING else own_of(found, covered)

    def _of(self, connection: Connection, keys: list[Key]) -> dict[Key, Coverage]:
        seen = dict(self._seen)
        known = {key: item for key in keys if (item := seen.get(key)) and not item.plain}
        found = coverage(connection, [key for key in keys if key not in known])
        self._moved = self._moved or any(seen.get(key, item) != item for key, item in found.items())
        self._seen.update(found)
        return {**known, **found}

    def changed(self, connection: Connection) -> bool:
        """Whether a table has changed since it was first asked about; forgets it all if so."""
        seen = dict(self._seen)
        same = not self._moved and coverage(connection, seen) == seen
        if same and not self._hidden.changed(connection):
            return False
        self._forget()
        return True

    def begin_epoch(self, unread: Mapping[str, str]) -> None:
        """Ask again: a reconnection may have led to another server.

        :param unread: deliveries that are not followed, see :meth:`Coverage.unread`.
        """
        self._unread = unread
        self._forget()

    def _forget(self) -> None:
        self._seen.clear()
        self._hidden.clear()
        self._moved = False


@dataclass(frozen=True, slots=True)
class Source:
    """A statement, and all that reading it takes.

    :param total: counts the rows without LIMIT and OFFSET, or ``None``.
    :param settings: settings of the session to read with.
    """

    engine: Engine
    cache: CoverageCache
    statement: Any
    shape: Shape
    dependencies: Dependencies
    total: Any | None
    settings: Settings = ()

    @contextmanager
    def reading(self) -> Iterator[tuple[Connection, Snapshot]]:
        """A transaction that reads, and what it sees."""
        with self.engine.connect().execution_options(**READING) as connection:
            # first: a snapshot taken later could claim to have seen what the rows have not
            snapshot = Snapshot.parse(str(connection.scalar(_SNAPSHOT)))
            apply(connection, self.settings)
            yield connection, snapshot

    @contextmanager
    def reading_rows(self) -> Iterator[Connection]:
        """A transaction that reads rows of which nobody asks what they have seen."""
        with self.engine.connect().execution_options(**READING) as connection:
            connection.begin()  # whoever listens for it may execute statements of his own
            apply(connection, self.settings)
            yield connection

    @contextmanager
    def reading_row(self) -> Iterator[tuple[Connection, str]]:
        """What reads one statement's rows, and what the statement begins with."""
        if not self.settings and may_read_once(self.engine):
            with self.engine.connect() as connection:
                if is_at_rest(connection):
                    with reading_once(connection) as before:
                        yield connection, before
                        return
        with self.reading_rows() as connection:
            yield connection, ""


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
            rows, total = self._read(connection)
            tables, doubts, own = source.cache.judge(connection, source.dependencies, alone=True)
        return Reading(rows, total, snapshot, tables, doubts, own)

    def _read(self, connection: Connection) -> tuple[tuple[Row, ...], int | None]:
        source = self._source
        with Session(connection) as session:
            rows = source.shape.rows(self._execute(session, source.statement))
            total = None if source.total is None else int(self._execute(session, source.total).scalar() or 0)
        return tuple(rows), total

    def _execute(self, session: Session, statement: Any) -> Any:
        return session.execute(statement)
