"""Whoever can NOTIFY, or write to Redis, can have rows read again, and can't put anything on a screen."""

import itertools
import json
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from click.testing import CliRunner
from flask import Flask
from prometheus_client import REGISTRY
from sqlalchemy import Engine, insert, text

from sa_notify.change import Change
from sa_notify.cli.main import main
from sa_notify.cli.tail import lines
from sa_notify.redis.connect import connect
from sa_notify.redis.keys import Keys
from sa_notify.redis.traffic import slice_of
from sa_notify.source.service.source import ServiceSource
from tests.apps.items import Base, Item, Owner, create_app
from tests.apps.pages import expected_page
from tests.protocol import Window, wait_for
from tests.service.dispatchers import InThread
from tests.web.inprocess import ask, client

FORGED = "canary-forged"
HINTS = 10_000


@pytest.fixture
def database(engine: Engine) -> Engine:
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(insert(Owner), [{"id": n, "name": f"owner {n}"} for n in range(4)])
        rows = [{"owner_id": n % 4, "title": f"item {n}", "priority": n % 7} for n in range(40)]
        connection.execute(insert(Item), rows)
    return engine


class Watcher:
    """A client on one page, and what it holds."""

    def __init__(self, app: Flask, database: Engine) -> None:
        self._database, self.socket = database, client(app)
        self.window = Window(1)
        self.events: list[Any] = []
        assert ask(self.socket, "subscribe", id=1, query="page", params={"limit": 100})["ok"]
        wait_for(self.right, "the snapshot")

    def right(self) -> bool:
        """Whether the window equals its SELECT."""
        for event in self.socket.get_received("/realtime"):
            self.events.append(event)
            if event["name"] in ("snapshot", "diff"):
                getattr(self.window, event["name"])(event["args"][0])
            elif event["name"] == "closed":
                self.window.closed = event["args"][0]["error"]
        return self.window.rows == expected_page(self._database, limit=100)

    def follows(self) -> None:
        """What is written next shows; no more than the truth ever did."""
        title = f"honest {random.random()}"
        with self._database.begin() as connection:
            connection.execute(text("UPDATE items SET title = :title WHERE id = 5"), {"title": title})
        wait_for(lambda: self.right() and title in str(self.window.rows), "the truth")
        assert FORGED not in str(self.events)
        assert self.window.faults == [] and self.window.closed is None


def _reads() -> float:
    return REGISTRY.get_sample_value("sa_notify_reads_total", {"query": "page", "outcome": "done"}) or 0.0


def _hints(dice: random.Random) -> Iterator[str]:
    """As triggers write them, and not quite."""
    for n in itertools.count():
        row = {"o": dice.choice("iud"), "k": [str(dice.randrange(60))], "w": {"title": [FORGED, FORGED]}}
        message = {"v": 1, "x": str(2**40 + n), "t": "public.items", "c": [row], "n": 1}
        kind = n % 10
        if kind == 6:
            message["t"] = f"public.nothing_{n}"
        elif kind == 7:
            message["c"] = [{"o": "b"}]
        elif kind == 8:
            message["v"] = 2
        yield json.dumps(message)[: -7 if kind == 9 else None]


def test_ten_thousand_forged_hints(database: Engine, tmp_path: Any) -> None:
    """Nothing that they say shows; the page is read again, but not for each."""
    app = create_app(database, async_mode="threading")
    try:
        watcher = Watcher(app, database)
        before, payloads = _reads(), itertools.islice(_hints(random.Random(3)), HINTS)
        while some := list(itertools.islice(payloads, 100)):
            with database.begin() as connection:
                said = text("SELECT pg_notify('sa_notify', p) FROM unnest(CAST(:them AS text[])) p")
                connection.execute(said, {"them": some})
        watcher.follows()
        assert 0 < _reads() - before < HINTS / 10
    finally:
        app.extensions["sa_notify"].stop()


