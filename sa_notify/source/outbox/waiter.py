"""Waiting for one gate beside the keeper, for as long as its writers take."""

import logging
from typing import Final

from psycopg2 import Error
from psycopg2.extensions import connection as Connection  # noqa: N812

from sa_notify.errors import SetupError, SourceLost
from sa_notify.source.native import NativeThread, Signal, native
from sa_notify.source.outbox.keys import gate
from sa_notify.source.outbox.session import Connections, LockSession

logger = logging.getLogger(__name__)

#: How often to look whether the keeper is next in the queue.
_LOOK_SECONDS: Final = 0.005


class Waiter:
    """Obtains a gate in a thread of its own, and hands it to the keeper's session.

    It gives the gate up when the keeper stands in the queue for it: a writer who tries meanwhile is
    refused as before. Should the keeper have lost its patience just then, it has not answered yet.

    :param hurry: called when the keeper should look at it.
    :ivar obtained: the keeper is waited for.
    :ivar ended: it waits for nothing any more.
    """

    def __init__(self, oid: int, connections: Connections, hurry: Signal, *, pooled: bool) -> None:
        self.obtained = self.ended = False
        self._stopped = False
        self._key, self._connections, self._hurry, self._pooled = gate(oid), connections, hurry, pooled
        self._connection: Connection | None = None

    def start(self) -> None:
        """Begin."""
        NativeThread(self._run).start()

    def stop(self) -> None:
        """Wait no longer; from any thread."""
        self._stopped = True
        if self._connection is not None:
            self._connections.cut_one(self._connection)

    # -- the thread

    def _run(self) -> None:
        try:
            self._connection = self._connections.open()[0]
            if not self._stopped:
                self._wait(LockSession(self._connection, pooled=self._pooled))
        except (Error, OSError, SourceLost, SetupError) as error:
            logger.debug("nobody waits for a gate any more", exc_info=error)
        except Exception:
            logger.exception("waiting for a gate failed unexpectedly")
        finally:
            if self._connection is not None:
                self._connections.close(self._connection)
            self.ended = True
            self._hurry.set()

    def _wait(self, session: LockSession) -> None:
        session.lock(self._key, 0)
        self.obtained = True
        self._hurry.set()
        while not (self._stopped or session.is_waited_for(self._key)):
            native("time", "sleep")(_LOOK_SECONDS)
        session.unlock(self._key)
