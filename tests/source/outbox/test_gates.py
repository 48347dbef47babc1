"""Nothing is captured of a table that nobody wants; from the moment that one is wanted, nothing is missed."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from psycopg2.extensions import connection as Connection
from sqlalchemy import Engine

from sa_notify.source import wants
from sa_notify.source.outbox import pump
from tests.capture.ears import Ear
from tests.protocol import wait_for
from tests.source.announcing import plain
from tests.source.outbox.conftest import Follow
from tests.source.outbox.counters import TABLE, make_counters
from tests.source.outbox.gatekeeping import awaited, count, held, run, stands
from tests.source.outbox.outboxes import execute, scalar, slot_counts

LEVELS = ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")


@pytest.fixture
def counters(outbox: Engine) -> Engine:
    make_counters(outbox)
    return outbox


@pytest.fixture
def writing(counters: Engine) -> Iterator[Callable[..., Connection]]:
    """Makes writers whose transaction has begun, at some level, with a look at the table."""
    made: list[Connection] = []

    def make(level: str = LEVELS[0]) -> Connection:
        made.append(plain(counters))
        run(made[-1], f"BEGIN ISOLATION LEVEL {level}")
        run(made[-1], "SELECT sum(version) FROM counters")
        return made[-1]

    yield make
    for connection in made:
        connection.close()


def test_nobody_wants_it(counters: Engine, database_url: str, follow: Follow) -> None:
    """Without anybody who wants the table nothing is written and nobody is notified, reader or not."""
    ear = Ear(database_url)
    for reader in (False, True):
        if reader:
            follow()
        execute(counters, "UPDATE counters SET version = version + 1", "TRUNCATE counters")
        make_counters(counters)
        assert slot_counts(counters) == [0] * 4
    assert ear.payloads() == []
    ear.close()


@pytest.mark.parametrize("level", LEVELS)
def test_who_wrote_before(
    counters: Engine, writing: Callable[..., Connection], follow: Follow, level: str
) -> None:
    """A transaction that captured nothing holds the table until it ends; then what it wrote is visible."""
    writer, follower = writing(level), follow()
    count(writer, 1)
    began = time.monotonic()
    assert follower.source.take([TABLE]) == frozenset()
    assert time.monotonic() - began < 15.0  # about a second; and the writer would hold it for ever
    count(writer, 2)
    writer.commit()
    stands(follower)
    assert scalar(counters, "SELECT sum(version) FROM counters") == 2
    execute(counters, "UPDATE counters SET version = version + 1 WHERE id = 3")
    follower.hears(3)


@pytest.mark.parametrize("level", LEVELS)
def test_who_writes_meanwhile(
    counters: Engine, writing: Callable[..., Connection], follow: Follow, level: str
) -> None:
    """While an old writer holds the table, new ones are captured already, and heard before it stands."""
    old, new, follower = writing(), writing(level), follow()
    count(old, 1)
    assert follower.source.take([TABLE]) == frozenset()
    wait_for(lambda: awaited(counters), "somebody waits")
    count(new, 2)
    new.commit()
    follower.hears(2)
    old.commit()
    stands(follower)


@pytest.mark.parametrize("level", LEVELS)
def test_who_began_before_and_writes_after(
    writing: Callable[..., Connection], follow: Follow, level: str
) -> None:
    """An older snapshot makes no difference: what is written once the table stands is heard."""
    writer, follower = writing(level), follow()
    stands(follower)
    count(writer, 1)
    writer.commit()
    follower.hears(1)


def test_a_savepoint_that_was_rolled_back_holds_nothing(
    writing: Callable[..., Connection], follow: Follow
) -> None:
    """What captured nothing and was undone is nothing to wait for."""
    writer, follower = writing(), follow()
    run(writer, "SAVEPOINT s")
    count(writer, 1)
    run(writer, "ROLLBACK TO SAVEPOINT s")
    stands(follower)
    count(writer, 2)
    writer.commit()
    follower.hears(2)


def test_readers_under_way_lose_nothing(counters: Engine, follow: Follow) -> None:
    """What a read that begins when the table stands does not see is heard, under constant writing."""
    over = threading.Event()

    def write(key: int) -> None:
        connection = plain(counters)
        while not over.is_set():
            count(connection, key)
            connection.commit()
        connection.close()

    threads = [threading.Thread(target=write, args=(key,)) for key in range(1, 5)]
    for thread in threads:
        thread.start()
    try:
        follower = follow()
        stands(follower)
        seen = scalar(counters, "SELECT sum(version) FROM counters")
        heard: list[tuple[int, int]] = []

        def read() -> bool:
            for changeset in follower.source.read():
                heard.extend((change.values["version"]) for change in changeset.changes)
            return len(heard) > 200

        wait_for(read, "changes")
    finally:
        over.set()
        for thread in threads:
            thread.join()
    total = scalar(counters, "SELECT sum(version) FROM counters")
    wait_for(lambda: read() and len(heard) >= total - seen, "all that was not seen")


def test_what_is_wanted_no_longer(counters: Engine, follow: Follow, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some time after the last who wanted it the table is captured no more."""
    monkeypatch.setattr(wants, "LINGER_SECONDS", 0.2)
    monkeypatch.setattr(pump, "BEAT_SECONDS", 0.1)
    follower = follow()
    follower.source.keep([TABLE])  # type: ignore[attr-defined]
    stands(follower)
    assert held(counters)
    execute(counters, "UPDATE counters SET version = version + 1 WHERE id = 1")
    follower.hears(1)
    follower.source.keep([])  # type: ignore[attr-defined]
    wait_for(lambda: not held(counters), "the gate is open")
    rows = sum(slot_counts(counters))
    execute(counters, "UPDATE counters SET version = version + 1 WHERE id = 1")
    assert sum(slot_counts(counters)) == rows
    stands(follower)


def test_a_table_that_is_made_again(counters: Engine, follow: Follow) -> None:
    """It has the name, but is another: it is taken anew."""
    follower = follow()
    stands(follower)
    execute(counters, "DROP TABLE counters")
    make_counters(counters)
    stands(follower)
    execute(counters, "UPDATE counters SET version = version + 1 WHERE id = 7")
    follower.hears(7)
