"""A reader that rests is woken by whoever commits: always."""

import random
import threading
import time
from typing import Any

import pytest
from psycopg2.extensions import connection as Connection
from sqlalchemy import Engine

from sa_notify.source.outbox.keys import DOORBELL
from sa_notify.source.outbox.pace import QUIET_SECONDS, RINGS_SECONDS
from tests.protocol import wait_for
from tests.source.announcing import plain
from tests.source.outbox.conftest import Follow
from tests.source.outbox.counters import SIZE, TABLE, make_counters
from tests.source.outbox.outboxes import Follower, commit, put

NEVER = float("inf")


def _asleep(follower: Follower) -> Any:
    return follower.source._following.pump._pace.asleep  # type: ignore[attr-defined]


def test_no_ring_is_lost(outbox: Engine, follow: Follow) -> None:
    """Without any look of its own a reader hears each commit, wherever it falls beside its sleep."""
    make_counters(outbox)
    follower = follow(safety_seconds=NEVER)
    assert follower.source.take([TABLE]) == {TABLE}  # type: ignore[attr-defined]
    writer, draw, heard = plain(outbox), random.Random(7), 0
    writer.autocommit = True
    pauses = (0.0, QUIET_SECONDS * 0.8, QUIET_SECONDS, QUIET_SECONDS * 1.2, RINGS_SECONDS)
    follower.source.keep([TABLE])  # type: ignore[attr-defined]
    for n in range(200 * SIZE):
        with writer.cursor() as cursor:
            cursor.execute("UPDATE counters SET version = version + 1 WHERE id = %s", (n % 40 + 1,))
        deadline = time.monotonic() + 30
        while heard <= n:
            heard += sum(len(changeset.changes) for changeset in follower.source.read())
            assert time.monotonic() < deadline, f"commit {n} was not heard"
        if pause := draw.choice(pauses):
            time.sleep(pause * (0.9 + draw.random() / 5))
    writer.close()


def test_what_is_committed_while_it_falls_asleep_is_heard(
    outbox: Engine, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody rings for a reader that is awake: having lain down, it looks a last time."""
    follower, writer, other = follow(safety_seconds=NEVER), plain(outbox), plain(outbox)
    wait_for(lambda: _asleep(follower), "rest")
    doorbell = follower.source._following.pump._doorbell  # type: ignore[attr-defined]
    hold, late = doorbell.hold, ["second", "third"]

    def lie_down() -> bool:
        if late:
            commit(other, late.pop(0))
        return bool(hold())

    def awake() -> bool:
        commit(writer, "busy")
        return not _asleep(follower)

    monkeypatch.setattr(doorbell, "hold", lie_down)
    wait_for(awake, "busy")
    follower.hears("second")
    follower.hears("third")
    wait_for(lambda: _asleep(follower), "rest")
    writer.close()
    other.close()


def test_no_ring_is_lost_among_many(outbox: Engine, follow: Follow) -> None:
    """Bursts of several writers, with pauses in which the reader falls asleep."""
    follower = follow(safety_seconds=NEVER)
    for burst in range(10 * SIZE):
        names = [f"{burst}/{writer}/{n}" for writer in range(4) for n in range(10)]
        threads = [threading.Thread(target=_commit_all, args=(outbox, names[n::4])) for n in range(4)]
        for thread in threads:
            thread.start()
        follower.until(lambda names=names: set(names) <= set(follower.keys), f"burst {burst}")
        for thread in threads:
            thread.join()
    assert len(follower.keys) == len(set(follower.keys)) == 400 * SIZE
    assert len(follower.epochs) == 1


def _commit_all(engine: Engine, names: list[str]) -> None:
    connection = plain(engine)
    for name in names:
        commit(connection, name)
    connection.close()


def _will_not_ring(writer: Connection) -> bool:
    """Whether it has its share of the bell."""
    with writer.cursor() as cursor:
        cursor.execute(
            "SELECT FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory' AND objsubid = 1"
            " AND classid::bigint << 32 | objid::bigint = %s",
            (DOORBELL,),
        )
        return cursor.rowcount == 1


def test_a_writer_that_will_not_ring_keeps_it_awake(outbox: Engine, follow: Follow) -> None:
    """Who wrote while the reader was awake does not ring: there is no sleep before it has ended."""
    follower, writer, other = follow(safety_seconds=NEVER), plain(outbox), plain(outbox)
    wait_for(lambda: _asleep(follower), "rest")

    def written_while_awake() -> bool:
        commit(other, "busy")
        put(writer, "late")
        if holds := _will_not_ring(writer):
            return holds
        writer.rollback()  # it had fallen asleep again
        return False

    wait_for(written_while_awake, "busy")
    time.sleep(10 * QUIET_SECONDS)  # any reader that would sleep does so now
    assert not _asleep(follower)
    writer.commit()
    follower.hears("late")
    wait_for(lambda: _asleep(follower), "rest")
    writer.close()
    other.close()
