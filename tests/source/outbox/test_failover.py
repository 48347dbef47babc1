"""A standby that is promoted, and a backup that is restored: other servers with the same tables."""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, make_url

from tests.protocol import wait_for
from tests.servers import Postgres, copy, quick_room
from tests.source.announcing import begin, plain
from tests.source.outbox.conftest import Follow
from tests.source.outbox.outboxes import Follower, all_is_well, commit, make_outbox, scalar
from tests.source.proxy import Proxy


@pytest.fixture
def rooms() -> Iterator[tuple[Path, Path]]:
    """For two servers."""
    made = quick_room("sa-notify-primary-"), quick_room("sa-notify-standby-")
    yield made
    for room in made:
        shutil.rmtree(room, ignore_errors=True)


def _copy(source: Path, target: Path) -> None:
    """Of a server that is stopped."""
    shutil.rmtree(target / "data", ignore_errors=True)
    copy(source / "data", target / "data")


def _killed(server: Postgres) -> None:
    assert server.child is not None
    os.kill(server.child.pid, signal.SIGKILL)
    server.child.wait(20)


def _standby(primary: Postgres, room: Path) -> Postgres:
    """Follows the primary, which is stopped for the moment that copying it takes."""
    primary.stop()
    _copy(primary.room, room)
    (room / "data" / "standby.signal").touch()
    with (room / "data" / "postgresql.auto.conf").open("a") as configuration:
        configuration.write(f"primary_conninfo = 'host=127.0.0.1 port={primary.port} user=postgres'\n")
    primary.start()
    return Postgres(room)


def test_a_promoted_standby_begins_a_new_epoch(rooms: tuple[Path, Path], follow: Follow) -> None:
    """The address leads to it before anybody knows; all that it takes from then on is heard, once."""
    with Postgres(rooms[0]) as primary:
        primary.port = primary.port  # the same when it starts again
        make_outbox(create_engine(primary.url))
        with _standby(primary, rooms[1]) as standby, Proxy(make_url(primary.url)) as link:
            engine, there = create_engine(link.listen_url), create_engine(standby.url)
            followers = [follow(engine=engine), follow("poll", engine=engine)]
            with closing(plain(engine)) as writer:
                for n in range(20):
                    commit(writer, n)
                for follower in followers:
                    follower.hears(*range(20))
                written = scalar(engine, "SELECT pg_current_wal_lsn()")
                replayed = f"SELECT pg_last_wal_replay_lsn() >= '{written}'"
                wait_for(lambda: scalar(there, replayed), "the standby to follow")
            _killed(primary)
            link.lead("127.0.0.1", standby.port)
            assert scalar(there, "SELECT pg_promote()")
            _all_goes_on(followers, engine)
            for each in (engine, there):
                each.dispose()


def test_a_restored_server_begins_a_new_epoch(rooms: tuple[Path, Path], follow: Follow) -> None:
    """Its transaction numbers come again; what was written since the backup is gone, and is not believed."""
    with Postgres(rooms[0]) as server:
        server.port = server.port
        engine = create_engine(server.url)
        make_outbox(engine)
        followers = [follow(engine=engine), follow("poll", engine=engine)]
        with closing(plain(engine)) as writer:
            commit(writer, "kept")
        server.stop()
        _copy(rooms[0], rooms[1])
        server.start()
        engine.dispose()
        for follower in followers:
            follower.loses()
        with closing(plain(engine)) as writer:
            for n in range(50):
                commit(writer, f"lost {n}")
            for follower in followers:
                follower.hears(*(f"lost {n}" for n in range(50)))
            before = begin(writer)
        _killed(server)
        _copy(rooms[1], rooms[0])
        server.start()
        engine.dispose()
        with closing(plain(engine)) as writer:
            assert begin(writer) < before
        _all_goes_on(followers, engine)
        engine.dispose()


def _all_goes_on(followers: list[Follower], engine: Engine) -> None:
    for follower in followers:
        follower.loses()
    engine.dispose()
    with closing(plain(engine)) as writer:
        all_is_well(followers, writer)
    for follower in followers:
        assert len(set(follower.epochs)) == len(follower.epochs)
        assert not any(key.startswith("lost") for key in follower.keys)
