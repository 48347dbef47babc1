"""Gates while what they depend on goes away, comes back or changes its mind."""

import itertools
import random
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from psycopg2 import OperationalError
from psycopg2.extensions import connection as Connection
from sqlalchemy import Engine

from sa_notify.source import wants
from sa_notify.source.connect import listen_connect
from sa_notify.source.outbox import gates, keeper, pump
from sa_notify.source.outbox.source import OutboxSource, Wake
from tests.protocol import wait_for
from tests.source.announcing import plain
from tests.source.outbox.conftest import Follow
from tests.source.outbox.counters import SIZE, TABLE, make_counters
from tests.source.outbox.gatekeeping import awaited, count, held, run, stands
from tests.source.outbox.outboxes import Follower, execute, scalar

_LINGER_SECONDS = 0.06
_END_WAITING = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_WAITING = """
SELECT count(*) > 0 FROM pg_locks
WHERE NOT granted AND relation = CAST('sa_notify.' || :table AS regclass)
"""


@pytest.mark.parametrize("wakes", [("notify", "notify"), ("poll", "notify"), ("notify", "poll")])
def test_a_table_is_wanted_again_just_as_it_is_dropped(
    outbox: Engine, follow: Follow, monkeypatch: pytest.MonkeyPatch, wakes: tuple[Wake, Wake]
) -> None:
    """Whoever is told that the table stands hears what is written from then on, keeper or not."""
    monkeypatch.setattr(wants, "LINGER_SECONDS", _LINGER_SECONDS)
    monkeypatch.setattr(keeper, "ROUND_SECONDS", 0.01)
    monkeypatch.setattr(pump, "BEAT_SECONDS", 0.01)
    make_counters(outbox)
    followers, writer, draw = [follow(wake) for wake in wakes], plain(outbox), random.Random(3)
    stood = dropped = 0
    for n in range(25 * SIZE):
        follower, key = followers[n % 2], n % 40 + 1
        began = time.monotonic()
        if follower.source.take([TABLE]):  # type: ignore[attr-defined]
            count(writer, key)
            version = _committed(writer, key)
            # what is written later may find it dropped
            if time.monotonic() - began < _LINGER_SECONDS:
                stood += 1
                _hears_version(follower, str(key), version)
        time.sleep(_LINGER_SECONDS + draw.random() / 30)  # about when it is dropped
        dropped += not held(outbox)
    writer.close()
    assert stood > 5 and dropped > 5
    assert [len(follower.epochs) for follower in followers] == [1, 1]


