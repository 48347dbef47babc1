"""A reader's row in the database: what it has read, what it wants, and that it lives."""

import uuid
from collections.abc import Collection
from typing import Final

from sa_notify.errors import SourceLost
from sa_notify.source.outbox.session import Session
from sa_notify.source.outbox.snapshot import Snapshot

#: Time between two signs of life. After 10 s without one a reader takes itself for lost (in the statement
#: that it reads with), after 20 s others do: a statement that has begun meanwhile ends within 5 s.
BEAT_SECONDS: Final = 2.0
SILENT_SECONDS: Final = 10

# The lock comes before the snapshot: whoever prunes holds a stronger one, so this begins after it.
_LOCK = "LOCK TABLE sa_notify.outbox_reader IN ROW EXCLUSIVE MODE"
_INSERT = """
INSERT INTO sa_notify.outbox_reader (id, beat, processed, wanted)
VALUES (%s::uuid, pg_catalog.clock_timestamp(), pg_catalog.pg_current_snapshot(), '{}')
RETURNING processed::text
"""
_BEAT = f"""
UPDATE sa_notify.outbox_reader
SET beat = pg_catalog.clock_timestamp(), processed = %s::pg_snapshot, wanted = %s::text[]
WHERE id = %s::uuid AND beat > pg_catalog.clock_timestamp() - interval '{SILENT_SECONDS} s' RETURNING 1
"""
_DELETE = "DELETE FROM sa_notify.outbox_reader WHERE id = %s::uuid"
_TERM = f"""
SELECT t.term::text FROM sa_notify.outbox_term t
WHERE t.beat > pg_catalog.clock_timestamp() - interval '{SILENT_SECONDS} s'
"""


class Registration:
    """The row of one epoch."""

    def __init__(self, session: Session) -> None:
        self.id = str(uuid.uuid4())
        self._session = session

    def begin(self) -> Snapshot:
        """Register; what is visible in the snapshot counts as read."""
        with self._session.transaction():
            self._session.rows(_LOCK)
            ((processed,),) = self._session.rows(_INSERT, (self.id,))
        return Snapshot.of(processed)

    def beat(self, processed: Snapshot, wanted: Collection[str]) -> None:
        """Tell what has been read and what is wanted.

        :raises SourceLost: when the row is gone, and with it the right to find everything there.
        """
        if not self._session.rows(_BEAT, (processed.text, sorted(wanted), self.id)):
            raise SourceLost("this process is no longer registered as a reader of the outbox")

    def end(self) -> None:
        """Nothing has to be kept for this reader any more."""
        self._session.rows(_DELETE, (self.id,))


def current_term(session: Session) -> str | None:
    """The term of the keeper who gives signs of life."""
    found = session.rows(_TERM)
    return found[0][0] if len(found) == 1 else None
