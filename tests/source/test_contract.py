"""What every source promises to those who follow it."""

import random
import time
from collections.abc import Callable

import pytest
from psycopg2.extensions import connection as Connection
from sqlalchemy import Engine, text

from sa_notify.change import ChangeSet
from sa_notify.errors import SourceLost
from sa_notify.source.base import Source
from tests.protocol import wait_for
from tests.source.announcing import announce, begin, message, notify
from tests.source.colours import DEADLINE, Reader
from tests.source.serviced import Serviced


def _keys(changesets: list[ChangeSet]) -> list[str]:
    return [change.key[0] for changeset in changesets for change in changeset.changes if change.key]


def _has(key: str) -> Callable[[list[ChangeSet]], bool]:
    return lambda changesets: key in _keys(changesets)


def _listeners(engine: Engine) -> list[int]:
    """Backends that listen on this database."""
    where = "datname = current_database() AND application_name = 'sa_notify'"
    with engine.connect() as connection:
        return list(connection.scalars(text(f"SELECT pid FROM pg_stat_activity WHERE {where}")))


def _kill(engine: Engine, pids: list[int]) -> None:
    with engine.connect() as connection:
        for pid in pids:
            connection.scalar(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})


def test_reads_each_commit_once_in_order(reader: Reader, connections: Callable[[], Connection]) -> None:
    """Interleaved transactions come once each, and none before one that had ended when it began."""
    reader.open()
    writers, draw = [connections() for _ in range(4)], random.Random(1)
    open_, began, ended = dict[Connection, int](), dict[int, int](), dict[int, int]()
    for n in range(200):
        writer = draw.choice(writers)
        xid = open_[writer] = begin(writer)
        began.setdefault(xid, n)
        notify(writer, message(n, xid=xid, n=n))
        if draw.random() < 0.5 and open_:
            other = draw.choice(list(open_))
            ended[open_.pop(other)] = n
            other.commit()
    for writer, xid in open_.items():
        ended[xid] = 200
        writer.commit()
    announce(writers[0], "the end")
    changesets = reader.until(_has("the end"))

    assert sorted(map(str, range(200))) == sorted(_keys(changesets)[:-1])
    came = [changeset.xid for changeset in changesets[:-1]]
    assert sorted(began) == sorted(came)
    latest = -1
    for xid in came:
        latest = max(latest, began[xid])
        assert ended[xid] >= latest, "it had ended before one that came earlier began"


def test_positions_count_from_one(reader: Reader, writer: Connection) -> None:
    """Positions leave no gap, also across reads and pings, and name the epoch they count in."""
    epoch = reader.open()
    xids = [announce(writer, n) for n in range(3)]
    changesets = reader.until(_has("2"))
    xids.append(announce(writer, 3))
    changesets += reader.ping()
    xids.append(announce(writer, 4))
    changesets += reader.until(_has("4"))

    assert [(epoch, n + 1, xid) for n, xid in enumerate(xids)] == [
        (changeset.epoch, changeset.position, changeset.xid) for changeset in changesets
    ]


def test_a_transaction_read_together_is_one_changeset(reader: Reader, writer: Connection) -> None:
    """Messages of one transaction are one changeset, in order; equal changes of a row stay two."""
    reader.open()
    xid = announce(writer, "a", "b", "a")
    announce(writer, "c")
    changesets = reader.until(_has("c"))

    assert _keys(changesets) == ["a", "b", "a", "c"]
    assert xid == changesets[0].xid
    assert {xid} == {changeset.xid for changeset in changesets[:-1]}


def test_never_sees_what_was_rolled_back(reader: Reader, writer: Connection) -> None:
    """A transaction or savepoint that is rolled back is never heard of."""
    reader.open()
    notify(writer, message("gone", xid=begin(writer)))
    writer.rollback()
    xid = begin(writer)
    with writer.cursor() as cursor:
        cursor.execute("SAVEPOINT s")
        notify(writer, message("undone", xid=xid))
        cursor.execute("ROLLBACK TO SAVEPOINT s")
    notify(writer, message("kept", xid=xid))
    writer.commit()

    assert _keys(reader.until(_has("kept"))) == ["kept"]


def test_hears_everything_after_open(reader: Reader, writer: Connection) -> None:
    """What is committed right after open() returned is there, whatever was lost before."""
    for attempt in range(10):
        announce(writer, f"before {attempt}")
        reader.open()
        announce(writer, f"after {attempt}")
        # a dispatcher may be reading what came right before
        *earlier, last = _keys(reader.until(_has(f"after {attempt}")))
        assert last == f"after {attempt}"
        assert earlier in ([], [f"before {attempt}"])
        reader.source.close()


def test_a_long_backlog_comes_whole(reader: Reader, writer: Connection) -> None:
    """Thousands of messages that nobody waited for arrive complete and in order."""
    reader.open()
    for first in range(0, 5000, 500):
        announce(writer, *range(first, first + 500))

    assert list(map(str, range(5000))) == _keys(reader.until(_has("4999")))


def test_a_killed_backend_is_a_loss(reader: Reader, engine: Engine, writer: Connection) -> None:
    """A source whose backend is gone raises SourceLost, and begins another epoch when opened again."""
    first = reader.open()
    _kill(engine, _listeners(engine))
    with pytest.raises(SourceLost):
        reader.until(_has("never"))
    with pytest.raises(SourceLost):
        reader.ping()
    second = reader.open()
    announce(writer, "later")

    assert [second] == [changeset.epoch for changeset in reader.until(_has("later"))]
    assert first != second


def test_a_ping_notices_a_killed_backend(reader: Reader, engine: Engine) -> None:
    """A ping raises SourceLost when there is nobody to answer it."""
    reader.open()
    _kill(engine, _listeners(engine))
    deadline = time.monotonic() + DEADLINE

    def pings() -> None:
        # the answer of a dispatcher may have been on its way
        while time.monotonic() < deadline:
            reader.ping()

    with pytest.raises(SourceLost):
        pings()


def test_holds_no_transaction_up_and_then_nothing(reader: Reader, engine: Engine) -> None:
    """Sessions of an open source keep no snapshot; a closed one has none."""
    if isinstance(reader.source, Serviced):
        pytest.skip("a worker has no session; the dispatcher's are another source's")
    assert _listeners(engine) == []
    reader.open()
    reader.ping()
    wait_for(lambda: _states(engine) <= {("idle", None), ("idle in transaction", None)}, "rest")
    pids = _listeners(engine)
    reader.source.close()
    # waits until the backend is gone, which takes a moment after its socket was closed
    _kill(engine, pids)
    assert _listeners(engine) == []


def _states(engine: Engine) -> set[tuple[str, None]]:
    what = "SELECT state, backend_xmin FROM pg_stat_activity WHERE pid = ANY(:pids)"
    with engine.connect() as connection:
        rows = connection.execute(text(what), {"pids": _listeners(engine)}).all()
    return {(row[0], row[1]) for row in rows}


def test_a_source_that_is_not_open_is_lost(source: Source) -> None:
    """Every use before open() and after close() raises SourceLost; closing again is harmless."""
    for use in (source.fileno, source.read, source.ping):
        with pytest.raises(SourceLost):
            use()
    source.open()
    source.close()
    source.close()
    for use in (source.fileno, source.read, source.ping):
        with pytest.raises(SourceLost):
            use()


def test_an_interrupt_ends_the_wait(reader: Reader) -> None:
    """After an interrupt the descriptor is readable, and reading it is a loss."""
    reader.open()
    reader.source.interrupt()

    with pytest.raises(SourceLost):
        reader.until(_has("never"))
