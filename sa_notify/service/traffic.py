"""Counts changes by table, for ``sa-notify triggers``."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import redis.asyncio

from sa_notify.change import ChangeSet
from sa_notify.redis.connect import FAILURES, uncancelled
from sa_notify.redis.keys import Keys
from sa_notify.redis.traffic import HOUR_SECONDS, SLICE_SECONDS, slice_of

#: How often counts are written down.
WRITE_SECONDS: Final = 5.0


class Traffic:
    """A receiver of the feed (:class:`sa_notify.dispatch.receiver.Receiver`)."""

    def __init__(self, client: redis.asyncio.Redis, keys: Keys) -> None:
        self._client, self._keys = client, keys
        self._counts: Counter[str] = Counter()

    def begin_epoch(self, epoch: str) -> None:
        pass

    def receive(self, changesets: Sequence[ChangeSet]) -> None:
        for changeset in changesets:
            self._counts.update(change.table for change in changeset.changes)

    def proved(self, age: float) -> None:
        pass

    def lost(self) -> None:
        pass

    async def write(self) -> None:
        """Write down until cancelled; what Redis does not take is not counted."""
        while uncancelled():
            await asyncio.sleep(WRITE_SECONDS)
            counts, self._counts = self._counts, Counter()
            if counts:
                with suppress(*FAILURES):
                    await self._add(counts)

    async def _add(self, counts: Counter[str]) -> None:
        name = self._keys.traffic(slice_of(time.time()))
        async with self._client.pipeline(transaction=False) as pipeline:
            for table, count in counts.items():
                pipeline.hincrby(name, table, count)
            pipeline.expire(name, HOUR_SECONDS + 2 * SLICE_SECONDS)
            await pipeline.execute()
