"""One PostgreSQL for all of it: databases with rows, and what their readers ran."""

import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, make_url, text

from benchmarks.live_child import Missed
from benchmarks.live_models import fill
from demo.embedded import EmbeddedPostgres
from demo.rooms import temporary_room

_SETTINGS = ("log_line_prefix=%d ", "shared_buffers=512MB", "max_wal_size=4GB", "jit=off")
#: Readers' statements are logged, writers' are not: a count of the server's own, whichever process and
#: connection asked (the wheel has no pg_stat_statements).
_ROLES = (
    "CREATE ROLE reader SUPERUSER LOGIN",
    "ALTER ROLE reader SET log_statement = 'all'",
    "CREATE ROLE writer LOGIN",
)
_GRANT = "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO writer"
_LOGGED = re.compile(rb"^(\S+) LOG:  (?:statement|execute [^:]+): (.*(?:\n\t.*)*)", re.MULTILINE)
_CONTROL = re.compile(r"\s*(BEGIN|START|COMMIT|ROLLBACK|END)\b", re.IGNORECASE)
_READS = re.compile(r"(?:\bFROM|\bJOIN|,)\s+(?:public\.)?items\b")
_PATIENCE = 300.0


@dataclass(frozen=True, slots=True)
class Ran:
    """Statements, without those that only begin or end a transaction."""

    texts: list[str]

    @property
    def total(self) -> int:
        return len(self.texts)

    @property
    def reads(self) -> int:
        """Those that read the table; others name it as a text, to ask what is captured."""
        return sum(bool(_READS.search(each)) for each in self.texts)

    @property
    def feed(self) -> int:
        """Those that ask for changes."""
        return sum("sa_notify_read" in each for each in self.texts)


class Statements:
    """What readers of one database have run.

    :param log: the server's.
    :param quiet: seconds without a read of the table after which :meth:`settle` expects no more.
    """

    def __init__(self, log: Path, database: str, quiet: float) -> None:
        self._log, self._database, self._quiet = log, database.encode(), quiet
        self._position = log.stat().st_size

    def take(self) -> Ran:
        """What they ran since the last call."""
        with self._log.open("rb") as log:
            log.seek(self._position)
            written = log.read()
        whole = written[: written.rfind(b"\n") + 1]
        self._position += len(whole)
        logged = [body.decode() for database, body in _LOGGED.findall(whole) if database == self._database]
        return Ran([body for body in logged if not _CONTROL.match(body)])

    def settle(self) -> Ran:
        """What they ran since the last call, once nobody reads the table any more.

        :raises Missed: when they never stop.
        """
        texts, deadline = self.take().texts, time.monotonic() + _PATIENCE
        while True:
            time.sleep(self._quiet)
            ran = self.take()
            texts += ran.texts
            if not ran.reads:
                return Ran(texts)
            if time.monotonic() > deadline:
                raise Missed(f"windows were still read after {_PATIENCE:.0f} s")


@dataclass(frozen=True, slots=True)
class Site:
    """A database with rows.

    :param url: for whatever serves live queries; its statements are counted.
    :param engine: for the writer.
    """

    url: str
    engine: Engine
    statements: Statements

    def write(self, statement: str, **values: Any) -> float:
        """One transaction; the moment before its COMMIT was sent, on the machine's monotonic clock."""
        with self.engine.connect() as connection:
            connection.execute(text(statement), values)
            began = time.monotonic()
            connection.commit()
        return began


class Place:
    """A running server.

    :param log: its file.
    :param quiet: see :class:`Statements`.
    """

    def __init__(self, maintenance: URL, log: Path, quiet: float) -> None:
        self._maintenance, self._log, self._quiet = maintenance, log, quiet
        self._count = 0
        self._run(*_ROLES)

    @contextmanager
    def site(self, rows: int) -> Iterator[Site]:
        """A new database whose table has so many rows; it goes with the block."""
        self._count += 1
        name = f"live_{self._count}"
        self._run(f"CREATE DATABASE {name}")
        owner = create_engine(self._maintenance.set(database=name))
        fill(owner, rows)
        with owner.begin() as connection:
            connection.execute(text(_GRANT))
        owner.dispose()
        reader, writer = (
            self._maintenance.set(database=name, username=role) for role in ("reader", "writer")
        )
        engine = create_engine(writer)
        try:
            url = reader.render_as_string(hide_password=False)
            yield Site(url, engine, Statements(self._log, name, self._quiet))
        finally:
            engine.dispose()
            self._run(f"DROP DATABASE {name} WITH (FORCE)")

    @property
    def version(self) -> str:
        """Of PostgreSQL."""
        return self._run("SHOW server_version") or ""

    def _run(self, *statements: str) -> str | None:
        engine = create_engine(self._maintenance, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            results = [connection.execute(text(statement)) for statement in statements]
            found = results[-1].scalar() if results[-1].returns_rows else None
        engine.dispose()
        return found


@contextmanager
def place(quiet: float) -> Iterator[Place]:
    """An embedded server that ends with the block.

    :param quiet: see :class:`Statements`.
    """
    room = temporary_room("sa-notify-bench-")
    try:
        with EmbeddedPostgres(room, settings=_SETTINGS) as server:
            yield Place(make_url(server.url), room / "postgres.log", quiet)
    finally:
        shutil.rmtree(room, ignore_errors=True)
