"""The sinks of a dispatcher that leads, as one receiver of its feed."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final

from sa_notify.change import ChangeSet
from sa_notify.sink.queued import QueuedSink
from sa_notify.source.interest import Interest

logger = logging.getLogger(__name__)

#: How often to look which tables are announced, for sinks that want all.
LOOK_SECONDS: Final = 30.0


class Sinks:
    """Tells each sink that an epoch begins when all its tables are captured, and not before.

    What is committed until then a sink finds when it reads what it must read at the beginning of an epoch.

    :param announced: asks the catalog for all tables that are announced; blocks.
    """

    def __init__(self, sinks: Sequence[QueuedSink], announced: Callable[[], frozenset[str]]) -> None:
        self._sinks, self._announced = sinks, announced
        self._all: frozenset[str] | None = None
        self._looked_at = float("-inf")
        self._epoch: str | None = None
        self._stood: dict[QueuedSink, frozenset[str]] = {}
        self._complaint = frozenset[str]()

    # -- what the feed says

    def begin_epoch(self, epoch: str) -> None:
        self._epoch = epoch
        self._stood.clear()

    def proved(self, age: float) -> None:
        """Sinks are not told."""

    def lost(self) -> None:
        self._epoch = None
        for sink in self._sinks:
            sink.lost()

    def receive(self, changesets: Sequence[ChangeSet]) -> None:
        for sink in self._sinks:
            sink.receive(changesets)

    # -- what is wanted

    async def look(self) -> None:
        """Find out what is announced, for sinks that want all of it."""
        now = asyncio.get_running_loop().time()
        if now - self._looked_at > LOOK_SECONDS and any(
            each.made and each.tables is None for each in self._sinks
        ):
            self._all, self._looked_at = await asyncio.to_thread(self._announced), now

    @property
    def tables(self) -> frozenset[str]:
        """All that a sink wants."""
        return frozenset[str]().union(*(self._wanted(sink) or () for sink in self._sinks))

    async def take(self, interest: Interest | None) -> None:
        """Have that captured, and tell each sink when it is.

        :raises SourceLost: when the source is not open.
        """
        held = frozenset[str]()
        for sink in self._sinks:
            epoch, wanted = self._epoch, self._wanted(sink)
            if epoch is None or wanted is None or wanted == self._stood.get(sink):
                continue
            missing = wanted - self._stood.get(sink, frozenset())
            if interest is not None and missing:
                missing -= await asyncio.to_thread(interest.take, missing)
                held |= missing
            if epoch == self._epoch and (interest is None or not missing):
                self._stood[sink] = wanted
                sink.begin_epoch(epoch)
        self._complain(held)

    def close(self) -> None:
        """End them."""
        for sink in self._sinks:
            sink.close()

    # -- inside

    def _wanted(self, sink: QueuedSink) -> frozenset[str] | None:
        """``None`` while that is not known yet."""
        if not sink.made:
            return None
        return self._all if sink.tables is None else sink.tables

    def _complain(self, held: frozenset[str]) -> None:
        if held - self._complaint:
            names = ", ".join(sorted(held))
            logger.warning("sinks wait for the end of transactions that have written to: %s", names)
        self._complaint = held
