"""One variant's database while it is measured."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from psycopg2.extensions import make_dsn
from sqlalchemy import URL, Engine

from benchmarks.capture_ear import Ear
from benchmarks.capture_reader import reading
from benchmarks.capture_table import restore
from benchmarks.capture_variants import Variant

WATCHED_TABLE = "public.items"


class Site:
    """A variant installed in a copy of its own, and a fresh connection for each turn.

    ``cursor`` is psycopg2's, in autocommit: a statement is a transaction, its COMMIT in the timed window.
    """

    def __init__(self, variant: Variant, engine: Engine) -> None:
        self.variant = variant
        self.channels = list(variant.install(engine))
        self.url = engine.url
        self._engine = engine
        self.cursor: Any = None

    @property
    def environment(self) -> dict[str, str]:
        """What makes libpq's programs connect here."""
        return {f"PG{name.upper()}": value for name, value in _parts(self.url).items()}

    @contextmanager
    def turn(self, ear: Ear) -> Iterator[None]:
        """No checkpoint comes due in it, the listener listens here, the session is new."""
        self._engine.dispose()
        connection: Any = self._engine.raw_connection().driver_connection
        connection.autocommit = True
        self.cursor = connection.cursor()
        try:
            self.cursor.execute("CHECKPOINT")
            ear.listen(self._target(), self.channels)
            with ExitStack() as stack:
                if self.variant.watched:
                    stack.enter_context(reading(self.url, WATCHED_TABLE))
                yield
        finally:
            self.cursor = None
            connection.close()

    @contextmanager
    def writer(self) -> Iterator[Any]:
        """A cursor of one more session."""
        self._engine.dispose()
        connection: Any = self._engine.raw_connection().driver_connection
        connection.autocommit = True
        try:
            yield connection.cursor()
        finally:
            connection.close()

    def restore(self) -> None:
        """The table as it was at first."""
        for statement in restore(self.variant.fills):
            self.cursor.execute(statement)

    def wal(self) -> int:
        """The bytes of WAL written so far."""
        self.cursor.execute("SELECT pg_current_wal_insert_lsn() - '0/0'")
        return int(self.cursor.fetchone()[0])

    def _target(self) -> str:
        parts = _parts(self.url)
        return make_dsn(
            **{("dbname" if name == "database" else name): value for name, value in parts.items()}
        )


def _parts(url: URL) -> dict[str, str]:
    parts = {
        "host": url.host or url.query.get("host"),
        "port": url.port,
        "user": url.username,
        "password": url.password,
        "database": url.database,
    }
    return {name: str(value) for name, value in parts.items() if value}
