"""A follower goes on, whatever happens to its connection, and never leaves a gap unannounced."""

import contextlib
import itertools
import threading
import time
from collections.abc import Iterator, Sequence

import pytest
from sqlalchemy import Connection, Engine, text

from sa_notify.change import ChangeSet
from sa_notify.dispatch.embedded import EmbeddedDispatcher
from sa_notify.source.connect import listen_connect
from sa_notify.source.notify import NotifySource
from tests.dispatch.following import Recorder, followed, runtime_of, wait_until
from tests.source.announcing import announce, message, plain
from tests.source.colours import COLOURS
from tests.source.proxy import Proxy

LISTENERS = "datname = current_database() AND application_name = 'sa_notify'"


@pytest.fixture(params=COLOURS)
def colour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[name for name in COLOURS if name != "asyncio"])
def embedded_colour(request: pytest.FixtureRequest) -> str:
    """follow() is one task by its nature; the embedded dispatcher is asked to start."""
    return str(request.param)


@pytest.fixture
def source(engine: Engine) -> NotifySource:
    return NotifySource(listen_connect(engine))


def _count(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.scalar(text(f"SELECT count(*) FROM pg_stat_activity WHERE {LISTENERS}")) or 0)


def _kill(engine: Engine) -> int:
    with engine.connect() as connection:
        statement = f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE {LISTENERS}"
        return int(connection.scalar(text(statement)) or 0)


def test_follows_while_wanted_and_then_holds_nothing(
    colour: str, engine: Engine, source: NotifySource
) -> None:
    """What is committed while it follows arrives; afterwards no session is left."""
    recorder = Recorder()
    with followed(colour, source, recorder), contextlib.closing(plain(engine)) as writer:
        wait_until(lambda: recorder.following, "an epoch")
        announce(writer, "a", "b")
        wait_until(lambda: len(recorder.keys) == 2, "both changes")
        assert _count(engine) == 1
    wait_until(lambda: not recorder.following, "the loss")
    wait_until(lambda: _count(engine) == 0, "no session")

    assert recorder.keys == ["a", "b"]
    assert (len(recorder.epochs), recorder.losses) == (1, 1)


def test_a_killed_backend_begins_a_new_epoch(colour: str, engine: Engine, source: NotifySource) -> None:
    """After each kill the receiver hears of the loss and of a new epoch, and changes arrive again."""
    recorder = Recorder()
    with followed(colour, source, recorder), contextlib.closing(plain(engine)) as writer:
        for n in range(3):
            wait_until(lambda: recorder.following, "an epoch")
            announce(writer, n)
            wait_until(lambda: str(n) in recorder.keys, "the change")  # noqa: B023
            losses = recorder.losses
            assert _kill(engine) == 1
            wait_until(lambda: recorder.losses > losses, "the loss")  # noqa: B023

    assert recorder.keys == ["0", "1", "2"]
    assert len(recorder.epochs) == len(set(recorder.epochs))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sa_notify.dispatch.feed.PING_SECONDS", 0.2)
    # a machine that stalls is no loss, and what is told a moment late is no proof of later
    monkeypatch.setattr("sa_notify.dispatch.feed.ANSWER_SECONDS", 2.0)


