"""The bell that writers ring while a reader sleeps."""

from sa_notify.source.outbox.keys import DOORBELL
from sa_notify.source.outbox.session import Session


class Doorbell:
    """Held, it rings: writers who are refused their share of the lock send an empty NOTIFY.

    A writer who got its share, and so will not ring, keeps it until its transaction has ended: who
    holds the bell and then reads once more has everything that did not ring.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def hold(self) -> bool:
        """Have it ring; ``False`` while a writer is open who will not."""
        ((held,),) = self._session.rows(f"SELECT pg_catalog.pg_try_advisory_lock({DOORBELL})")
        return bool(held)

    def queue_usage(self) -> float:
        """How full the queue is that a ring goes through, of 1."""
        ((usage,),) = self._session.rows("SELECT pg_catalog.pg_notification_queue_usage()")
        return float(usage)

    def release(self) -> None:
        """Spare writers the ringing."""
        self._session.rows(f"SELECT pg_catalog.pg_advisory_unlock({DOORBELL})")
