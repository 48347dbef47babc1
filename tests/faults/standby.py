"""A second PostgreSQL that follows the first."""

from collections.abc import Sequence
from pathlib import Path

from demo.embedded import EmbeddedPostgres


class Standby(EmbeddedPostgres):
    """Begins as a copy of a running primary, and follows it until it is promoted.

    :param room: a folder of its own.
    """

    def __init__(self, room: Path, primary: EmbeddedPostgres, *, settings: Sequence[str] = ()) -> None:
        super().__init__(room, settings=settings)
        self._source = f"host=127.0.0.1 port={primary.port} user=postgres"

    def _initialise(self, initdb: Path) -> None:
        copied = [initdb.with_name("pg_basebackup"), "-d", self._source, "-D", self._data]
        child = self._run([*copied, "-R", "--checkpoint=fast", "--no-sync"], "basebackup.log")
        if child.wait(seconds=60):
            raise RuntimeError(f"pg_basebackup failed:\n{child.tail()}")
