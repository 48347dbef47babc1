"""A PostgreSQL with fsync, and a database of its own for each variant, all copies of one."""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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


@contextmanager
def server(url: str | None) -> Iterator[URL]:
    """The maintenance database of an installed server, or of an embedded one that ends with the block."""
    if url:
        yield make_url(url).set(drivername="postgresql+psycopg2")
        return
    room = temporary_room("sa-notify-bench-")
    try:
        with EmbeddedPostgres(room, settings=SETTINGS) as embedded:
            yield make_url(embedded.url)
    finally:
        shutil.rmtree(room, ignore_errors=True)  # gigabytes


class Databases:
    """One filled database, and copies of it, named for this process; leaving a ``with`` block drops them."""

    def __init__(self, maintenance: URL, rows: int) -> None:
        self._url = maintenance
        self._rows = rows
        self._maintenance = create_engine(maintenance, isolation_level="AUTOCOMMIT")
        self._base = self._name("base")
        self._names: list[str] = []

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            undo.callback(self._drop)
            base = self._create(self._base, "template0")
            fill(base, self._rows)
            base.dispose()
            undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._drop()

    def copy(self, number: int) -> Engine:
        """A new copy: the same pages, whatever was measured before."""
        return self._create(self._name(str(number)), self._base)

    def settings(self) -> str:
        """What of the server's settings bears on the figures."""
        query = text(
            "SELECT name || '=' || current_setting(name) FROM unnest(cast(:names AS text[])) AS name"
        )
        with self._maintenance.connect() as connection:
            return ", ".join(connection.scalars(query, {"names": list(_TOLD)}))

    def _name(self, part: str) -> str:
        return f"sa_notify_bench_{os.getpid()}_{part}"

    def _create(self, name: str, template: str) -> Engine:
        with self._maintenance.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
        self._names.append(name)
        return create_engine(self._url.set(database=name))

    def _drop(self) -> None:
        with self._maintenance.connect() as connection:
            for name in self._names:
                connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        self._maintenance.dispose()
