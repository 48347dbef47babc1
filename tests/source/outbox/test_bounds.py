"""The outbox stays small under those who follow it, and what that costs them they are told."""

import pytest
from psycopg2.extensions import connection as Connection
from sqlalchemy import Engine

from sa_notify.source.outbox import keeper, pump, rotation
from tests.protocol import wait_for
from tests.source.announcing import plain
from tests.source.outbox.conftest import Follow
from tests.source.outbox.outboxes import SLOTS, advisory_locks, commit, scalar


@pytest.fixture
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small slots and short pauses, so that little has to be written."""
    monkeypatch.setattr(rotation, "SLOT_BYTES", 64 * 1024)
    monkeypatch.setattr(keeper, "ROUND_SECONDS", 0.02)
    monkeypatch.setattr(pump, "BEAT_SECONDS", 0.02)


def test_a_follower_that_is_too_far_behind_is_told(
    outbox: Engine, follow: Follow, writer: Connection, brisk: None
) -> None:
    """Nobody is robbed in silence: who had not read what went begins a new epoch, who had goes on."""
    good = follow(limit_bytes=512 * 1024)
    slow = follow()
    epochs = good.source.epoch, slow.source.epoch
    # it reads no more than has room, as one whose application does not take what has come
    slow.source._open().mailbox._queue.extend([None] * 20_000)  # type: ignore[attr-defined]
    n = 0
    while scalar(outbox, "SELECT count(*) FROM sa_notify.outbox_reader") == 2:
        commit(writer, *range(n, n + 20), size=4000)
        good.hears(*range(n, n + 20))
        n += 20
        assert n < 2000
    slow.source._open().mailbox._queue.clear()  # type: ignore[attr-defined]
    slow.loses()
    commit(writer, "after")
    slow.hears("after")
    good.hears("after")

    assert good.source.epoch == epochs[0]
    assert slow.epochs[0] == epochs[1]
    assert good.keys == [*map(str, range(n)), "after"]


def test_the_outbox_stays_small_while_followers_read(
    outbox: Engine, follow: Follow, writer: Connection, brisk: None
) -> None:
    """Several busy readers don't keep each other's slots from being emptied."""
    followers = [follow() for _ in range(3)]
    total = 0
    for first in range(0, 1500, 20):
        commit(writer, *range(first, first + 20), size=500)
        for follower in followers:
            follower.turn()
        total = max(total, sum(_sizes(outbox)))
    for follower in followers:
        follower.hears(*range(1500))

    assert total < 20 * 64 * 1024
    assert [len(follower.epochs) for follower in followers] == [1, 1, 1]


def test_emptied_slots_leave_nothing_on_disk(outbox: Engine, follow: Follow, brisk: None) -> None:
    """Neither in the tables nor where PostgreSQL puts long values, nor in the indexes."""
    follower, writer = follow(), plain(outbox)
    commit(writer, *range(50), size=20_000)
    follower.hears(*range(50))
    for n in range(3):
        commit(writer, f"next {n}", size=70_000)
        follower.hears(f"next {n}")
    follower.until(lambda: min(_sizes(outbox)) == 0 and sum(_sizes(outbox)) < 2**18, "an empty outbox")
    writer.close()
    follower.close()
    wait_for(lambda: advisory_locks(outbox) == 0, "no lock to be left")


def _sizes(engine: Engine) -> list[int]:
    what = "pg_relation_size(c.oid) + pg_relation_size(c.reltoastrelid)"
    return [
        scalar(engine, f"SELECT {what} FROM pg_class c WHERE oid = CAST(:slot AS regclass)", slot=slot)
        for slot in SLOTS
    ]
