"""Reading the outbox: what is visible now and was not when it was last read."""

from typing import Any, Final, NamedTuple

from sa_notify.errors import SourceLost
from sa_notify.source.outbox.keys import KEEPER
from sa_notify.source.outbox.registration import SILENT_SECONDS
from sa_notify.source.outbox.session import Session
from sa_notify.source.outbox.snapshot import Snapshot
from sa_notify.source.payloads import decoded

SLOTS: Final = range(4)

# The first row tells of the state in which the others were read: one statement has one snapshot.
# Whoever obtains the keeper's lock has found that nobody holds it.
_HEAD = f"""
SELECT NULL::bigint, pg_catalog.pg_current_snapshot()::text,
  CASE WHEN pg_catalog.pg_try_advisory_xact_lock_shared({KEEPER}) THEN 1 ELSE 0 END::smallint,
  (SELECT pg_catalog.string_agg(t.term::text, ',') FROM sa_notify.outbox_term t
   WHERE t.beat > pg_catalog.clock_timestamp() - interval '{SILENT_SECONDS} s'),
  (SELECT pg_catalog.concat(
     pg_catalog.count(*) FILTER (
       WHERE r.id = $3 AND r.beat > pg_catalog.clock_timestamp() - interval '{SILENT_SECONDS} s'
     ),
     ',', pg_catalog.count(*)) FROM sa_notify.outbox_reader r)
"""
# Rows restored from another cluster's dump may be of transactions that are yet to come here.
_SLOT = """
UNION ALL
SELECT o.seq, o.xid::text, o.depth, o.relation, o.body
FROM sa_notify.outbox_{slot} o
WHERE o.xid >= $1 AND o.xid < pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())
UNION ALL
SELECT o.seq, o.xid::text, o.depth, o.relation, o.body
FROM sa_notify.outbox_{slot} o WHERE o.xid = ANY ($2)
"""
_READ = _HEAD + "".join(_SLOT.format(slot=slot) for slot in SLOTS)
_PREPARE = f"PREPARE sa_notify_read (xid8, xid8[], uuid) AS {_READ}"
_EXECUTE = "EXECUTE sa_notify_read (%s, %s, %s)"


class Row(NamedTuple):
    """Changes that one statement made to one table, as they lie in the outbox.

    :param depth: of the triggers that were running.
    :param body: items of a JSON array, joined by commas.
    """

    seq: int
    xid: str
    depth: int
    relation: str
    body: str


class Reader:
    """Reads on from a snapshot.

    :param reader_id: of the registration that keeps unread rows from being pruned.
    :param term: of the keeper under whom everything wanted is captured.
    :param since: what was visible then has been read.
    :param codec: that text comes in, as :func:`sa_notify.source.listening.begin_session` tells.
    """

    def __init__(
        self, session: Session, *, pooled: bool, reader_id: str, term: str, since: Snapshot, codec: str
    ) -> None:
        self._session = session
        self._id, self._term, self._codec = reader_id, term, codec
        self.processed = since
        #: Other sources that read the same outbox.
        self.others = 0
        self._statement = _inlined() if pooled else _EXECUTE
        if not pooled:
            session.rows(_PREPARE)

    def read(self) -> list[Row]:
        """What was committed since the last read, in the order in which it was written.

        :raises SourceLost: when something may be missing.
        :raises psycopg2.Error: when the connection is gone.
        """
        since = self.processed
        head, *found = self._session.rows(self._statement, (str(since.xmax), since.running_array, self._id))
        self._check(head)
        self.processed = Snapshot.of(head[1])
        rows = sorted(map(Row._make, found))
        return rows if self._codec == "utf-8" else [self._decoded(row) for row in rows]

    def _check(self, head: tuple[Any, ...]) -> None:
        if head[2]:
            raise SourceLost("the process that keeps the outbox is gone")
        if head[3] != self._term:
            raise SourceLost("another process keeps the outbox now, or none answers")
        own, all_ = head[4].split(",")
        if own != "1":
            raise SourceLost("this process is no longer registered as a reader of the outbox")
        self.others = int(all_) - 1

    def _decoded(self, row: Row) -> Row:
        return row._replace(relation=decoded(row.relation, self._codec), body=decoded(row.body, self._codec))


def _inlined() -> str:
    """The statement for a pooler, behind which nothing stays prepared."""
    return (
        "WITH given AS MATERIALIZED (SELECT %s::xid8 AS xmax, %s::xid8[] AS running, %s::uuid AS id) "
        + _READ.replace("$1", "(SELECT g.xmax FROM given g)")
        .replace("ANY ($2)", "ANY ((SELECT g.running FROM given g)::xid8[])")
        .replace("$3", "(SELECT g.id FROM given g)")
    )
