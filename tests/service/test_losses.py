"""Whatever may have been missed is noticed, within seconds, and what follows is heard again."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from sqlalchemy import Engine, text

from demo.embedded import EmbeddedRedis
from demo.rooms import temporary_room
from sa_notify.errors import SourceLost
from sa_notify.redis.connect import connect
from sa_notify.redis.keys import Keys
from sa_notify.service import publisher
from sa_notify.service.publisher import Fenced, Publisher
from sa_notify.source.service import feed, following as following_module, worker as worker_module
from sa_notify.source.service.source import ServiceSource
from sa_notify.source.wanted import Wanted
from tests.protocol import wait_for
from tests.service.conftest import Start, Work
from tests.service.dispatchers import InThread
from tests.service.worker import Worker

Write = Callable[..., None]
Led = Callable[..., Any]


def _goes_on(worker: Worker, write: Write, number: int) -> None:
    worker.open()
    write("a", number)
    worker.hears("a", number)


def test_no_dispatcher_is_said(redis_url: str, client: redis.Redis, keys: Keys) -> None:
    """Without one a source can't be opened, and what to do is said; nothing is left behind."""
    source = ServiceSource(lambda: connect(redis_url), keys)
    with pytest.raises(SourceLost, match="start `sa-notify dispatch`"):
        source.open()
    for use in (source.fileno, source.read, source.ping):
        with pytest.raises(SourceLost):
            use()
    source.close()
    wait_for(lambda: not client.keys(f"{keys.base}*"), "nothing to be left")


def test_no_redis_is_said() -> None:
    """A Redis that is not there is a loss, in words that name no password."""
    source = ServiceSource(lambda: connect("redis://user:hidden@127.0.0.1:1/0"), Keys())
    with pytest.raises(SourceLost, match="Redis: .*refused") as lost:
        source.open()
    assert "hidden" not in str(lost.value)


def test_a_dispatcher_that_ends_is_a_loss(
    leading: InThread, start: Start, work: Work, write: Write, led: Led
) -> None:
    """In an orderly end it says so, and another is followed as soon as it leads."""
    worker = work("a")
    leading.stop()
    assert "lost its feed" in worker.is_lost()
    start()
    led()
    _goes_on(worker, write, 1)


@pytest.mark.parametrize("silence", [feed.SILENT_SECONDS])
def test_a_dispatcher_that_is_silent_is_a_loss(
    leading: InThread, work: Work, write: Write, silence: float
) -> None:
    """Without its beat nobody knows: 2.5 s later that is a loss, long before it is heard again."""
    worker = work("a")
    leading._loop.call_soon_threadsafe(_stall)
    stalled_at = time.monotonic()
    assert "silent" in worker.is_lost()
    assert time.monotonic() - stalled_at < _STALLED_SECONDS
    _goes_on(worker, write, 1)


_STALLED_SECONDS = 6.0


def _stall() -> None:
    # the whole loop stands still, as under SIGSTOP; here time itself is what is tested
    time.sleep(_STALLED_SECONDS)


def test_a_database_that_is_lost_is_a_loss(
    leading: InThread, work: Work, write: Write, led: Led, engine: Engine
) -> None:
    """What the dispatcher may have missed its workers have missed."""
    worker = work("a")
    with engine.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    worker.is_lost()
    led()
    _goes_on(worker, write, 1)


def test_a_worker_that_is_forgotten_notices(
    leading: InThread, work: Work, write: Write, client: redis.Redis, keys: Keys, led: Led
) -> None:
    """Redis lost everything (a restart, an eviction): a loss, and everything is registered anew."""
    worker = work("a")
    client.delete(*client.keys(f"{keys.base}*"))
    worker.is_lost()
    led()
    _goes_on(worker, write, 1)


def test_a_gap_is_a_loss(
    leading: InThread, work: Work, write: Write, client: redis.Redis, keys: Keys
) -> None:
    """Entries that were dropped before the worker read them."""
    worker = work("a")
    client.incr(keys.told(worker.source.epoch))
    write("a", 1)
    assert "too slow" in worker.is_lost()
    _goes_on(worker, write, 2)


