"""Emptying the outbox: slots take turns, and one that everybody has read is truncated."""

import contextlib
import logging
from typing import Final

from psycopg2.errors import LockNotAvailable, UndefinedTable

from sa_notify.source.outbox.reader import SLOTS
from sa_notify.source.outbox.rotation import LIMIT_BYTES, current, idle, next_turn
from sa_notify.source.outbox.session import Session

logger = logging.getLogger(__name__)

_TURN = "coalesce(pg_catalog.pg_sequence_last_value('sa_notify.outbox_turn'), 0)"
_STATE = f"""
SELECT {_TURN}, ARRAY(
  SELECT pg_catalog.pg_relation_size(c.oid)
    + coalesce(pg_catalog.pg_relation_size(nullif(c.reltoastrelid, 0)), 0)
  FROM pg_catalog.pg_class c
  WHERE c.oid = ANY ('{{{",".join(f"sa_notify.outbox_{slot}" for slot in SLOTS)}}}'::regclass[])
  ORDER BY c.relname
)
"""
_SET_TURN = "SELECT pg_catalog.setval('sa_notify.outbox_turn', %s)"
# nobody registers meanwhile, and nobody writes: what is not visible afterwards never will be
_LOCK = """
LOCK TABLE sa_notify.outbox_reader IN SHARE ROW EXCLUSIVE MODE NOWAIT;
LOCK TABLE sa_notify.outbox_{slot} IN ACCESS EXCLUSIVE MODE NOWAIT
"""
_READERS = """
SELECT r.id::text FROM sa_notify.outbox_reader r
WHERE r.beat > pg_catalog.clock_timestamp() - interval '20 s' AND (
  EXISTS (
    SELECT FROM sa_notify.outbox_{slot} o WHERE o.xid >= pg_catalog.pg_snapshot_xmax(r.processed)
    AND o.xid < pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())
  )
  OR EXISTS (
    SELECT FROM pg_catalog.pg_snapshot_xip(r.processed) x(xid) JOIN sa_notify.outbox_{slot} o ON o.xid = x.xid
  )
)
"""
_EMPTY = "TRUNCATE sa_notify.outbox_{slot}"
_FORGET = "DELETE FROM sa_notify.outbox_reader WHERE id = ANY (%s::uuid[])"
_DEAD = "DELETE FROM sa_notify.outbox_reader WHERE beat < pg_catalog.clock_timestamp() - interval '20 s'"

COMPLAINT_SECONDS: Final = 60.0


class Pruning:
    """Keeps the outbox small; one thread uses it.

    :param limit_bytes: of contents, past which the oldest goes unread.
    """

    def __init__(self, session: Session, *, limit_bytes: int = LIMIT_BYTES) -> None:
        self._session = session
        self._limit_bytes = limit_bytes
        self._turn, self._since = -1, 0.0
        self._complain_at = 0.0

    def prune(self, now: float) -> None:
        """Do what is due; never waits for a writer, and none for it but the moment that a TRUNCATE takes.

        :param now: in seconds.
        :raises psycopg2.Error: when the connection is gone.
        """
        ((turn, sizes),) = self._session.rows(_STATE)
        if turn != self._turn:
            self._turn, self._since = turn, now
        following = next_turn(turn, sizes, now - self._since)
        if following is not None:
            self._session.rows(_SET_TURN, (following,))
        else:
            self._empty(turn, sizes, now)

    def forget_dead(self) -> None:
        """Registrations whose process gives no sign of life."""
        self._session.rows(_DEAD)

    # -- inside

    def _empty(self, turn: int, sizes: list[int], now: float) -> None:
        left = sum(sizes)
        for slot in idle(turn, sizes):
            late = self._truncate(slot)
            if late == []:
                left -= sizes[slot]
            elif late and left > self._limit_bytes:
                # emptied the next time: a read that has its snapshot, but waits for a lock to be given
                # back, would find the slot empty and itself still known
                self._forget(late)
                return
        if left > self._limit_bytes and now >= self._complain_at:
            self._complain_at = now + COMPLAINT_SECONDS
            logger.warning(
                "the outbox has grown past its limit, and can't be emptied while transactions are open that "
                "wrote to it: see pg_stat_activity and pg_prepared_xacts",
                extra={"outbox_size": left, "slot": current(turn)},
            )

    def _truncate(self, slot: int) -> list[str] | None:
        """Readers who still need it, none when it was emptied; ``None`` while somebody uses it."""
        # a table that a migration is just dropping is not there any more
        with contextlib.suppress(LockNotAvailable, UndefinedTable), self._session.transaction():
            self._session.rows(_LOCK.format(slot=slot))
            late = [reader for (reader,) in self._session.rows(_READERS.format(slot=slot))]
            if not late:
                self._session.rows(_EMPTY.format(slot=slot))
            return late
        return None

    def _forget(self, readers: list[str]) -> None:
        logger.warning("readers of the outbox are too far behind", extra={"readers": len(readers)})
        self._session.rows(_FORGET, (readers,))
