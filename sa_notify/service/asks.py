"""What workers want, told to the source."""

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

import redis.asyncio

from sa_notify.errors import SourceLost
from sa_notify.redis.connect import FAILURES, uncancelled
from sa_notify.redis.keys import Keys
from sa_notify.redis.scripts import Scripts, mend
from sa_notify.service.publisher import Publisher
from sa_notify.service.sinks import Sinks
from sa_notify.source.interest import Interest

logger = logging.getLogger(__name__)

#: Questions that are answered side by side; each may take a second.
SIDE_BY_SIDE: Final = 8
BLOCK_MS: Final = 1_000
#: How often the source is told all that is wanted: it drops what was not for 30 s.
KEEP_SECONDS: Final = 5.0
RETRY_SECONDS: Final = 0.5


class Asks:
    """Answers workers' questions while this process leads.

    :param interest: the source's, in its current epoch; ``None`` when all tables are announced.
    :param sinks: whatever else wants changes.
    """

    def __init__(
        self,
        client: redis.asyncio.Redis,
        keys: Keys,
        publisher: Publisher,
        interest: Callable[[], Interest | None],
        sinks: Sinks,
    ) -> None:
        self._client, self._keys, self._publisher, self._interest = client, keys, publisher, interest
        self._sinks = sinks
        self._scripts = Scripts(client)
        self._free = asyncio.Semaphore(SIDE_BY_SIDE)

    async def answer(self) -> None:
        """Answer until cancelled."""
        async with asyncio.TaskGroup() as group:
            last = await self._last()
            while uncancelled():
                try:
                    found: Any = await self._client.xread({self._keys.asks: last}, count=100, block=BLOCK_MS)
                except FAILURES:
                    # workers begin anew, and ask again
                    await asyncio.sleep(RETRY_SECONDS)
                    last = await self._last()
                    continue
                entries = found[0][1] if found else ()
                for last, entry in entries:  # noqa: B007
                    await self._free.acquire()
                    group.create_task(self._answer(entry))
                await self._forget([name for name, _ in entries])

    async def keep(self) -> None:
        """Tell the source what workers and sinks want, until cancelled."""
        while uncancelled():
            try:
                await mend(self._scripts, self._keys)
                await self._keep(self._interest())
            except (SourceLost, *FAILURES):
                # both are told of elsewhere; what is captured needlessly for some seconds does no harm
                logger.debug("what is wanted can't be told", exc_info=True)
            await asyncio.sleep(KEEP_SECONDS)

    async def keep_sinks(self) -> None:
        """Have what sinks want captured, until cancelled."""
        while uncancelled():
            try:
                await self._sinks.look()
                await self._sinks.take(self._interest())
            except SourceLost:
                logger.debug("what sinks want can't be told", exc_info=True)
            await asyncio.sleep(RETRY_SECONDS)

    # -- inside

    async def _keep(self, interest: Interest | None) -> None:
        if interest is not None:
            tables = await self._scripts.run("wanted", [self._keys.workers], [self._keys.base])
            wanted = frozenset(tables) | self._sinks.tables
            await asyncio.to_thread(interest.keep, wanted)

    async def _last(self) -> str:
        """Questions after this one are for this leader."""
        found: Any = None
        while found is None and uncancelled():
            try:
                found = await self._client.xrevrange(self._keys.asks, count=1)
            except FAILURES:
                await asyncio.sleep(RETRY_SECONDS)
        return str(found[0][0]) if found else "0-0"

    async def _forget(self, taken: Sequence[str]) -> None:
        """Questions that were taken in: nobody else reads them, and who asked may be dead by now."""
        if taken:
            with suppress(*FAILURES):
                await self._client.xdel(self._keys.asks, *taken)

    async def _answer(self, entry: dict[str, str]) -> None:
        try:
            asked = json.loads(entry["d"])
            tables, interest = frozenset(map(str, asked["tables"])), self._interest()
            stand = tables if interest is None else await asyncio.to_thread(interest.take, tables)
            told = {"ask": int(asked["ask"]), "stand": sorted(stand)}
            await self._publisher.tell("answer", told, str(asked["worker"]))
        except (ValueError, KeyError, TypeError, RecursionError):
            # whoever may write to Redis may write this
            logger.warning("a question in Redis can't be read")
        except (SourceLost, *FAILURES):
            # the worker waits a second, and asks again
            logger.debug("a question stays unanswered", exc_info=True)
        finally:
            self._free.release()
