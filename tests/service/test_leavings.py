"""What the dead leave in Redis goes by itself, whoever looks."""

import json
from collections.abc import Callable, Iterator

import pytest
import redis
from sqlalchemy import Engine

from sa_notify.redis.keys import ASKED_SECONDS, FEED_ENTRIES, Keys
from sa_notify.redis.overview import clients
from sa_notify.redis.scripts import Scripts
from sa_notify.source.service import worker as worker_module
from sa_notify.source.service.worker import Worker
from tests.apps.items import Base
from tests.link import Link
from tests.protocol import ProtocolClient, arrived, wait_for
from tests.service.conftest import Work
from tests.service.dispatchers import InThread
from tests.serving import serve

#: Nothing but our own look finds a client that says nothing; what it may take is in test_bounds.py.
_OPTIONS = {"ping_interval": 1, "ping_timeout": 1, "monitor_clients": False}


@pytest.fixture
def registered(
    client: redis.Redis, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, int], Worker]:
    """Registers workers that live for so many milliseconds."""

    def register(name: str, lives: int) -> Worker:
        monkeypatch.setattr(worker_module, "_TO_LIVE", lives)
        worker = Worker(client, keys, name)
        worker.register({})
        return worker

    return register


def test_the_last_worker_leaves_nothing_where_nobody_dispatches(
    registered: Callable[[str, int], Worker], client: redis.Redis, keys: Keys
) -> None:
    """Not even that there was one, nor what it asked."""
    worker = registered("dead", 300)
    worker.ask(1, ["public.a"])
    worker.present({"sid": {"user": "ann"}})
    assert 0 < client.pttl(keys.asks) <= ASKED_SECONDS * 1000  # type: ignore[operator]
    wait_for(lambda: client.keys(f"{keys.base}*") == [keys.asks], "all else to go")


def test_who_begins_forgets_the_dead(
    registered: Callable[[str, int], Worker], client: redis.Redis, keys: Keys
) -> None:
    """Workers alone: no dispatcher looks for them."""
    registered("dead", 100)
    registered("alive", 20_000)
    wait_for(lambda: not client.exists(keys.worker("dead")), "it to be dead")
    registered("new", 20_000)
    assert client.smembers(keys.workers) == {"alive", "new"}


def test_what_was_evicted_does_not_come_back_without_an_end(
    registered: Callable[[str, int], Worker], client: redis.Redis, keys: Keys
) -> None:
    """A feed that nobody lets expire would outlive its worker."""
    registered("w", 20_000)
    scripts = Scripts(client)
    client.delete(keys.feed("w"))
    told = [keys.term, keys.workers], ["", keys.base, FEED_ENTRIES, "beat", "{}"]
    assert scripts.run("tell", *told) == 0
    assert not client.exists(keys.feed("w"))


def test_questions_that_were_read_are_kept_for_nobody(
    leading: InThread, work: Work, client: redis.Redis, keys: Keys
) -> None:
    """Who asked may be dead by now, while others go on asking."""
    work("a")
    work("b")
    wait_for(lambda: not client.xlen(keys.asks), "the questions to go")


@pytest.fixture
def server(
    engine: Engine, database_url: str, redis_url: str, keys: Keys, leading: InThread
) -> Iterator[Link]:
    """A worker behind a dispatcher, by a link that can fail."""
    Base.metadata.create_all(engine)
    environment = {
        "DATABASE_URL": database_url, "SA_NOTIFY_REDIS_URL": redis_url, "SA_NOTIFY_REDIS_PREFIX": keys.prefix,
        "SOCKETIO_OPTIONS": json.dumps(_OPTIONS),
    }  # fmt: skip
    with (
        serve("tests.apps.wsgi_items:app", workers=1, env=environment) as url,
        Link("127.0.0.1", int(url.rpartition(":")[2])) as link,
    ):
        yield link


def test_clients_that_vanish_are_gone(server: Link, client: redis.Redis, keys: Keys) -> None:
    """Half open, without a word: those who look at something and those who look at nothing."""
    looks, does_not = (ProtocolClient(f"http://127.0.0.1:{server.port}") for _ in range(2))
    # python-socketio leaves the socket of a lost connection open
    sockets = [each._client.eio.ws for each in (looks, does_not)]
    window = looks.subscribe("owners")
    wait_for(lambda: arrived(window), "a window")
    wait_for(lambda: len(clients(client, keys)) == 2, "both to be known")
    server.hang()
    wait_for(lambda: not clients(client, keys), "both to be gone")
    server.heal()
    for each in sockets:
        each.shutdown()
