"""From the dispatcher's feed into the workers' feeds."""

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

import redis.asyncio
from redis.exceptions import ResponseError

from sa_notify import metrics
from sa_notify.change import ChangeSet
from sa_notify.redis.connect import FAILURES, told, uncancelled
from sa_notify.redis.keys import FEED_ENTRIES, WIRE, Keys
from sa_notify.redis.packed import pack
from sa_notify.redis.scripts import FENCED, Scripts
from sa_notify.source.wanted import TALLY_SECONDS

logger = logging.getLogger(__name__)

#: Changes that may wait for Redis; more, and all workers read everything again.
WAITING: Final = 100_000
#: Changes that one script gets at most.
AT_ONCE: Final = 1_000
#: How long what a leader says of itself stands. Who can't say it any more has stopped by itself before others
#: end its session.
LEADER_MS: Final = 4_000
RETRY_SECONDS: Final = 0.5


class Fenced(Exception):
    """Another dispatcher leads."""


class Publisher:
    """The receiver of the dispatcher's feed (:class:`sa_notify.dispatch.receiver.Receiver`).

    :param term: of this leadership.
    :param about: what this process says of itself beside epoch and position.
    """

    def __init__(
        self, client: redis.asyncio.Redis, keys: Keys, term: int, about: Callable[[], Mapping[str, Any]]
    ) -> None:
        self._keys, self._term, self._about = keys, str(term), about
        self._client, self._scripts = client, Scripts(client)
        self._queue: deque[ChangeSet] = deque()
        self._waiting = 0
        self._changed = asyncio.Event()
        self._epoch: str | None = None
        #: As the workers know it; they must be told that it is over before another begins.
        self._stands = False
        self.position = self._received = 0
        #: When everything that had been committed was in the feeds, and when it will be, past a position.
        self._proven_at = 0.0
        self._proof: tuple[float, int] | None = None
        self._ticks = deque[tuple[float, int]]()
        self._tick = 0
        #: Whether there is something to tally for workers, and when they may be told.
        self._untold, self._tally_at = False, 0.0
        #: Set when there is something to beat about.
        self.proven = asyncio.Event()

    @property
    def epoch(self) -> str | None:
        """The epoch that is followed now."""
        return self._epoch

    # -- what the feed says

    def begin_epoch(self, epoch: str) -> None:
        self._begin(epoch)

    def lost(self) -> None:
        self._begin(None)

    def proved(self, age: float) -> None:
        at = time.monotonic() - age
        if self.position >= self._received:
            self._prove(at)
        elif self._proof is None:
            self._proof = at, self._received

    def receive(self, changesets: Sequence[ChangeSet]) -> None:
        self._waiting += sum(len(changeset.changes) for changeset in changesets)
        metrics.WAITING.set(self._waiting)
        self._queue.extend(changesets)
        self._received = changesets[-1].position
        if self._waiting > WAITING:
            logger.warning(
                "Redis takes changes too slowly: workers read again", extra={"changes": self._waiting}
            )
            self._doubt()
        self._changed.set()

    # -- the task

    async def run(self) -> None:
        """Publish until cancelled.

        :raises Fenced: when another dispatcher leads.
        """
        complained = False
        while uncancelled():
            try:
                await self._settle()
                complained = False
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(self._tally_at if self._untold else None):
                        await self._changed.wait()
                        self._changed.clear()
            except FAILURES as error:
                self._doubt()
                if not complained:
                    logger.warning("workers can't be told of changes: %s", told(error))
                complained = True
                await asyncio.sleep(RETRY_SECONDS)

    async def lead(self) -> None:
        """Say that this process leads, and how far it is.

        :raises Fenced: when another dispatcher leads.
        :raises redis.RedisError: when Redis does not answer.
        """
        epoch = self._epoch if self._stands else None
        leader = {
            **self._about(), "term": int(self._term), "epoch": epoch, "position": self.position,
            "lag": self._age(), "wire": WIRE,
        }  # fmt: skip
        await self._run("lead", [self._keys.term, self._keys.leader], [json.dumps(leader), LEADER_MS])

    async def beat(self) -> None:
        """Say that, and tell every worker; see :meth:`lead`."""
        await self.lead()
        if self._stands:
            while self._ticks and self._ticks[0][0] <= self._proven_at:
                self._tick = self._ticks.popleft()[1]
            beat = {"epoch": self._epoch, "position": self.position, "tick": self._tick}
            await self.tell("beat", beat)
        tick = await self._client.incr(self._keys.tick)
        self._ticks.append((time.monotonic(), tick))

    async def tell(self, kind: str, what: Mapping[str, Any], *workers: str) -> None:
        """Put an entry into these feeds, or into all."""
        arguments = [self._keys.base, FEED_ENTRIES, kind, json.dumps(what), *workers]
        await self._run("tell", [self._keys.term, self._keys.workers], arguments)

    async def resign(self) -> None:
        """Tell that this process leads no longer."""
        self._begin(None)
        await self._settle()
        await self._run("resign", [self._keys.term, self._keys.leader], [])

    # -- inside

    def _age(self) -> float:
        """Whatever was committed so many seconds ago is in the feeds."""
        return round(time.monotonic() - self._proven_at, 3)

    def _prove(self, at: float) -> None:
        self._proven_at, self._proof = max(at, self._proven_at), None
        self.proven.set()

    def _begin(self, epoch: str | None) -> None:
        self._epoch, self.position = epoch, 0
        self._proven_at = time.monotonic()
        metrics.DISPATCHER_FOLLOWING.set(epoch is not None)
        self._doubt()

    def _doubt(self) -> None:
        """What workers were told may lack something."""
        self._stands = False
        self._queue.clear()
        self._received, self._proof = self.position, None
        self._waiting = 0
        metrics.WAITING.set(0)
        self._changed.set()

    async def _settle(self) -> None:
        if not self._stands:
            # in this order: a worker that registers in between finds no epoch, or is told
            await self.lead()
            await self.tell("lost", {})
            self._stands = self._epoch is not None
            await self.lead()
        while self._queue and self._stands:
            await self._publish()
            await self._tally()
        await self._tally()

    async def _publish(self) -> None:
        taken, changes = [], 0
        while self._queue and changes < AT_ONCE:
            taken.append(self._queue.popleft())
            changes += len(taken[-1].changes)
        self._waiting -= changes
        for pieces in _pieces(taken):
            arguments = [self._keys.base, FEED_ENTRIES, *pack(pieces)]
            if await self._run("publish", [self._keys.term, self._keys.workers], arguments):
                self._untold = True
        self.position = taken[-1].position
        if self._proof is not None and self.position >= self._proof[1]:
            self._prove(self._proof[0])
        metrics.PUBLISHED.inc(changes)
        metrics.WAITING.set(self._waiting)

    async def _tally(self) -> None:
        """Tell of what is not told one by one: at once, and then once a second."""
        now = asyncio.get_running_loop().time()
        if self._untold and now >= self._tally_at:
            self._untold, self._tally_at = False, now + TALLY_SECONDS
            await self._run("tally", [self._keys.term, self._keys.workers], [self._keys.base, FEED_ENTRIES])

    async def _run(self, name: str, keys: Sequence[str], arguments: Sequence[Any]) -> int:
        try:
            return int(await self._scripts.run(name, keys, [self._term, *arguments]))
        except ResponseError as error:
            if FENCED in str(error):
                raise Fenced from error
            raise


def _pieces(changesets: Sequence[ChangeSet]) -> Iterator[list[ChangeSet]]:
    """The same in lists of ``AT_ONCE`` changes at most; a large changeset in several parts."""
    piece: list[ChangeSet] = []
    room = AT_ONCE
    for changeset in changesets:
        for part in _parts(changeset):
            if len(part.changes) > room and piece:
                yield piece
                piece, room = [], AT_ONCE
            piece.append(part)
            room -= len(part.changes)
    if piece:
        yield piece


def _parts(changeset: ChangeSet) -> list[ChangeSet]:
    changes = changeset.changes
    if len(changes) <= AT_ONCE:
        return [changeset]
    return [
        replace(changeset, changes=changes[first : first + AT_ONCE])
        for first in range(0, len(changes), AT_ONCE)
    ]
