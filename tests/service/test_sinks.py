"""Every sink gets what was committed, in order, once; none of them harms the others."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import redis
from click.testing import CliRunner
from flask import Flask, current_app
from flask_socketio import SocketIO
from sqlalchemy import Column, Engine, Integer, MetaData, Table, insert, text

from sa_notify import Dispatcher
from sa_notify.change import Change, ChangeSet, load_changeset
from sa_notify.cli.main import main
from sa_notify.errors import QueryError, SetupError
from sa_notify.redis.keys import Keys
from sa_notify.redis.stream import RedisStream
from sa_notify.sink import queued
from sa_notify.sink.base import Context, Sink
from sa_notify.sink.discovery import Named, named_sinks
from tests.protocol import wait_for
from tests.service.conftest import Start, Work

Write = Callable[..., None]
#: Table and key of each change, and "epoch" for the beginning of each epoch.
Heard = Callable[[], list[str]]


class Recorder:
    """A sink of a test's own.

    :ivar block: while it is cleared, nothing is taken.
    """

    tables: frozenset[str] | None = frozenset({"public.a"})

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.block = threading.Event()
        self.block.set()
        self.fail = False
        self.closed = 0

    def begin_epoch(self, epoch: str) -> None:
        self.heard.append("epoch")

    def receive(self, changesets: Sequence[ChangeSet]) -> None:
        self.block.wait(20)
        if self.fail:
            self.fail = False
            raise RuntimeError("a bug in a sink")
        self.heard += [_shown(change) for changeset in changesets for change in changeset.changes]

    def close(self) -> None:
        self.closed += 1

    @property
    def named(self) -> Named:
        return Named("recorder", lambda _: self, {})


def _shown(change: Change) -> str:
    return f"{change.table} {'/'.join(change.key or (change.op,))}"


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()
    yield recorder
    recorder.block.set()


@pytest.fixture(params=["own", "own, all tables", "redis-stream", "on_change"])
def sink(
    request: pytest.FixtureRequest, recorder: Recorder, client: redis.Redis, keys: Keys, engine: Engine,
    tables: dict[str, Table],
) -> tuple[Named, Heard]:  # fmt: skip
    """A sink that wants table ``a``, and what it has heard of that."""
    if request.param == "redis-stream":
        (named,) = named_sinks(["redis-stream:name=orders&tables=public.a"])
        return named, lambda: _in_stream(client, keys.stream("orders"))
    if request.param == "on_change":
        return _on_change(engine, tables["a"])
    if request.param == "own, all tables":
        recorder.tables = None
    return recorder.named, lambda: [each for each in recorder.heard if not each.startswith("public.b")]


def _in_stream(client: redis.Redis, name: str) -> list[str]:
    found: list[str] = []
    entries: Any = client.xrange(name)
    for _, entry in entries:
        if entry["t"] == "epoch":
            found.append("epoch")
        else:
            found += [_shown(change) for change in load_changeset(entry["d"]).changes]
    return found


def _on_change(engine: Engine, table: Table) -> tuple[Named, Heard]:
    app, heard, dispatcher = Flask(__name__), list[str](), Dispatcher()
    dispatcher.init_app(app, SocketIO(app, async_mode="threading"), engine=engine)

    @dispatcher.on_change(table, missed=lambda: heard.append("epoch"))
    def note(change: Change) -> None:
        assert current_app.name == app.name
        heard.append(_shown(change))

    (named,) = app.extensions["sa_notify"].sinks
    return named, lambda: heard


def test_changes_come_in_order_of_commit(
    sink: tuple[Named, Heard], start: Start, led: Callable[..., Any], write: Write, engine: Engine
) -> None:
    """After the epoch, each once, of the wanted tables alone; rollbacks and other tables are not seen."""
    named, heard = sink
    start(named)
    led()
    wait_for(lambda: "epoch" in heard(), "the epoch")
    write("a", 1)
    write("b", 9)
    write("a", 3, 2)
    with engine.connect() as connection:
        connection.execute(text("INSERT INTO a VALUES (7)"))
        connection.rollback()
    write("a", 4)
    wait_for(lambda: "public.a 4" in heard(), "the last")
    assert heard()[1:] == ["public.a 1", "public.a 3", "public.a 2", "public.a 4"]


def test_another_dispatcher_begins_an_epoch(
    sink: tuple[Named, Heard], start: Start, led: Callable[..., Any], write: Write
) -> None:
    """Whatever happened in between may have been missed, which the sink is told."""
    named, heard = sink
    first = start(named)
    led()
    wait_for(lambda: "epoch" in heard(), "the epoch")
    write("a", 1)
    wait_for(lambda: "public.a 1" in heard(), "the first")
    first.stop()
    write("a", 2)
    begun = len(heard())
    start(named)
    led()
    wait_for(lambda: "epoch" in heard()[begun:], "the next epoch")
    write("a", 3)
    wait_for(lambda: "public.a 3" in heard(), "the third")
    assert [each for each in heard()[begun:] if each != "epoch"] == ["public.a 3"]


def test_a_sink_that_raises_begins_anew(
    recorder: Recorder, start: Start, led: Callable[..., Any], write: Write, work: Work
) -> None:
    """It is made again, told so, and nobody else notices."""
    start(recorder.named)
    led()
    worker = work("a")
    wait_for(lambda: recorder.heard == ["epoch"], "the epoch")
    recorder.fail = True
    write("a", 1)
    wait_for(lambda: recorder.heard == ["epoch", "epoch"], "another epoch")
    write("a", 2)
    wait_for(lambda: recorder.heard[-1] == "public.a 2", "what follows")
    worker.hears("a", 1, 2)
    assert recorder.closed == 1


def test_a_sink_that_is_too_slow_begins_anew(
    recorder: Recorder, start: Start, led: Callable[..., Any], write: Write, work: Work,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """What waits for it is bounded; a worker beside it is not slower."""
    monkeypatch.setattr(queued, "WAITING", 20)
    start(recorder.named)
    led()
    worker = work("a")
    wait_for(lambda: recorder.heard == ["epoch"], "the epoch")
    recorder.block.clear()
    for number in range(30):
        write("a", number)
    worker.hears("a", 28, 29)
    recorder.block.set()
    wait_for(lambda: "epoch" in recorder.heard[1:], "another epoch")
    write("a", 99)
    wait_for(lambda: recorder.heard[-1] == "public.a 99", "what follows")
    assert len(recorder.heard) < 30


def test_an_epoch_begins_when_all_is_captured(
    recorder: Recorder, start: Start, led: Callable[..., Any], engine: Engine, tables: dict[str, Table],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """A transaction that wrote before is not captured: what it commits is there when the epoch begins."""
    with engine.connect() as connection:
        connection.execute(insert(tables["a"]), {"id": 1})
        start(recorder.named)
        led()
        wait_for(lambda: "sinks wait for the end of transactions" in caplog.text, "the warning")
        assert recorder.heard == []
        connection.commit()
    wait_for(lambda: recorder.heard[:1] == ["epoch"], "the epoch")
    with engine.begin() as connection:
        connection.execute(insert(tables["a"]), {"id": 2})
    wait_for(lambda: recorder.heard[1:] == ["public.a 2"], "what follows")


def test_a_stuck_sink_does_not_keep_a_dispatcher_from_ending(
    recorder: Recorder, start: Start, led: Callable[..., Any], write: Write
) -> None:
    """It is left to itself."""
    dispatcher = start(recorder.named)
    led()
    wait_for(lambda: recorder.heard == ["epoch"], "the epoch")
    recorder.block.clear()
    write("a", 1)
    began = time.monotonic()
    dispatcher.stop()
    assert time.monotonic() - began < 10


def test_a_handler_that_raises_does_not_stop_the_next(engine: Engine, tables: dict[str, Table]) -> None:
    """Each is called for itself."""
    app, heard, dispatcher = Flask(__name__), list[str](), Dispatcher()
    dispatcher.init_app(app, SocketIO(app, async_mode="threading"), engine=engine)

    @dispatcher.on_change(tables["a"])
    def wrong(change: Change) -> None:
        raise RuntimeError

    @dispatcher.on_change(tables["a"])
    def right(change: Change) -> None:
        heard.append(change.op)

    (named,) = app.extensions["sa_notify"].sinks
    sink: Sink = named.make(Context())
    assert sink.tables == {"public.a"}
    sink.begin_epoch("e")
    sink.receive([ChangeSet("e", 1, 1, (Change("public.a", "insert", ("1",)),))])
    assert heard == ["insert"]


def test_a_dispatcher_that_leads_no_longer_appends_nothing(client: redis.Redis, keys: Keys) -> None:
    """Its term is over."""
    client.set(keys.term, 2)
    sinks = [RedisStream(Context({}, term, lambda: client, keys.prefix)) for term in (1, 2)]
    for sink in sinks:
        sink.begin_epoch(f"of term {sinks.index(sink) + 1}")
    entries: Any = client.xrange(keys.stream("changes"))
    assert [json.loads(entry["d"])["epoch"] for _, entry in entries] == ["of term 2"]


def test_a_stream_is_bounded(client: redis.Redis, keys: Keys) -> None:
    """To about what was asked for."""
    client.set(keys.term, 1)
    sink = RedisStream(Context({"maxlen": "100"}, 1, lambda: client, keys.prefix))
    change = Change("public.a", "insert", ("1",))
    sink.receive([ChangeSet("e", n, n, (change,)) for n in range(1500)])
    assert 100 <= int(client.xlen(keys.stream("changes"))) < 300  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("kafka", "there is no sink 'kafka': installed are .*redis-stream"),
        ("redis-stream:table=a", "has no option 'table': it takes maxlen, name, tables"),
        ("redis-stream:maxlen=many", "give a whole number"),
        ("redis-stream:name", "write NAME:option=value"),
    ],
)
def test_a_sink_that_can_not_be_is_refused_at_start(
    asked: str, says: str, database_url: str, redis_url: str
) -> None:
    """In a sentence, before anything runs."""
    arguments = ["--url", database_url, "--redis", redis_url, "--sink", asked]
    told = CliRunner().invoke(main, ["dispatch", *arguments])
    assert told.exit_code == 2
    with pytest.raises(SetupError, match=says):
        raise SetupError(told.output.replace("\n", " "))


def test_a_handler_needs_something_announced() -> None:
    """At decoration."""
    plain = Table("plain", MetaData(), Column("id", Integer, primary_key=True))
    with pytest.raises(QueryError, match="decorate the model with @realtime"):
        Dispatcher().on_change(plain)(lambda change: None)
    with pytest.raises(QueryError, match="no model"):
        Dispatcher().on_change("plain")(lambda change: None)
