"""The embedded servers: nothing outlives its starter, nothing stored is lost."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import redis
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from demo import embedded, rooms
from demo.embedded import EmbeddedPostgres, EmbeddedRedis
from demo.process import listening
from demo.rooms import postgres_room, remove, temporary_room
from tests.demo.processes import wait_for, working_in
from tests.servers import quick_room

_ROOT = Path(__file__).parents[2]


@pytest.fixture
def room() -> Iterator[Path]:
    """A folder that PostgreSQL can use whoever runs the tests."""
    made = quick_room("sa-notify-room-")
    yield made
    wait_for(lambda: not working_in(made), "end of the servers")
    shutil.rmtree(made)


def _scalar(url: str, sql: str) -> object:
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        return connection.execute(text(sql)).scalar()


def _remember(url: str) -> object:
    return _scalar(url, "CREATE TABLE kept AS SELECT 42 AS n; SELECT n FROM kept")


def _remembers(url: str) -> bool:
    return _scalar(url, "SELECT n FROM kept") == 42


def test_postgres_is_18_and_gone_after_its_block(room: Path) -> None:
    """A block has a PostgreSQL 18; after it no process and no open port is left."""
    with EmbeddedPostgres(room) as server:
        version = _scalar(server.url, "SHOW server_version_num")
        assert working_in(room)

    assert str(version).startswith("18")
    assert not working_in(room)
    assert not listening(server.port)


def test_postgres_keeps_its_data(room: Path) -> None:
    """A second start in the same folder finds what the first one stored."""
    with EmbeddedPostgres(room) as server:
        _remember(server.url)
    with EmbeddedPostgres(room) as server:
        assert _remembers(server.url)


def test_postgres_starts_again_after_its_own_kill(room: Path) -> None:
    """A server that was killed with -9 leaves a lock file, which does not hinder the next start."""
    with EmbeddedPostgres(room) as server:
        _remember(server.url)
        assert server.child is not None
        os.kill(server.child.pid, signal.SIGKILL)
        server.child.wait(seconds=10)
        assert (room / "data" / "postmaster.pid").exists()
    with EmbeddedPostgres(room) as server:
        assert _remembers(server.url)


def test_redis_answers_and_is_gone_after_its_block(room: Path) -> None:
    """A block has a Redis; after it no process is left."""
    with EmbeddedRedis(room) as server, redis.Redis.from_url(server.url) as client:
        assert client.ping()
    assert not working_in(room)


def test_servers_end_with_a_killed_starter(room: Path) -> None:
    """When the starter is killed with -9, the servers end by themselves and the data can be used again."""
    program = """
        import sys
        from pathlib import Path
        from demo.embedded import EmbeddedPostgres, EmbeddedRedis
        room = Path(sys.argv[1])
        with EmbeddedPostgres(room / "pg") as postgres, EmbeddedRedis(room / "redis") as redis:
            print(postgres.url, flush=True)
            sys.stdin.read()
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), room],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as starter:
        assert starter.stdout is not None
        _remember(starter.stdout.readline().strip())
        assert len(working_in(room)) > 2
        starter.kill()

    wait_for(lambda: not working_in(room), "end of the servers")
    with EmbeddedPostgres(room / "pg") as server:
        assert _remembers(server.url)


def test_a_start_that_fails_says_why(room: Path) -> None:
    """A taken port is reported with PostgreSQL's own words, and nothing is left running."""
    with EmbeddedRedis(room / "redis") as taken:
        server = EmbeddedPostgres(room / "pg", port=taken.port)
        with pytest.raises(RuntimeError, match="Address already in use"):
            server.start()
        assert not working_in(room / "pg")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as another account")
def test_root_copies_programs_that_nobody_may_reach(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where ``nobody`` may not enter the virtual environment, the programs run from a copy."""
    monkeypatch.setattr(embedded, "reachable", lambda _: False)
    with EmbeddedPostgres(room) as server:
        assert server.child is not None
        program = Path(f"/proc/{server.child.pid}/exe").readlink()

    assert program.is_relative_to(room / "programs")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as another account")
def test_root_keeps_data_where_nobody_may_go(tmp_path: Path) -> None:
    """Below a folder that only root may enter, the data goes elsewhere, and is removed with the rest."""
    home = tmp_path / "closed" / "home"
    home.mkdir(parents=True)
    home.parent.chmod(0o700)
    elsewhere = postgres_room(home)
    assert not elsewhere.is_relative_to(tmp_path)
    with EmbeddedPostgres(elsewhere) as server:
        _remember(server.url)

    remove(home)

    assert not elsewhere.exists()
    assert not home.exists()


def _room_of_another_process(prefix: str) -> Path:
    program = "import sys; from demo.rooms import temporary_room; print(temporary_room(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", program, prefix], cwd=_ROOT, capture_output=True, text=True, check=True
    )
    return Path(done.stdout.strip())


def test_what_a_killed_process_left_is_removed() -> None:
    """Temporary folders of processes that were killed go with the next one's; those in use stay."""
    prefix = f"sa-notify-probe-{os.getpid()}-"
    left = _room_of_another_process(prefix)
    assert left.exists()

    first, second = temporary_room(prefix), temporary_room(prefix)

    assert not left.exists()
    assert first.exists()
    shutil.rmtree(first)
    shutil.rmtree(second)


def test_a_folder_is_nobodys_before_it_is_locked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process that makes one just then does not take it for one that was left behind."""
    prefix = f"sa-notify-probe-{os.getpid()}-"
    others: list[Path] = []

    def lock(descriptor: int, how: int) -> None:
        others.append(_room_of_another_process(prefix))
        fcntl.flock(descriptor, how)

    monkeypatch.setattr(rooms, "fcntl", SimpleNamespace(**{**vars(fcntl), "flock": lock}))
    room = temporary_room(prefix)

    assert others and (room / ".in-use").exists()
    for each in (room, *others):
        shutil.rmtree(each)