def test_no_answer_while_a_gate_is_being_dropped(
    outbox: Engine, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asks in the very middle is answered when it is decided, and then by what is true."""
    monkeypatch.setattr(wants, "LINGER_SECONDS", 0.1)
    monkeypatch.setattr(pump, "BEAT_SECONDS", 0.05)
    make_counters(outbox)
    keeping, other, blocking = follow(), follow(), plain(outbox)
    stands(keeping)
    # the keeper has decided, and can't write it down
    run(blocking, "LOCK TABLE sa_notify.outbox_gate IN SHARE MODE")
    wait_for(lambda: scalar(outbox, _WAITING, table="outbox_gate"), "the keeper drops the gate")
    monkeypatch.setattr(wants, "LINGER_SECONDS", 30.0)
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(stands, other)
        wait_for(lambda: answer.done() or scalar(outbox, _WAITING, table="outbox_reader"), "an answer is due")
        assert not answer.done()
        blocking.rollback()
        answer.result()
    blocking.close()
    execute(outbox, "UPDATE counters SET version = 9 WHERE id = 9")
    other.hears(9)


def _committed(writer: Connection, key: int) -> int:
    with writer.cursor() as cursor:
        cursor.execute("SELECT version FROM counters WHERE id = %s", (key,))
        row: Any = cursor.fetchone()
    writer.commit()
    return int(row[0])


def _hears_version(follower: Follower, key: str, version: int) -> None:
    def read() -> bool:
        changes = [change for each in follower.source.read() for change in each.changes]
        return any(change.key == (key,) and change.values["version"][1] == version for change in changes)

    wait_for(read, f"version {version} of {key}")


def test_who_waits_may_be_ended(outbox: Engine, follow: Follow) -> None:
    """Another waits in its place; nobody begins a new epoch for it."""
    make_counters(outbox)
    writer, follower = plain(outbox), follow()
    count(writer, 1)
    assert follower.source.take([TABLE]) == frozenset()  # type: ignore[attr-defined]
    for _ in range(3):
        wait_for(lambda: awaited(outbox), "somebody waits")
        scalar(outbox, _END_WAITING)
    wait_for(lambda: awaited(outbox), "somebody waits")
    writer.commit()
    writer.close()
    stands(follower)
    execute(outbox, "UPDATE counters SET version = 9 WHERE id = 9")
    follower.hears(9)
    assert len(follower.epochs) == 1


def test_there_may_be_no_connection_to_wait_on(outbox: Engine) -> None:
    """Where PostgreSQL gives no further connection the gate is tried again and again instead."""
    make_counters(outbox)
    writer, connect, made = plain(outbox), listen_connect(outbox), itertools.count()

    def sparing() -> Any:
        if next(made) >= 2:
            raise OperationalError("sorry, too many clients already")
        return connect()

    count(writer, 1)
    follower = Follower(OutboxSource(sparing))
    follower.open()
    assert follower.source.take([TABLE]) == frozenset()  # type: ignore[attr-defined]
    wait_for(lambda: next(made) > 4, "attempts to connect")
    writer.commit()
    writer.close()
    stands(follower)
    assert len(follower.epochs) == 1
    follower.close()


@pytest.mark.parametrize("end", ["COMMIT PREPARED", "ROLLBACK PREPARED"])
def test_a_prepared_transaction_holds_what_it_wrote(own_engine: Engine, end: str) -> None:
    """It captured nothing, and is waited for like any other writer although no session has it."""
    execute(own_engine, "DROP TABLE IF EXISTS counters")
    make_counters(own_engine)
    before, after = plain(own_engine), plain(own_engine)
    count(before, 1)
    run(before, "PREPARE TRANSACTION 'before'")
    before.rollback()
    follower = Follower(OutboxSource(listen_connect(own_engine)))
    follower.open()
    assert follower.source.take([TABLE]) == frozenset()  # type: ignore[attr-defined]
    wait_for(lambda: awaited(own_engine), "somebody waits")
    count(after, 2)
    run(after, "PREPARE TRANSACTION 'after'")
    after.rollback()
    before.autocommit = after.autocommit = True
    run(before, f"{end} 'before'")
    stands(follower)
    assert scalar(own_engine, "SELECT sum(version) FROM counters") == (end == "COMMIT PREPARED")
    assert follower.keys == []
    run(after, "COMMIT PREPARED 'after'")
    follower.hears(2)
    follower.close()
    before.close()
    after.close()


def test_a_table_that_is_dropped_while_it_is_waited_for(outbox: Engine, follow: Follow) -> None:
    """Its name stands for whatever bears it next."""
    make_counters(outbox)
    writer, follower = plain(outbox), follow()
    run(writer, "SAVEPOINT s")
    count(writer, 1)
    assert follower.source.take([TABLE]) == frozenset()  # type: ignore[attr-defined]
    wait_for(lambda: awaited(outbox), "somebody waits")
    run(writer, "ALTER TABLE counters RENAME TO other")
    writer.commit()
    make_counters(outbox)
    stands(follower)
    execute(outbox, "UPDATE counters SET version = 9 WHERE id = 9")
    follower.hears(9)
    wait_for(lambda: not held(outbox, "other"), "the old one's gate is open")
    writer.close()


def test_patience_fits_into_the_signs_of_life() -> None:
    """A round of the keeper, with every hand-over at its slowest, ends before others take it for dead."""
    longest = gates.ROUND_PATIENCE_SECONDS + gates.WAITERS * gates.HANDOVER_SECONDS
    assert longest + keeper.ROUND_SECONDS + keeper.BEAT_SECONDS < 10