def test_proofs_come_while_the_server_answers_and_no_others(
    colour: str, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With traffic and without; when the server falls silent they stay away, long before the loss."""
    monkeypatch.setattr("sa_notify.dispatch.feed.ANSWER_SECONDS", 2.5)
    recorder = Recorder()
    with Proxy(engine.url) as proxy, contextlib.closing(plain(engine)) as writer:
        source = NotifySource(listen_connect(engine, proxy.listen_url))
        with followed(colour, source, recorder):
            wait_until(lambda: len(recorder.proofs) >= 2, "proofs in silence")
            for n in itertools.count():
                announce(writer, n)
                if len(recorder.proofs) >= 5:
                    break
                wait_until(lambda: str(n) in recorder.keys, "the change")  # noqa: B023
            between = [b - a for a, b in itertools.pairwise(recorder.proofs)]
            assert sorted(between)[len(between) // 2] < 2.0
            before = recorder.losses
            proxy.hang()
            hung_at = time.monotonic()
            wait_until(lambda: recorder.losses > before, "the loss")
            # what was on its way when it hung may be told a moment later
            assert max(recorder.proofs) < hung_at + 1.0
            proxy.heal()
        wait_until(lambda: not recorder.following, "the end")


@pytest.mark.usefixtures("quick")
def test_a_connection_that_hangs_is_a_loss(colour: str, engine: Engine) -> None:
    """A peer that answers no more, without closing, is noticed; when it is back, so is the feed."""
    recorder = Recorder()
    with Proxy(engine.url) as proxy:
        source = NotifySource(listen_connect(engine, proxy.listen_url))
        with followed(colour, source, recorder):
            wait_until(lambda: recorder.following, "an epoch")
            before = recorder.losses
            proxy.hang()
            wait_until(lambda: recorder.losses > before, "the loss")
            proxy.heal()
            wait_until(lambda: recorder.following, "the next epoch")
        wait_until(lambda: not recorder.following, "the end")


@pytest.mark.usefixtures("quick")
def test_a_server_that_refuses_is_tried_again(colour: str, engine: Engine) -> None:
    """Connections refused and cut for a while: the feed returns by itself."""
    recorder = Recorder()
    with Proxy(engine.url) as proxy:
        source = NotifySource(listen_connect(engine, proxy.listen_url))
        proxy.refuse()
        with followed(colour, source, recorder):
            wait_until(lambda: proxy.refused >= 3, "three attempts")
            assert (len(recorder.epochs), recorder.losses) == (0, 0)
            proxy.heal()
            wait_until(lambda: recorder.following, "an epoch")
            proxy.refuse()
            wait_until(lambda: recorder.losses == 1, "the loss")
            proxy.heal()
            wait_until(lambda: recorder.following, "the next epoch")
        wait_until(lambda: not recorder.following, "the end")


class _Mirror:
    """A copy of a table, read whole at each epoch and then row by row as it is told."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.rows: dict[str, int] = {}
        self.epochs = 0

    def begin_epoch(self, epoch: str) -> None:
        self.epochs += 1
        with self._engine.connect() as connection:
            self.rows = self.read(connection, "true")

    def receive(self, changesets: Sequence[ChangeSet]) -> None:
        keys = {c.key[0] for changeset in changesets for c in changeset.changes if c.key}
        with self._engine.connect() as connection:
            self.rows |= self.read(connection, "id::text = ANY(:keys)", keys=list(keys))

    def proved(self, age: float) -> None: ...

    def lost(self) -> None: ...

    @staticmethod
    def read(connection: Connection, where: str, **values: object) -> dict[str, int]:
        rows = connection.execute(text(f"SELECT id::text AS id, n FROM t WHERE {where}"), values)
        return {row.id: row.n for row in rows}


WRITERS, ROWS = 4, 5


def _write(engine: Engine, first: int, going: threading.Event) -> None:
    """Count up rows that no other writer touches, one commit each."""
    statement = text("UPDATE t SET n = n + 1 WHERE id = :id RETURNING pg_current_xact_id()::text")
    turn = 0
    while going.is_set():
        key = first + turn % ROWS
        with engine.begin() as connection:
            xid = connection.scalar(statement, {"id": key})
            connection.execute(
                text("SELECT pg_notify('sa_notify', :m)"), {"m": message(key, xid=xid, op="u")}
            )
        turn += 1
        # gevent's threads take turns only here
        threading.Event().wait(0.001)


@contextlib.contextmanager
def _writing(engine: Engine) -> Iterator[None]:
    going = threading.Event()
    going.set()
    threads = [threading.Thread(target=_write, args=(engine, w * ROWS, going)) for w in range(WRITERS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        going.clear()
        for thread in threads:
            thread.join()


def test_kills_under_load_leave_no_gap(colour: str, engine: Engine, source: NotifySource) -> None:
    """With backends killed again and again beneath four writers, a mirror of the table ends equal to it."""
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)"))
        connection.execute(text("INSERT INTO t SELECT generate_series(0, :n)"), {"n": WRITERS * ROWS - 1})
    mirror = _Mirror(engine)
    with followed(colour, source, mirror):
        with _writing(engine):
            for n in range(1, 9):
                wait_until(lambda: mirror.epochs >= n, "the next epoch")  # noqa: B023
                _kill(engine)
            wait_until(lambda: mirror.epochs >= 9, "the last epoch")
        with engine.connect() as connection:
            expected = _Mirror.read(connection, "true")
        wait_until(lambda: mirror.rows == expected, "equal")

    assert sum(expected.values()) > 100


def test_starts_once_however_often_it_is_asked(
    engine: Engine, source: NotifySource, embedded_colour: str
) -> None:
    """Many tasks that ask at once make one session; after a stop it can start again."""
    recorder = Recorder()
    runtime = runtime_of(embedded_colour)
    dispatcher = EmbeddedDispatcher(source, recorder, runtime)
    assert _count(engine) == 0
    for epoch in range(1, 4):
        for _ in range(20):
            runtime.spawn(dispatcher.ensure_started)
        wait_until(lambda: recorder.following and len(recorder.epochs) == epoch, "an epoch")  # noqa: B023
        assert _count(engine) == 1
        dispatcher.stop()
        wait_until(lambda: not recorder.following, "the end")

    assert len(recorder.epochs) == 3


def test_started_again_while_it_stops(engine: Engine, source: NotifySource, embedded_colour: str) -> None:
    """Whatever the order of starts and stops, the last one counts."""
    recorder = Recorder()
    dispatcher = EmbeddedDispatcher(source, recorder, runtime_of(embedded_colour))
    for _ in range(50):
        dispatcher.ensure_started()
        dispatcher.stop()
    dispatcher.ensure_started()
    wait_until(lambda: recorder.following and _count(engine) == 1, "one session")
    dispatcher.stop()
    wait_until(lambda: not recorder.following and _count(engine) == 0, "none")
