"""The dispatcher's process: it waits until it leads, and then sends what its database tells."""

import asyncio
import logging
import os
import socket
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from psycopg2 import Error

from sa_notify import metrics
from sa_notify.dispatch.fanout import Fanout
from sa_notify.dispatch.follow import follow
from sa_notify.errors import SourceLost
from sa_notify.redis.connect import FAILURES, connect, connect_asyncio, told, uncancelled
from sa_notify.redis.keys import Keys
from sa_notify.service.asks import Asks
from sa_notify.service.leadership import TRUST_SECONDS, Leadership, LeadershipLost
from sa_notify.service.publisher import Fenced, Publisher
from sa_notify.service.sinks import Sinks
from sa_notify.service.traffic import Traffic
from sa_notify.sink.base import Context
from sa_notify.sink.discovery import Named
from sa_notify.sink.queued import QueuedSink
from sa_notify.source.database import DatabaseSource, database_source
from sa_notify.source.listening import Connect

logger = logging.getLogger(__name__)

#: When nothing is proven.
BEAT_SECONDS: Final = 0.5
#: A worker's proof takes two of the dispatcher's, and must not be older than 2 s.
PING_SECONDS: Final = 0.25
#: Between two tries to lead.
AGAIN_SECONDS: Final = 1.0
#: How often to look for an outbox while NOTIFY alone is followed.
OUTBOX_SECONDS: Final = 10.0
QUEUE_SECONDS: Final = 10.0
RESIGN_SECONDS: Final = 2.0


class Service:
    """Dispatches until it is cancelled.

    :param connect: makes a connection to the primary, which can LISTEN.
    :param redis_url: where the workers are.
    :param sinks: where else changes go while this process leads.
    :param announced: asks the catalog for all tables that are announced, for sinks that want all; blocks.
    """

    def __init__(
        self,
        connect: Connect,
        redis_url: str,
        keys: Keys,
        sinks: Sequence[Named] = (),
        announced: Callable[[], frozenset[str]] = frozenset,
    ) -> None:
        self._connect, self._keys, self._redis_url = connect, keys, redis_url
        self._named, self._announced = sinks, announced
        self._client = connect_asyncio(redis_url)
        self._id, self._since = uuid.uuid4().hex, time.time()
        self._source: DatabaseSource | None = None
        self._leadership: Leadership | None = None
        self.publisher: Publisher | None = None

    @property
    def leads(self) -> bool:
        """Whether this process leads now."""
        return self.publisher is not None

    def health(self) -> dict[str, Any]:
        """For ``/health``; healthy is who waits for its turn, too, unless it could not take it."""
        publisher, leadership = self.publisher, self._leadership
        leads, follows = publisher is not None, publisher is not None and publisher.epoch is not None
        waits = leadership is not None and leadership.waits
        return {"healthy": follows or waits, "leads": leads, "follows": follows}

    async def run(self) -> None:
        """Wait for leadership, lead, and begin again when it is lost; until cancelled."""
        complaint = ""
        try:
            while uncancelled():
                try:
                    # a task for each: that of a TaskGroup which failed counts as cancelled in Python 3.11
                    await asyncio.create_task(self._take_part())
                except (SourceLost, LeadershipLost, Error, *FAILURES) as error:
                    said = (
                        told(error) if isinstance(error, FAILURES) else str(error).strip().partition("\n")[0]
                    )
                    if said != complaint:
                        logger.warning("this dispatcher can't lead: %s", said)
                    complaint = said
                else:
                    complaint = ""
                await asyncio.sleep(AGAIN_SECONDS)
        finally:
            await self._client.aclose()

    # -- inside

    async def _take_part(self) -> None:
        leadership = self._leadership = Leadership(self._connect, self._client, self._keys)
        try:
            term = await leadership.obtain()
            logger.info("this dispatcher leads", extra={"term": term})
            await self._lead(leadership, term)
        finally:
            self._leadership = None
            leadership.close()

    async def _lead(self, leadership: Leadership, term: int) -> None:
        metrics.LEADS.set(1)
        source = self._source = database_source(self._connect, "notify")
        publisher = self.publisher = Publisher(self._client, self._keys, term, self._about)
        sinks = Sinks([self._queued(each, term) for each in self._named], self._announced)
        traffic = Traffic(self._client, self._keys)
        asks = Asks(self._client, self._keys, publisher, lambda: source.interest, sinks)
        try:
            async with asyncio.TaskGroup() as group:
                for work in (
                    leadership.hold(), publisher.run(), self._beat(publisher), asks.answer(), asks.keep(),
                    asks.keep_sinks(), traffic.write(), self._look_for_outbox(source),
                    self._look_at_queue(leadership),
                    follow(source, Fanout(publisher, sinks, traffic), ping_seconds=PING_SECONDS),
                ):  # fmt: skip
                    group.create_task(work)
        except* Fenced:
            logger.warning("another dispatcher leads: this one stops", extra={"term": term})
        except* LeadershipLost as lost:
            logger.warning("this dispatcher leads no longer: %s", lost.exceptions[0])
        finally:
            self.publisher = None
            metrics.LEADS.set(0)
            await asyncio.to_thread(sinks.close)
            with suppress(Fenced, TimeoutError, *FAILURES):
                async with asyncio.timeout(RESIGN_SECONDS):
                    await publisher.resign()

    def _queued(self, named: Named, term: int) -> QueuedSink:
        context = Context({}, term, lambda: connect(self._redis_url), self._keys.prefix)
        return QueuedSink(named.name, lambda: named.make(context))

    async def _beat(self, publisher: Publisher) -> None:
        trusted_until = time.monotonic() + TRUST_SECONDS
        while uncancelled():
            began = time.monotonic()
            try:
                async with asyncio.timeout(TRUST_SECONDS):
                    await publisher.beat()
                trusted_until = began + TRUST_SECONDS
            except FAILURES as error:
                if time.monotonic() > trusted_until:
                    raise LeadershipLost(told(error)) from error
            with suppress(TimeoutError):
                async with asyncio.timeout(BEAT_SECONDS):
                    await publisher.proven.wait()
            publisher.proven.clear()

    async def _look_for_outbox(self, source: DatabaseSource) -> None:
        """A database that had no outbox when it was opened may have one by now."""
        while uncancelled():
            await asyncio.sleep(OUTBOX_SECONDS)
            if source.interest is None and await asyncio.to_thread(source.awaits_outbox):
                logger.info("the database has an outbox that can be followed now: doing that")
                source.interrupt()

    async def _look_at_queue(self, leadership: Leadership) -> None:
        """A full queue of notifications has every NOTIFY of the cluster fail."""
        while True:
            with suppress(Error):  # the lock, which is proven every second, tells of that
                metrics.NOTIFY_QUEUE.set(await leadership.notify_queue())
            await asyncio.sleep(QUEUE_SECONDS)

    def _about(self) -> Mapping[str, Any]:
        unread = dict(self._source.unread) if self._source else {}
        return {
            "id": self._id, "host": socket.gethostname(), "pid": os.getpid(), "since": self._since,
            "unread": unread,
        }  # fmt: skip