@pytest.fixture
def keys(redis_url: str) -> Iterator[Keys]:
    keys = Keys(f"forged-{random.random()}")
    yield keys
    with connect(redis_url) as client:
        for name in client.scan_iter(f"{keys.base}*"):
            client.delete(name)


@pytest.fixture
def watcher(database: Engine, redis_url: str, keys: Keys) -> Iterator[Watcher]:
    """Behind a dispatcher."""
    dispatcher = InThread(database, redis_url, keys)
    app = create_app(database, async_mode="threading")
    live_app = app.extensions["sa_notify"]
    live_app.settings = type(live_app.settings)(
        redis_url=redis_url, redis_prefix=keys.prefix, recheck_seconds=3600
    )
    try:
        yield Watcher(app, database)
    finally:
        live_app.stop()
        dispatcher.stop()


def _change(**more: Any) -> str:
    change = {"table": "public.items", "op": "update", "key": ["5"], "values": {"title": [FORGED, FORGED]}}
    body = {"v": 1, "epoch": "e", "position": 1, "xid": str(2**50), "changes": [{**change, **more}]}
    return json.dumps([body])


#: Type and content of entries in a worker's feed.
ENTRIES: list[tuple[str, str]] = [
    ("changes", _change()),
    ("changes", _change(op="delete")),
    ("changes", _change(op="bulk", key=None)),
    ("changes", _change(key=[FORGED])),
    ("changes", _change(table=FORGED)),
    ("changes", _change(op=FORGED)),
    ("changes", "[" * 100_000),
    ("changes", '{"not": "a list"}'),
    ("changes", "[]"),
    ("answer", '{"ask": 1, "stand": ["public.items"]}'),
    ("answer", '{"ask": "one"}'),
    ("answer", "null"),
    ("beat", '{"epoch": "e", "position": 1}'),
    ("beat", '{"tick": "late"}'),
    ("revoke", '{"user": null}'),
    ("revoke", '{"user": ["x"], "dismiss": 1}'),
    ("revoke", "[]"),
    ("lost", "{}"),
    ("unheard of", FORGED),
]


def _into_feeds(client: redis.Redis, keys: Keys, kind: str, content: str) -> None:
    for worker in client.smembers(keys.workers):  # type: ignore[union-attr]
        number = client.incr(keys.told(worker))
        client.xadd(keys.feed(worker), {"n": number, "t": kind, "d": content})


def _elsewhere(client: redis.Redis, keys: Keys) -> None:
    for worker in list(client.smembers(keys.workers)):  # type: ignore[arg-type]
        client.xadd(keys.feed(worker), {"odd": FORGED})
        client.hset(keys.clients(worker), "nobody", FORGED)
        client.sadd(keys.partly(worker), FORGED)
        client.sadd(keys.want(worker), "no name at all", "", 'public."' + FORGED, "nul\0", "x" * 10_000)
    client.sadd(keys.workers, FORGED, "")
    client.set(keys.worker(FORGED), "{not JSON")
    client.set(keys.told(FORGED), "many")
    client.set(keys.tick, 10)
    asked = json.dumps({"worker": FORGED, "ask": 1, "tables": ["nul\0", "", "x" * 1000, "\ud800"]})
    for each in (asked, "{not JSON", "[]", '{"worker": 1, "ask": {}, "tables": 7}', "[" * 100_000):
        client.xadd(keys.asks, {"d": each})
    client.xadd(keys.asks, {"odd": FORGED})
    client.xadd(keys.revoked, {"d": "{not JSON"})
    client.set(keys.leader, "{not JSON")


def test_forged_entries_in_redis(watcher: Watcher, redis_url: str, keys: Keys) -> None:
    """Of every kind, well formed or not: at worst everything is read again."""
    with connect(redis_url) as client:
        for kind, content in ENTRIES:
            _into_feeds(client, keys, kind, content)
            watcher.follows()
        _elsewhere(client, keys)
        watcher.follows()


#: What a terminal would act on, or show the other way round.
ESCAPES = "\x1b[2J\x9b31m\r\u202e" + FORGED

