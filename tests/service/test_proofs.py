"""What a beat proves to a worker, whatever the links between did with it."""

import asyncio
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import redis

from sa_notify.change import Change, ChangeSet
from sa_notify.redis.connect import connect_asyncio
from sa_notify.redis.keys import Keys
from sa_notify.service.publisher import Publisher
from sa_notify.source.service import feed
from sa_notify.source.service.following import Following
from sa_notify.source.service.source import ServiceSource
from tests.protocol import wait_for
from tests.service.conftest import StartProcess, Work

Led = Callable[..., dict[str, Any]]


def test_proofs_come_and_are_young(leading: object, work: Work) -> None:
    """Each proves what was committed a second before it, as long as the machine is not too busy."""
    source, ages = work("a").source, []
    following = _following(source)
    for _ in range(10):
        before = following.proven_at
        wait_for(lambda before=before: following.proven_at != before, "a proof")  # type: ignore[misc]
        source.ping()
        ages.append(source.age)
    assert sorted(ages)[2] < 1.0, ages


def test_a_ping_waits_for_the_first_beat_alone(start_process: StartProcess, work: Work, led: Led) -> None:
    """Changes would lie in the mailbox while it waited for each."""
    dispatcher = start_process()
    led()
    source = work("a").source
    dispatcher.send(signal.SIGSTOP)
    source.open()
    asking = threading.Thread(target=source.ping)
    asking.start()
    wait_for(lambda: _following(source)._pings, "the question")
    dispatcher.send(signal.SIGCONT)
    asking.join(30)
    assert not asking.is_alive() and _following(source).proven

    dispatcher.send(signal.SIGSTOP)
    stopped = time.monotonic()
    source.ping()
    assert not _following(source)._pings and source.age >= 0
    assert time.monotonic() - stopped < feed.SILENT_SECONDS / 2, "it waited for one more"
    dispatcher.send(signal.SIGCONT)


def test_a_beat_that_was_held_back_proves_nothing(
    start_process: StartProcess, work: Work, client: redis.Redis, keys: Keys, led: Led
) -> None:
    """It is of a time before the worker looked at the tick."""
    dispatcher = start_process()
    led()
    source = work("a").source
    source.ping()
    dispatcher.send(signal.SIGSTOP)
    stopped = time.monotonic()
    name = keys.feed(source.epoch)
    beat = next(entry for _, entry in client.xrevrange(name) if entry["t"] == "beat")  # type: ignore[union-attr]
    following = _following(source)
    wait_for(lambda: following._ticks and following._ticks[-1][0] > stopped, "a look at the tick")

    # entries are read one after the other: when the second is begun, the first is done
    for entry in (beat, {"t": "hello", "d": "{}"}):
        last = client.incr(keys.told(source.epoch))
        client.xadd(name, {**entry, "n": last})
    wait_for(lambda: following.feed.number == last, "both to be read")
    source.ping()
    assert following.proven_at <= stopped


def _following(source: ServiceSource) -> Following:
    assert source._following is not None
    return source._following


def test_a_tick_is_claimed_when_what_came_before_it_is_told(
    redis_url: str, client: redis.Redis, keys: Keys
) -> None:
    """Not by a proof that is older, nor while changes that it covers wait for Redis."""

    async def follow() -> None:
        async with connect_asyncio(redis_url) as own:
            client.set(keys.term, 1)
            publisher = Publisher(own, keys, 1, dict)
            publisher.begin_epoch("e")
            await publisher._settle()
            publisher.proved(0.0)
            await publisher.beat()
            assert publisher._tick == 0, "nothing was proven since a tick"
            publisher.proved(10.0)
            await publisher.beat()
            assert publisher._tick == 0, "that proof is of a time before the tick"
            publisher.receive([ChangeSet("e", 1, 7, (Change("public.a", "bulk"),))])
            publisher.proved(0.0)
            await publisher.beat()
            assert publisher._tick == 0, "a change that the proof covers is not told yet"
            await publisher._settle()
            await publisher.beat()
            assert publisher._tick == 2

    asyncio.run(follow())


def test_the_same_tick_proves_nothing(leading: object, work: Work) -> None:
    """It was counted before the worker looked; the next one is later."""
    following = work("a").source._following
    assert following is not None
    with following._guard:
        following._ticks.clear()
        following._ticks.append((now := time.monotonic() + 60, 1_000_000))
    following._proven(1_000_000)
    assert following.proven_at < now
    following._proven(1_000_001)
    assert following.proven_at == now
