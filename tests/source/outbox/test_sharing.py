"""Several sources in one process, and processes that were forked from one that follows."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from psycopg2.extensions import connection as Connection
from sqlalchemy import Engine

from sa_notify.source.outbox import following
from sa_notify.source.outbox.ear import Heard
from sa_notify.source.outbox.keeper import end_silent_keeper
from sa_notify.source.outbox.keys import DOORBELL
from sa_notify.source.outbox.pump import Pump
from sa_notify.source.outbox.session import Session
from sa_notify.source.outbox.source import OutboxSource, Wake
from tests.protocol import wait_for
from tests.source.outbox.conftest import Follow
from tests.source.outbox.outboxes import Follower, advisory_locks, all_is_well, commit, execute, put, scalar

_READERS = "SELECT count(*) FROM sa_notify.outbox_reader"
_ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("wakes", [("notify", "notify"), ("notify", "poll"), ("poll", "notify")])
def test_two_in_one_process_go_their_own_ways(
    outbox: Engine, follow: Follow, connections: Callable[[], Connection], wakes: tuple[Wake, Wake]
) -> None:
    """Each hears everything; the one that closes takes nothing from the other and leaves nothing."""
    first, second = (follow(wake) for wake in wakes)
    writer = connections()
    all_is_well([first, second], writer)
    first.close()
    second.loses()
    all_is_well([second], writer)
    wait_for(lambda: scalar(outbox, _READERS) == 1, "the registrations to be given back")
    second.close()

    wait_for(lambda: advisory_locks(outbox) == 0, "no lock to be left")
    assert scalar(outbox, _READERS) == 0


def test_opening_again_leaves_nothing_behind(outbox: Engine, follow: Follow, writer: Connection) -> None:
    """Neither descriptors, nor threads of PostgreSQL, nor registrations."""
    follower = follow()
    own = set(_descriptors())
    for _ in range(10):
        follower.open()
    all_is_well([follower], writer)

    wait_for(lambda: len(_descriptors()) <= len(own), "descriptors to be given back")
    assert scalar(outbox, _READERS) == 1
    where = "datname = current_database() AND application_name = 'sa_notify'"
    wait_for(
        lambda: scalar(outbox, f"SELECT count(*) FROM pg_stat_activity WHERE {where}") == 2, "two sessions"
    )


def test_others_hear_of_what_came_without_a_ring(
    outbox: Engine, follow: Follow, connections: Callable[[], Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ring tells of one transaction; whoever had answered it already is told of those that came after."""
    monkeypatch.setattr(following, "FOLLOWER_SECONDS", float("inf"))
    keeper, follower = (follow(safety_seconds=float("inf")) for _ in range(2))
    awake, writer = connections(), connections()
    # who has a share of the bell keeps the keeper from sleeping
    wait_for(lambda: _shares_the_bell(awake), "the keeper to be awake")
    ear = _pump(keeper)._ear
    assert ear is not None
    hear, rung = ear.hear, list[bool]()

    def hear_later() -> Heard:
        heard = hear()
        if heard.rang and not rung:
            rung.append(True)
            wait_for(lambda: f"with the ring {n}" in follower.keys, "the other to have read")
            commit(writer, n)
        return heard

    monkeypatch.setattr(ear, "hear", hear_later)
    for n in range(5):
        rung.clear()
        put(writer, f"with the ring {n}")
        with writer.cursor() as cursor:
            cursor.execute("NOTIFY sa_notify")
        writer.commit()
        follower.until(lambda n=n: str(n) in follower.keys, f"{n}", 5.0)  # type: ignore[misc]
    awake.rollback()


def test_a_keeper_that_lives_is_left_alone(
    outbox: Engine, follow: Follow, connections: Callable[[], Connection]
) -> None:
    """Only one that is silent is ended, and nobody who holds locks of another's."""
    follower, desk, others = follow(), connections(), connections()
    desk.autocommit = others.autocommit = True
    with others.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(1), pg_advisory_lock(1935764071, 2)")
        session = Session(desk, pooled=False)
        assert not end_silent_keeper(session)
        execute(outbox, "DELETE FROM sa_notify.outbox_term")
        end_silent_keeper(session)
        cursor.execute("SELECT 1")
    all_is_well([follower], connections())


def _shares_the_bell(connection: Connection) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock_shared(%s)", (DOORBELL,))
        ((obtained,),) = cursor.fetchall()
        if not obtained:
            cursor.execute("NOTIFY sa_notify")
            connection.commit()
    return bool(obtained)


def _pump(follower: Follower) -> Pump:
    assert isinstance(follower.source, OutboxSource)
    pump = follower.source._open().pump
    assert pump is not None
    return pump


_FORKED = """
import os, signal, sys
from sqlalchemy import create_engine
from sa_notify.errors import SourceLost
from sa_notify.source.connect import listen_connect
from sa_notify.source.outbox.source import OutboxSource
from tests.source.announcing import plain
from tests.source.outbox.outboxes import Follower, all_is_well, make_outbox

engine = create_engine(sys.argv[1])
make_outbox(engine)
source = OutboxSource(listen_connect(engine), sys.argv[2])
source.open()
following = source._following
# as the threads may hold them in the moment of the fork
for guard in (following.mailbox._waker._guard, following._connections._guard, following.pump._waker._guard):
    guard.__enter__()
child = os.fork()
if child == 0:
    signal.alarm(30)
    engine.dispose(close=False)
    for use in (source.fileno, source.read, source.ping):
        try:
            use()
        except SourceLost:
            continue
        os._exit(1)
    source.interrupt()
    source.close()
    follower = Follower(source)
    follower.open()
    all_is_well([follower], plain(create_engine(sys.argv[1])))
    follower.close()
    os._exit(0)
for guard in (following.mailbox._waker._guard, following._connections._guard, following.pump._waker._guard):
    guard.__exit__()
_, status = os.waitpid(child, 0)
assert status == 0, status
parent = Follower(source)
parent._open, parent.epochs = True, [source.epoch]
all_is_well([parent], plain(engine))
assert parent.epochs == [source.epoch], "the parent lost something"
source.close()
"""


@pytest.mark.parametrize("wake", ["notify", "poll"])
def test_a_fork_leaves_the_parents_alone(database_url: str, wake: Wake) -> None:
    """A child, forked at any moment, closes and opens its own without a word to the parent's sessions."""
    command = [sys.executable, "-c", _FORKED, database_url, wake]
    done = subprocess.run(
        command,
        cwd=_ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | {"PYTHONPATH": str(_ROOT)},
    )

    assert done.returncode == 0, done.stderr[-3000:]


def _descriptors() -> list[Path]:
    return list(Path("/proc/self/fd").iterdir())
