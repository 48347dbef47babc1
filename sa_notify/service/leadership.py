"""Which of several dispatchers leads."""

import asyncio
import logging
import time
from typing import Final

import redis.asyncio
from psycopg2 import Error

from sa_notify.redis.connect import uncancelled
from sa_notify.redis.keys import Keys
from sa_notify.redis.scripts import Scripts, mend
from sa_notify.source.listening import Connect, begin_session, prove_session
from sa_notify.source.losing import first_line
from sa_notify.source.outbox.keys import LEADER
from sa_notify.source.outbox.session import Connections, LockSession, Session

logger = logging.getLogger(__name__)

#: A blocking wait for the lock would hold a snapshot, and so hold vacuum back: it is tried so often.
TRY_SECONDS: Final = 1.0
#: A leader whose lock was not proven for so long stops by itself.
TRUST_SECONDS: Final = 4.0
#: What leads but says nothing in Redis for so long is ended by those who wait.
SILENT_SECONDS: Final = 3.0

_END = """
SELECT pg_catalog.count(*) FILTER (WHERE pg_catalog.pg_terminate_backend(l.pid)) FROM pg_catalog.pg_locks l
WHERE l.locktype = 'advisory' AND l.granted AND l.pid <> pg_catalog.pg_backend_pid() AND l.objsubid = 1
AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
AND (l.classid::bigint << 32) + l.objid::bigint = %s
"""


_QUEUE = "SELECT pg_catalog.pg_notification_queue_usage()"


class LeadershipLost(Exception):
    """This process can't prove any more that it leads."""


class Leadership:
    """A session of PostgreSQL whose advisory lock one process holds at a time.

    :param connect: makes a connection to the primary, not through a pooler of transactions.
    """

    def __init__(self, connect: Connect, client: redis.asyncio.Redis, keys: Keys) -> None:
        self._client, self._keys = client, keys
        self._connect, self._connections = connect, Connections(connect)
        self._silent_since: float | None = None
        #: Another leads, and this one could.
        self.waits = False

    async def obtain(self) -> int:
        """Wait until this process leads; the number of its term.

        :raises SourceLost: when PostgreSQL can't be reached.
        :raises SetupError: when it never can.
        :raises psycopg2.Error: when the connection fails.
        :raises redis.RedisError: when Redis can't be reached.
        """
        connection, _ = await asyncio.to_thread(self._connections.open)
        backend, _ = await asyncio.to_thread(begin_session, connection)
        # a lock that is taken through a pooler of transactions is anybody's
        await asyncio.to_thread(prove_session, connection, backend, self._connect)
        self._session, self._lock = Session(connection, pooled=False), LockSession(connection, pooled=False)
        while uncancelled() and not await asyncio.to_thread(self._lock.try_lock, LEADER):
            await self._watch()
            if not self.waits:
                logger.info("another dispatcher leads: this one waits for its turn")
            self.waits = True
            await asyncio.sleep(TRY_SECONDS)
        self.waits = False
        await mend(Scripts(self._client), self._keys)
        return int(await self._client.incr(self._keys.term))

    async def hold(self) -> None:
        """Prove again and again that the lock is held; for ever.

        :raises LeadershipLost: when it is not, or PostgreSQL does not answer in time.
        """
        while True:
            try:
                async with asyncio.timeout(TRUST_SECONDS):
                    await asyncio.to_thread(self._lock.backend)
            except (Error, OSError) as error:  # a timeout is an OSError
                raise LeadershipLost(first_line(error)) from error
            await asyncio.sleep(TRY_SECONDS)

    async def notify_queue(self) -> float:
        """How full the cluster's queue of notifications is, of 1.

        :raises psycopg2.Error: when PostgreSQL can't be asked.
        """
        ((usage,),) = await asyncio.to_thread(self._session.rows, _QUEUE)
        return float(usage)

    def close(self) -> None:
        """Lead no longer."""
        self._connections.cut()
        self._connections.close_all()

    # -- inside

    async def _watch(self) -> None:
        """End whoever holds the lock and has been silent for too long."""
        now = time.monotonic()
        if await self._client.exists(self._keys.leader):
            self._silent_since = None
        elif self._silent_since is None:
            self._silent_since = now
        elif now - self._silent_since > SILENT_SECONDS:
            self._silent_since = None
            logger.warning("the dispatcher that leads does not answer: its session is ended")
            await asyncio.to_thread(self._session.rows, _END, (LEADER,))
