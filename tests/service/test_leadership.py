"""Who can't prove any more that it leads stops, whatever else still works."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import redis
from redis.exceptions import ConnectionError as RedisGone
from sqlalchemy import Engine, text

from sa_notify.redis.connect import connect_asyncio
from sa_notify.redis.keys import Keys
from sa_notify.service import service as service_module
from sa_notify.service.leadership import Leadership, LeadershipLost
from sa_notify.service.service import Service
from sa_notify.source.connect import listen_connect

_END = """
SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def test_a_leader_whose_session_ends_stops(
    engine: Engine, redis_url: str, client: redis.Redis, keys: Keys
) -> None:
    """With its lock, which another may have by then; Redis may not have heard of that."""

    async def lead() -> None:
        async with connect_asyncio(redis_url) as own:
            leadership = Leadership(listen_connect(engine), own, keys)
            try:
                assert await leadership.obtain() == 1
                await asyncio.to_thread(_execute, engine, _END)
                await _soon(leadership.hold())
            finally:
                leadership.close()

    with pytest.raises(LeadershipLost):
        asyncio.run(lead())


class Unheard:
    """A publisher whose words reach nobody, or do now and then."""

    def __init__(self, reaches: Callable[[int], bool]) -> None:
        self.beats = 0
        self.proven = asyncio.Event()
        self._reaches = reaches

    async def beat(self) -> None:
        self.beats += 1
        if not self._reaches(self.beats):
            raise RedisGone("it is away")


def test_a_leader_that_nobody_hears_stops(
    engine: Engine, redis_url: str, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its session with PostgreSQL stands, so no other would ever lead."""
    monkeypatch.setattr(service_module, "TRUST_SECONDS", 0.2)
    monkeypatch.setattr(service_module, "BEAT_SECONDS", 0.01)
    service = Service(listen_connect(engine), redis_url, keys)
    with pytest.raises(LeadershipLost, match="it is away"):
        asyncio.run(_soon(service._beat(Unheard(lambda n: n < 3))))  # type: ignore[arg-type]


def test_a_leader_that_is_heard_now_and_then_goes_on(
    engine: Engine, redis_url: str, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_module, "BEAT_SECONDS", 0.001)
    service = Service(listen_connect(engine), redis_url, keys)
    publisher = Unheard(lambda n: n % 5 == 0)

    async def beat() -> None:
        beating = asyncio.create_task(service._beat(publisher))  # type: ignore[arg-type]
        while publisher.beats < 50 and not beating.done():
            await asyncio.sleep(0.001)
        assert not beating.done()
        beating.cancel()

    asyncio.run(beat())


def _execute(engine: Engine, sql: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(sql))


async def _soon(work: Coroutine[Any, Any, None]) -> None:
    async with asyncio.timeout(20):
        await work