def test_a_redis_that_is_too_slow_costs_no_memory(
    leading: InThread, work: Work, write: Write, led: Led, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What can't be passed on is dropped, and workers begin anew."""
    monkeypatch.setattr(publisher, "WAITING", 50)
    worker = work("a")
    write("a", *range(100))
    assert "lost its feed" in worker.is_lost()
    led()
    _goes_on(worker, write, 1000)


def test_everything_of_a_dead_worker_expires(
    leading: InThread, work: Work, client: redis.Redis, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gives no sign of life: its wants, its feed and its clients go, and nobody tells it anything."""
    monkeypatch.setattr(worker_module, "_TO_LIVE", 700)
    worker = work("a")
    worker.source.present({"sid": {"user": "7"}})
    epoch = worker.source.epoch
    wait_for(lambda: client.exists(keys.clients(epoch)), "its client")
    # renews in 5 s, which is too late here
    wait_for(lambda: not client.keys(f"{keys.base}*{epoch}*"), "its keys to expire")
    wait_for(lambda: not client.sismember(keys.workers, epoch), "it to be no worker")
    worker.is_lost()


def test_everything_of_a_living_worker_lives(
    leading: InThread, work: Work, write: Write, client: redis.Redis, keys: Keys,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Longer than anything lives by itself; and all of it would still expire."""
    monkeypatch.setattr(worker_module, "_TO_LIVE", 4000)
    monkeypatch.setattr(following_module, "RENEW_SECONDS", 0.3)
    worker = work("a")
    worker.source.want(Wanted(1, rows={"public.b": frozenset({("2",)})}))
    worker.source.present({"sid": {"user": "7"}})
    epoch, until = worker.source.epoch, time.monotonic() + 5.0
    wait_for(lambda: client.exists(keys.clients(epoch), keys.partly(epoch)) == 2, "all of it")
    there = set(client.scan_iter(f"{keys.base}*{epoch}*"))
    while time.monotonic() < until:
        worker.turn()
    write("a", 1)
    worker.hears("a", 1)
    assert set(client.scan_iter(f"{keys.base}*{epoch}*")) == there
    assert len(there) == 7 and all(0 < int(client.pttl(name)) <= 4000 for name in there)  # type: ignore[arg-type]


def test_what_was_read_is_kept_for_nobody(
    leading: InThread, work: Work, write: Write, client: redis.Redis, keys: Keys,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Values of columns least of all; what has not been read yet stays."""
    monkeypatch.setattr(following_module, "RENEW_SECONDS", 0.1)
    worker = work("a")
    for n in range(60):
        write("a", n)
    worker.hears("a", *range(60))
    wait_for(lambda: client.xlen(keys.feed(worker.source.epoch)) < 20, "the feed to be short")
    write("a", 60)
    worker.hears("a", 60)


def test_another_term_fences(
    leading: InThread, work: Work, write: Write, client: redis.Redis, keys: Keys, led: Led
) -> None:
    """A dispatcher that believes to lead, but does not, can tell nobody anything: it stops."""
    worker = work("a")
    client.incr(keys.term)
    worker.is_lost()
    wait_for(lambda: leading.service.leads, "it to lead again")
    led()
    _goes_on(worker, write, 1)


def test_a_fenced_publisher_says_so(redis_url: str, client: redis.Redis, keys: Keys) -> None:
    """Whatever it tries."""
    import asyncio

    from sa_notify.redis.connect import connect_asyncio

    async def attempt() -> None:
        async with connect_asyncio(redis_url) as own:
            old = Publisher(own, keys, 1, dict)
            client.set(keys.term, 2)
            for what in (old.lead, old.beat, lambda: old.tell("beat", {})):
                with pytest.raises(Fenced):
                    await what()
            old.begin_epoch("e")
            with pytest.raises(Fenced):
                await old.run()

    asyncio.run(attempt())


@pytest.fixture
def own_redis() -> Iterator[EmbeddedRedis]:
    with EmbeddedRedis(temporary_room("sa-notify-service-")) as server:
        # the same when it starts again
        server.port = server.port
        yield server


def test_a_redis_that_is_away_is_survived(
    own_redis: EmbeddedRedis, engine: Engine, tables: Any, write: Write
) -> None:
    """Everything goes on when it is back, without anything kept there; writers notice nothing."""
    keys = Keys()
    dispatcher = InThread(engine, own_redis.url, keys)
    worker = Worker(ServiceSource(lambda: connect(own_redis.url), keys), ("a",))
    try:
        worker.open()
        write("a", 1)
        worker.hears("a", 1)
        own_redis.stop()
        assert "Redis" in worker.is_lost()
        write("a", 2)
        own_redis.start()
        _goes_on(worker, write, 3)
    finally:
        worker.source.close()
        dispatcher.stop()
