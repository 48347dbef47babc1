"""A server whose collations may ignore case: PostgreSQL with ICU, which the embedded one is without."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from tests.oracle.world import MAKE_LOOSE
from tests.servers import Postgres, quick_room

#: Where distributions put what they install.
_INSTALLED: Final = ("usr/lib/postgresql", "usr/pgsql-*", "usr/local/pgsql")


def has_icu(url: str) -> bool:
    """Whether a server can make collations that ignore case."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        try:
            connection.execute(MAKE_LOOSE)
        except DBAPIError:
            return False
        return True  # and what was made is rolled back


def installed() -> Path | None:
    """The programs of the newest PostgreSQL that is installed; ``None`` where there is none."""
    found = [initdb.parent for place in _INSTALLED for initdb in Path("/").glob(f"{place}/**/bin/initdb")]
    return max(found, key=lambda each: [int(part) for part in each.parts if part.isdigit()], default=None)


@contextmanager
def installed_postgres(programs: Path) -> Iterator[str]:
    """The URL of a server of an installed PostgreSQL, which ends with the block."""
    room = quick_room("sa-notify-installed-")
    try:
        with _Installed(room, programs) as server:
            yield server.url
    finally:
        shutil.rmtree(room, ignore_errors=True)


class _Installed(Postgres):
    """A PostgreSQL that this machine has, run as the embedded one is."""

    def __init__(self, room: Path, programs: Path) -> None:
        super().__init__(room)
        self._installed = programs

    def _programs(self) -> Path:
        return self._installed
