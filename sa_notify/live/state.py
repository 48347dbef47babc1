"""What the hub remembers of one live query."""

from dataclasses import dataclass, field

from sa_notify.live.actions import Subscriber
from sa_notify.live.query import Query, Reading
from sa_notify.live.snapshot import Snapshot
from sa_notify.live.window import Window

# A burst during one read is remembered change by change up to here; past it, the read is repeated.
PENDING_LIMIT = 1000


@dataclass(slots=True, eq=False)
class LiveQuery:
    """One identity, its window, who sees it, and what happened since it was read.

    :param dirty: it must be read again; if it is being read, afterwards.
    :param scheduled: a wait is under way that ends in a read.
    :param stood: tables that stood when the read that is under way, or the last one, began.
    :param unwatched: tables of the last reading that did not stand when it began.
    :param read_at: when the read that is under way, or the last one, began.
    :param stale_since: when the window was last known to equal its SELECT; ``None`` while it does.
    :param turn: grows with each read; a wait that was set for an earlier turn is void.
    """

    key: str
    query: Query
    subscribers: dict[str, set[int]] = field(default_factory=dict)
    waiting: set[Subscriber] = field(default_factory=set)
    window: Window | None = None
    snapshot: Snapshot | None = None
    tables: frozenset[str] | None = None
    doubts: tuple[str, ...] = ()
    stood: frozenset[str] = frozenset()
    unwatched: frozenset[str] = frozenset()
    reading: bool = False
    dirty: bool = True
    scheduled: bool = False
    read_at: float = 0.0
    pending: dict[int, set[str]] = field(default_factory=dict)
    stale_since: float | None = None
    turn: int = 0
    failures: int = 0

    @property
    def idle(self) -> bool:
        """Whether there is a window, and nothing asks for another."""
        return self.window is not None and not (self.reading or self.dirty or self.scheduled)

    def add(self, subscriber: Subscriber) -> None:
        self.subscribers.setdefault(subscriber.sid, set()).add(subscriber.id)
        self.waiting.add(subscriber)

    def discard(self, subscriber: Subscriber) -> bool:
        """Remove one subscription; whether its client has none left here."""
        self.waiting.discard(subscriber)
        ids = self.subscribers.get(subscriber.sid, set())
        ids.discard(subscriber.id)
        if ids:
            return False
        self.subscribers.pop(subscriber.sid, None)
        return True

    def begin_read(self, now: float) -> None:
        self.reading, self.dirty, self.scheduled = True, False, False
        self.read_at = now
        self.turn += 1

    def mark_dirty(self, since: float) -> None:
        self.dirty = True
        if self.stale_since is None:
            self.stale_since = since if self.reading else max(since, self.read_at)

    def wants(self, tables: set[str]) -> bool:
        """Whether a change of these tables may concern the result; unknown counts as yes."""
        return self.tables is None or not self.tables.isdisjoint(tables)

    def note(self, xid: int, tables: set[str]) -> None:
        """Remember a change that arrived while the query is being read."""
        if len(self.pending) >= PENDING_LIMIT:
            self.dirty = True
        else:
            self.pending.setdefault(xid, set()).update(tables)

    def explained(self, snapshot: Snapshot) -> bool:
        """Whether a change arrived during a read that the read saw; before :meth:`settle`."""
        return self.dirty or any(snapshot.sees(xid) for xid in self.pending)

    def settle(self, reading: Reading) -> None:
        """Take over what a read found out; dirty if a change came that the read can't have seen."""
        self.snapshot, self.tables, self.doubts = reading.snapshot, reading.tables, reading.doubts
        pending, self.pending = self.pending, {}
        unseen = (tables for xid, tables in pending.items() if not reading.snapshot.sees(xid))
        self.dirty = self.dirty or any(self.wants(tables) for tables in unseen)
        self.stale_since = self.read_at if self.dirty else None
        self.reading, self.failures = False, 0
