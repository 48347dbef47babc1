"""A PostgreSQL with fsync, and a database of its own for each variant, all copies of one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from sqlalchemy import URL, Engine, create_engine, make_url, text

from benchmarks.capture_table import fill
from demo.embedded import EmbeddedPostgres
from demo.rooms import temporary_room

# Room for a whole turn: a checkpoint would make its own writes, and full pages in the WAL after it.
SETTINGS = (
    "fsync=on",
    "shared_buffers=1GB",
    "max_wal_size=16GB",
    "checkpoint_timeout=1h",
    "autovacuum=off",
    "jit=off",
)
_TOLD = (
    "server_version", "fsync", "synchronous_commit", "shared_buffers", "max_wal_size", "checkpoint_timeout",
    "autovacuum", "wal_level", "full_page_writes", "data_checksums", "work_mem", "jit",
)  # fmt: skip
_PREFIX = "sa_notify_bench_"
_BASE = f"{_PREFIX}base"


@contextmanager
def server(url: str | None) -> Iterator[URL]:
    """The maintenance database of an installed server, or of an embedded one that ends with the block."""
    if url:
        yield make_url(url).set(drivername="postgresql+psycopg2")
        return
    with EmbeddedPostgres(temporary_room("sa-notify-bench-"), settings=SETTINGS) as embedded:
        yield make_url(embedded.url)


class Databases:
    """One filled database, and copies of it; all are dropped at the end of a ``with`` block."""

    def __init__(self, maintenance: URL, rows: int) -> None:
        self._url = maintenance
        self._maintenance = create_engine(maintenance, isolation_level="AUTOCOMMIT")
        self._names: list[str] = []
        base = self._create(_BASE, "template0")
        fill(base, rows)
        base.dispose()

    def copy(self, number: int) -> Engine:
        """A new copy: the same pages, whatever was measured before."""
        return self._create(f"{_PREFIX}{number}", _BASE)

    def settings(self) -> str:
        """What of the server's settings bears on the figures."""
        query = text(
            "SELECT name || '=' || current_setting(name) FROM unnest(cast(:names AS text[])) AS name"
        )
        with self._maintenance.connect() as connection:
            return ", ".join(connection.scalars(query, {"names": list(_TOLD)}))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._maintenance.connect() as connection:
            for name in self._names:
                connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        self._maintenance.dispose()

    def _create(self, name: str, template: str) -> Engine:
        with self._maintenance.connect() as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
        self._names.append(name)
        return create_engine(self._url.set(database=name))
