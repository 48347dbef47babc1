"""Starts the demo's processes in order, watches them, and stops them in the other order."""

import fcntl
import os
import shutil
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import psycopg2
from psycopg2.extensions import make_dsn
from sqlalchemy import make_url

from demo.embedded import EmbeddedPostgres, EmbeddedRedis, bundled
from demo.process import Child, free_port, listening
from demo.rooms import postgres_room

_ROOT = Path(__file__).parents[1]
_PORT = 8000
_DATABASE = "todo"


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says.

    :param home: the folder for data, logs and the lock.
    :param port: the web server's; ``None`` means 8000 when it is free, else a free one.
    :param workers: gunicorn's.
    :param writing: whether a process changes rows all the time.
    """

    home: Path
    port: int | None = None
    workers: int = 2
    writing: bool = True


class _Stopped(Exception):
    """Somebody asked the demo to stop."""


def run(options: Options) -> int:
    """Run the demo until a signal or the end of one of its processes; the exit status."""
    options.home.mkdir(parents=True, exist_ok=True)
    for number in _SIGNALS:
        signal.signal(number, _stop_once)
    try:
        with ExitStack() as stack:
            stack.callback(_ignore_signals)
            stack.enter_context(_only_one(options.home))
            children = _start(stack, options)
            return _report(_first_to_end(children))
    except _Stopped:
        print("\nStopped.")
        return 0
    except (RuntimeError, psycopg2.Error) as error:
        print(error, file=sys.stderr)
        return 1


_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _ignore_signals() -> None:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _stop_once(_number: int, _frame: FrameType | None) -> None:
    # A second Ctrl-C must not interrupt the stopping.
    _ignore_signals()
    raise _Stopped


@contextmanager
def _only_one(home: Path) -> Iterator[None]:
    with (home / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RuntimeError(f"a demo is running already with {home}: stop it first") from None
        yield


def _start(stack: ExitStack, options: Options) -> list[Child]:
    env = {**os.environ, "PYTHONUNBUFFERED": "1"}
    children: list[Child] = []
    env["DATABASE_URL"] = _postgres(stack, options.home, children)
    env["SA_NOTIFY_REDIS_URL"] = _redis(stack, options.home, children)
    _finish(_program(stack, options.home, env, "-m", "alembic", "upgrade", "head"))
    _finish(_program(stack, options.home, env, "-m", "demo.seed"))
    # web workers that know a Redis follow a dispatcher, not the database
    children.append(_program(stack, options.home, env, "-m", "sa_notify", "dispatch"))
    port = options.port or (free_port() if listening(_PORT) else _PORT)
    web = _program(
        stack, options.home, env, "-m", "gunicorn", *_gunicorn(port, options.workers), "demo.wsgi:app"
    )
    children.append(web)
    web.wait_until(lambda: _answers(port))
    if options.writing:
        children.append(_program(stack, options.home, env, "-m", "demo.writer"))
    print(_what_to_try(port, env["DATABASE_URL"], options.home), flush=True)
    return children


def _postgres(stack: ExitStack, home: Path, children: list[Child]) -> str:
    if given := os.environ.get("DATABASE_URL"):
        return make_url(given).set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)
    server = stack.enter_context(EmbeddedPostgres(postgres_room(home)))
    children.extend([server.child] if server.child else [])
    url = make_url(server.url)
    _make_database(url.host or "", url.port or 5432)
    return url.set(database=_DATABASE).render_as_string()


def _make_database(host: str, port: int) -> None:
    connection = psycopg2.connect(make_dsn(host=host, port=port, user="postgres", dbname="postgres"))
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (_DATABASE,))
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE DATABASE {_DATABASE}")
    connection.close()


def _redis(stack: ExitStack, home: Path, children: list[Child]) -> str:
    if given := os.environ.get("SA_NOTIFY_REDIS_URL"):
        return given
    server = stack.enter_context(EmbeddedRedis(home / "redis"))
    children.extend([server.child] if server.child else [])
    return server.url


def _program(stack: ExitStack, home: Path, env: dict[str, str], *arguments: str) -> Child:
    log = home / f"{arguments[1]}.log"
    child = Child([sys.executable, *arguments], name=arguments[1], log=log, env=env, cwd=_ROOT)
    stack.callback(child.stop)
    return child


def _finish(child: Child) -> None:
    if child.wait(seconds=60):
        raise RuntimeError(f"{child.name} failed:\n{child.tail()}")


def _gunicorn(port: int, workers: int) -> list[str]:
    # The control socket is one for all gunicorns of a user; open websockets use up the graceful timeout.
    options = ["--no-control-socket", "--graceful-timeout", "1", "--bind", f"127.0.0.1:{port}"]
    return ["-k", "gevent", "-w", str(workers), *options]


def _answers(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"the demo's page answers {error.code}; see gunicorn.log") from None
    except OSError:
        return False
    return True


def _first_to_end(children: list[Child]) -> Child:
    while True:
        for child in children:
            if child.poll() is not None:
                return child
        time.sleep(0.2)


def _report(ended: Child) -> int:
    print(f"{ended.name} ended, so the demo stops. The end of {ended.log}:\n{ended.tail()}", file=sys.stderr)
    return 1


def _what_to_try(port: int, database_url: str, home: Path) -> str:
    url = f"http://127.0.0.1:{port}"
    return f"""
  sa_notify demo: {url}

  What to try
    {url}/
        a live query: a writer changes rows all the time, rows enter, leave and move
    {url}/admin/todoitem/
        a live Flask-Admin list: filter, search, sort, turn the page, edit a cell
    {_psql(database_url)} \\
        -c "UPDATE todo_items SET priority = 1 WHERE NOT done"
        any program's write shows at once

  Logs: {home}/*.log      Ctrl-C stops everything; the data stays (make demo-clean removes it)
"""


def _psql(database_url: str) -> str:
    plain = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=True)
    return f"{shutil.which('psql') or bundled('psql')} '{plain}'"
