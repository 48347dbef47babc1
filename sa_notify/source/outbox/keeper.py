"""What one source does for all of a database: it holds the gates and empties the outbox."""

import logging
import time
import uuid
from collections.abc import Callable
from typing import Final

from psycopg2 import Error

from sa_notify.errors import SetupError, SourceLost
from sa_notify.source.losing import first_line
from sa_notify.source.native import NativeThread, Signal, native
from sa_notify.source.outbox.gates import Gates
from sa_notify.source.outbox.keys import KEEPER, gate
from sa_notify.source.outbox.pruning import Pruning
from sa_notify.source.outbox.registration import BEAT_SECONDS, SILENT_SECONDS
from sa_notify.source.outbox.rotation import LIMIT_BYTES
from sa_notify.source.outbox.session import Connections, LockSession, Session
from sa_notify.source.signals import ANSWERED, RING

logger = logging.getLogger(__name__)

#: How often the gates and the slots are looked at when nobody hurries.
ROUND_SECONDS: Final = 0.5
#: Others look with a shared lock whether somebody keeps, each for a moment.
_ATTEMPTS: Final = 5
_ATTEMPT_SECONDS: Final = 0.005
#: Whose session asks nothing for so long, and whose term is silent, neither begins nor ends.
IDLE_SECONDS: Final = 3

_END = "DELETE FROM sa_notify.outbox_term"
_CLOSE = "DELETE FROM sa_notify.outbox_gate"
_BEGIN = """
INSERT INTO sa_notify.outbox_term (term, beat, backend)
VALUES (%s::uuid, pg_catalog.clock_timestamp(), pg_catalog.pg_backend_pid())
"""
_BEAT = """
UPDATE sa_notify.outbox_term SET beat = pg_catalog.clock_timestamp() WHERE term = %s::uuid RETURNING 1
"""
# Who holds one of our locks alone is a keeper's; a process that is stopped, or whose machine is gone, holds
# them for as long as PostgreSQL takes its connection for alive, which may be hours.
_END_SILENT = f"""
SELECT pg_catalog.pg_terminate_backend(l.pid) FROM pg_catalog.pg_locks l
WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.classid IN ({gate(0) >> 32}, {KEEPER >> 32})
  AND l.mode = 'ExclusiveLock' AND l.granted AND l.pid <> pg_catalog.pg_backend_pid()
  AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database())
  AND NOT EXISTS (
    SELECT FROM sa_notify.outbox_term t
    WHERE t.beat > pg_catalog.clock_timestamp() - interval '{SILENT_SECONDS} s'
  )
"""
# Who keeps asks something in its session every 2 s, and has just asked when it begins. What sessions of
# another role do shows to some only: such a one is waited for.
_END_IDLE = f"""{_END_SILENT} AND EXISTS (
  SELECT FROM pg_catalog.pg_stat_activity a
  WHERE a.pid = l.pid AND a.state_change < pg_catalog.clock_timestamp() - interval '{IDLE_SECONDS} s'
)
"""


class Keeper:
    """Keeps the outbox from :meth:`take` on, in a thread of its own after :meth:`start`.

    While nobody keeps, nothing is captured: each keeper's term is an epoch of all who read.
    """

    def __init__(
        self, connections: Connections, locks: LockSession, desk: Session, *, pooled: bool, limit_bytes: int
    ) -> None:
        self.term = str(uuid.uuid4())
        self._desk = desk
        self._hurry = Signal()
        self._gates = Gates(locks, desk, connections, self._hurry, pooled=pooled)
        self._pruning = Pruning(desk, limit_bytes=limit_bytes)
        self._thread = NativeThread(self._run)
        self._stopped = False
        self._beaten_at = 0.0
        self._lost: Callable[[SourceLost], None]
        self._answered: Callable[[], None]

    @classmethod
    def take(
        cls, connections: Connections, *, pooled: bool, limit_bytes: int = LIMIT_BYTES
    ) -> "Keeper | None":
        """Become the keeper, unless another is.

        :raises psycopg2.Error: when a connection fails.
        """
        connection, _ = connections.open()
        locks = LockSession(connection, pooled=pooled)
        if not _obtained(locks):
            connections.close(connection)
            return None
        # behind a pooler the locks' transaction never ends, so others need a connection of their own
        desk = Session(connections.open()[0] if pooled else connection, pooled=pooled)
        keeper = cls(connections, locks, desk, pooled=pooled, limit_bytes=limit_bytes)
        with desk.transaction():
            for statement in (_END, _CLOSE):
                desk.rows(statement)
            desk.rows(_BEGIN, (keeper.term,))
        return keeper

    def start(self, lost: Callable[[SourceLost], None], answered: Callable[[], None]) -> None:
        """Begin.

        :param lost: told when it can't go on.
        :param answered: told when there are new answers to who wants tables.
        """
        self._lost, self._answered = lost, answered
        self._beaten_at = time.monotonic()
        self._thread.start()

    def hurry(self) -> None:
        """Look at once what is wanted; from any thread."""
        self._hurry.set()

    def stop(self, seconds: float) -> bool:
        """End it; waits for its last statement at most that long. Whether it has ended."""
        self._stopped = True
        self._hurry.set()
        return self._thread.join(seconds)

    # -- the thread

    def _run(self) -> None:
        try:
            while not self._stopped:
                self._round()
                self._hurry.wait(ROUND_SECONDS)
            self._desk.rows(_END)
            self._desk.signal(RING)
        except (SourceLost, SetupError, Error, OSError) as error:
            self._lost(SourceLost(f"the outbox can't be kept: {first_line(error)}"))
        except Exception as error:
            logger.exception("the keeper of the outbox failed unexpectedly")
            self._lost(SourceLost(f"the outbox can't be kept: {type(error).__name__}"))

    def _round(self) -> None:
        now = time.monotonic()
        if self._gates.attend():
            self._desk.signal(ANSWERED)
            self._answered()
        if now - self._beaten_at >= BEAT_SECONDS:
            self._beaten_at = now
            self._beat()
        self._pruning.prune(now)

    def _beat(self) -> None:
        if not self._desk.rows(_BEAT, (self.term,)):
            raise SourceLost("the outbox was made anew, or another process keeps it")
        self._gates.check()
        self._pruning.forget_dead()


def _obtained(locks: LockSession) -> bool:
    for _ in range(_ATTEMPTS):
        if locks.try_lock(KEEPER):
            return True
        native("time", "sleep")(_ATTEMPT_SECONDS)
    return False


def is_free(session: Session) -> bool:
    """Whether nobody keeps the outbox."""
    ((free,),) = session.rows(f"SELECT pg_catalog.pg_try_advisory_xact_lock_shared({KEEPER})")
    return bool(free)


def end_silent_keeper(session: Session, *, idle: bool = False) -> bool:
    """End the sessions of a keeper that gives no sign of life; whether there were any.

    :param idle: only those in which nothing happens: they are no beginner's.
    :raises psycopg2.Error: when this role may not.
    """
    return bool(session.rows(_END_IDLE if idle else _END_SILENT))
