"""Slots take turns and are emptied, and no writer is held up by it."""

import logging
import threading
from collections.abc import Callable, Iterator

import pytest
from psycopg2.errors import LockNotAvailable
from psycopg2.extensions import connection as Connection
from sqlalchemy import Engine

from sa_notify.source.outbox import rotation
from sa_notify.source.outbox.notes import post
from sa_notify.source.outbox.pruning import Pruning
from sa_notify.source.outbox.registration import Registration
from sa_notify.source.outbox.session import Session
from sa_notify.source.outbox.snapshot import Snapshot
from sa_notify.source.signals import WHISPER
from tests.source.announcing import plain
from tests.source.outbox.outboxes import SLOTS, commit, put, scalar, slot_counts

Connections = Callable[[], Connection]


@pytest.fixture
def session(outbox: Engine) -> Iterator[Session]:
    connection = plain(outbox)
    connection.autocommit = True
    yield Session(connection, pooled=False)
    connection.close()


@pytest.fixture
def pruning(session: Session, monkeypatch: pytest.MonkeyPatch) -> Pruning:
    """Whatever is in a slot ends its turn."""
    monkeypatch.setattr(rotation, "SLOT_BYTES", 1)
    return Pruning(session)


def test_a_slot_that_nobody_needs_is_emptied(outbox: Engine, pruning: Pruning, writer: Connection) -> None:
    """Its turn ends when it is full, and the next look empties it."""
    commit(writer, "a")
    pruning.prune(0.0)
    assert scalar(outbox, "SELECT last_value FROM sa_notify.outbox_turn") == 1
    pruning.prune(0.0)
    commit(writer, "b")

    assert slot_counts(outbox) == [0, 1, 0, 0]


def test_a_note_keeps_nothing(outbox: Engine, session: Session, pruning: Pruning, writer: Connection) -> None:
    """What web processes tell each other lies among those who read, and has read everything."""
    post(session, f"{WHISPER}revoke")
    commit(writer, "a")
    pruning.prune(0.0)
    pruning.prune(0.0)
    assert slot_counts(outbox) == [0, 0, 0, 0]


def test_small_and_old_is_emptied_too(outbox: Engine, session: Session, writer: Connection) -> None:
    """A row does not lie there for ever because no others come."""
    pruning = Pruning(session)
    commit(writer, "a")
    for now in (0.0, rotation.SLOT_SECONDS - 1):
        pruning.prune(now)
        assert slot_counts(outbox) == [1, 0, 0, 0]
    for _ in range(2):
        pruning.prune(rotation.SLOT_SECONDS)

    assert slot_counts(outbox) == [0, 0, 0, 0]


def test_an_open_writer_pins_its_slot_alone(
    outbox: Engine, pruning: Pruning, connections: Connections
) -> None:
    """The others go on taking turns around it, and it is emptied when the writer ends."""
    slow, writer = connections(), connections()
    put(slow, "slow")
    for n in range(20):
        commit(writer, n)
        pruning.prune(float(n))
        pruning.prune(float(n))
    assert sum(slot_counts(outbox)) <= 4
    assert slot_counts(outbox)[0] > 0
    slow.commit()
    for n in range(4):
        pruning.prune(20.0 + n)

    assert slot_counts(outbox)[0] == 0


def test_no_writer_waits_behind_one_that_pins(
    outbox: Engine, pruning: Pruning, connections: Connections
) -> None:
    """Who empties never queues for a lock: while one writer is in the slot, others get in at once."""
    pinning, writer = connections(), connections()
    put(pinning, "pinned")
    pruning.prune(0.0)
    done = threading.Event()
    failures = list[BaseException]()

    def write() -> None:
        try:
            for _ in range(300):
                with writer.cursor() as cursor:
                    # as long as a queue for the lock would last at the least
                    cursor.execute("SET LOCAL lock_timeout = '1ms'")
                    cursor.execute(f"INSERT INTO {SLOTS[0]} (depth, relation, body) VALUES (1, 'r', '')")
                writer.rollback()
        except LockNotAvailable as error:
            failures.append(error)
        finally:
            done.set()

    thread = threading.Thread(target=write)
    thread.start()
    while not done.is_set():
        pruning.prune(0.0)
    thread.join()

    assert failures == []
    assert slot_counts(outbox)[0] == 0


@pytest.mark.parametrize("early", [True, False])
def test_a_reader_that_has_not_read_keeps_its_slot(
    outbox: Engine, pruning: Pruning, session: Session, connections: Connections, early: bool
) -> None:
    """Also what was not visible yet when it last read, although its transaction had begun."""
    writer, later = connections(), connections()
    if early:
        put(writer, "a")
        # later numbers than that one's had ended
        commit(later)
    registration = Registration(session)
    registration.begin()
    if not early:
        put(writer, "a")
    writer.commit()
    for n in range(3):
        pruning.prune(float(n))
    assert slot_counts(outbox)[0] == 1
    _has_read(session, registration)
    pruning.prune(4.0)

    assert slot_counts(outbox)[0] == 0


def test_a_reader_only_in_the_middle_of_registering_loses_nothing(
    outbox: Engine, pruning: Pruning, session: Session, connections: Connections
) -> None:
    """While one registers nothing is emptied, since nobody knows yet what it has read."""
    writer, other = connections(), connections()
    commit(writer, "a")
    pruning.prune(0.0)
    with other.cursor() as cursor:
        cursor.execute("LOCK TABLE sa_notify.outbox_reader IN ROW EXCLUSIVE MODE")
    pruning.prune(1.0)
    assert slot_counts(outbox)[0] == 1
    other.commit()
    pruning.prune(2.0)

    assert slot_counts(outbox)[0] == 0


def test_the_bound_takes_the_oldest_first(
    outbox: Engine, session: Session, connections: Connections, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Past it a reader that is behind is forgotten, and only as much goes as has to."""
    monkeypatch.setattr(rotation, "SLOT_BYTES", 1)
    writer = connections()
    behind, better = Registration(session), Registration(session)
    for registration in (behind, better):
        registration.begin()
    pruning = Pruning(session, limit_bytes=2 * 8192)
    for n in range(3):
        commit(writer, n)
        pruning.prune(float(n))
        if n == 1:
            _has_read(session, better)
    commit(writer, "last")
    with caplog.at_level(logging.WARNING):
        pruning.prune(4.0)
    # it can notice before anything is taken from it
    assert slot_counts(outbox) == [1, 1, 1, 1]
    pruning.prune(5.0)

    assert slot_counts(outbox) == [0, 0, 1, 1]
    assert scalar(outbox, "SELECT array_agg(id::text) FROM sa_notify.outbox_reader") == [better.id]
    assert "too far behind" in caplog.text


def test_what_cant_be_emptied_is_complained_of(
    outbox: Engine, session: Session, connections: Connections, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """When transactions stay open, somebody is told where to look, once a minute."""
    monkeypatch.setattr(rotation, "SLOT_BYTES", 1)
    pruning = Pruning(session, limit_bytes=1)
    for n in range(4):
        put(connections(), n)
        pruning.prune(float(n))
    for now in (10.0, 20.0, 10.0 + 61):
        pruning.prune(now)

    assert len([each for each in caplog.messages if "pg_prepared_xacts" in each]) == 2
    assert slot_counts(outbox) == [0, 0, 0, 0]
    assert min(scalar(outbox, "SELECT pg_relation_size(CAST(:s AS regclass))", s=slot) for slot in SLOTS) > 0


def _has_read(session: Session, registration: Registration) -> None:
    ((now,),) = session.rows("SELECT pg_current_snapshot()::text")
    registration.beat(Snapshot.of(now), ())
