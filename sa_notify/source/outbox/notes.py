"""What web processes tell each other where nothing is heard: notes that lie among the readers' rows.

A note is a row of ``sa_notify.outbox_reader`` that claims to have read everything, so that it keeps no
change from being pruned. It wants its own text, which is no table's name, and is forgotten as a reader that
died is: after 20 s.
"""

import uuid
from typing import Final

from sa_notify.source.outbox.session import Session
from sa_notify.source.signals import WHISPER

#: How often a process that hears nothing looks for notes.
LOOK_SECONDS: Final = 0.5

_POST = """
INSERT INTO sa_notify.outbox_reader (id, beat, processed, wanted)
VALUES (%s::uuid, pg_catalog.clock_timestamp(), '1:9223372036854775807:', ARRAY[%s::text])
"""
_LOOK = """
SELECT r.id::text, w.name FROM sa_notify.outbox_reader r, pg_catalog.unnest(r.wanted) w(name)
WHERE pg_catalog.starts_with(w.name, %s) AND r.beat > pg_catalog.clock_timestamp() - interval '20 s'
"""


def post(session: Session, text: str) -> None:
    """Leave a note for every process that looks.

    :param text: begins as whispers do.
    :raises psycopg2.Error: when it can't be left.
    """
    session.rows(_POST, (str(uuid.uuid4()), text))


class Notes:
    """Those that are new; one thread uses it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._seen: frozenset[str] = frozenset()
        self.due = 0.0

    def look(self, now: float) -> list[str]:
        """What was left since the last look, or within 20 s before the first.

        :raises psycopg2.Error: when the connection is gone.
        """
        self.due = now + LOOK_SECONDS
        found = dict(self._session.rows(_LOOK, (WHISPER,)))
        new = [text for id_, text in found.items() if id_ not in self._seen]
        self._seen = frozenset(found)
        return new