_ODD = [
    '{"since": NaN, "queries": []}', '{"since": 1e400, "queries": []}', '{"since": 1, "queries": [5, {}]}',
    json.dumps({"since": 1, "queries": [ESCAPES], "user": {"a": ESCAPES}, "sid": {}, "host": 7}),
]  # fmt: skip


def test_keys_of_another_kind(watcher: Watcher, redis_url: str, keys: Keys) -> None:
    """One who could write once keeps nobody from being told for longer than some seconds."""
    kinds = {keys.leader: "string", keys.workers: "set", keys.asks: "stream", keys.revoked: "stream"}
    with connect(redis_url) as client:
        for name in kinds:
            client.delete(name)
            client.hset(name, "field", FORGED)
        client.xadd(f"{keys.base}deep", {"d": "[" * 100_000})
        client.set(keys.tick, FORGED)
        client.set(keys.term, 2**63 - 1)
        wait_for(lambda: all(client.type(name) in (kind, "none") for name, kind in kinds.items()), "mending")
        watcher.follows()
        assert 0 < int(str(client.get(keys.term))) < 10**15 > int(str(client.get(keys.tick))) > 0
        client.rename(f"{keys.base}deep", keys.revoked)
        late = ServiceSource(lambda: connect(redis_url), keys)
        late.open()
        late.close()


def test_changes_are_shown_as_text() -> None:
    """``sa-notify tail``: whatever tables, columns and rows are called, by whoever may write them."""
    change = Change(ESCAPES, "update", (ESCAPES, "1"), (ESCAPES, "b"), {ESCAPES: (ESCAPES, 1)})
    shown = "".join(lines(change))
    assert shown.count(FORGED) == 4
    assert not [each for each in ("\x1b[2J", "\x9b", "\r", "\u202e") if each in shown]


@pytest.mark.parametrize("command", ["status", "clients", "triggers"])
def test_commands_read_what_is_ours(
    command: str, database: Engine, redis_url: str, keys: Keys, client_of: Callable[[], redis.Redis]
) -> None:
    """Whatever else lies there; and nothing of it is what a terminal acts on."""
    with client_of() as client:
        client.sadd(keys.workers, "three", "four", ESCAPES)
        for worker, told in (("three", "²"), ("four", "9" * 5000), (ESCAPES, "7")):
            client.set(keys.told(worker), told)
            about = {"host": ESCAPES, "pid": 8, "since": 1, "read": "x" if worker == "four" else 1}
            client.set(keys.worker(worker), json.dumps(about))
            client.hset(keys.clients(worker), mapping={str(n): text for n, text in enumerate(_ODD)})
        client.hset(keys.traffic(slice_of(time.time())), mapping={"public.items": "many", ESCAPES: "9" * 50})
        client.sadd(keys.workers, "one", "two")
        client.set(keys.worker("one"), json.dumps({"host": "web", "pid": 7, "since": time.time()}))
        client.hset(
            keys.clients("one"), mapping={"a": FORGED, "b": "[]", "c": '{"since": "x", "queries": 1}'}
        )
        client.set(keys.worker("two"), "[]")
        leads = {"host": ESCAPES, "pid": 1, "term": 1, "since": 1, "position": 1, "lag": 1.5}
        client.set(keys.leader, json.dumps({**leads, "unread": {"notify": ESCAPES}}))
    where = {"SA_NOTIFY_DATABASE_URL": database.url.render_as_string(hide_password=False)}
    options = [command, "--redis", redis_url, "--prefix", keys.prefix]
    told = CliRunner(env=where).invoke(main, options, color=True)
    assert told.exit_code == (1 if command == "status" else 0), told.output
    assert told.exception is None or isinstance(told.exception, SystemExit)
    assert ("web:7" in told.output) == (command == "status")
    assert not [each for each in ("\x1b[2J", "\x9b", "\r", "\u202e") if each in told.output]
    assert (FORGED in told.output) == (command != "triggers")


@pytest.fixture
def client_of(redis_url: str) -> Callable[[], redis.Redis]:
    return lambda: connect(redis_url)
