"""What the hub remembers of one live query."""

from collections.abc import KeysView, Mapping, Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from sa_notify.change import Key
from sa_notify.live.actions import Subscriber
from sa_notify.live.listing import Listing, RowsPlan
from sa_notify.live.ordering import SortKey
from sa_notify.live.plan import Plan, TablePlan
from sa_notify.live.query import Own, Query, Reading
from sa_notify.live.snapshot import Snapshot
from sa_notify.live.window import Window
from sa_notify.source.wanted import NOTHING, Wanted

_NOBODY: frozenset[Subscriber] = frozenset()
_NO_ROWS: dict[str, Any] = {}

#: How much the latest read counts in what a read is expected to take.
_LATEST = 0.3


@dataclass(slots=True, eq=False)
class LiveQuery:
    """One identity, its window, who sees it, and what happened since it was read.

    :param subscribers: how many subscriptions each client has here, by connection.
    :param waiting: for the window.
    :param own: tables of the statement by the name under which changes of them are announced, as far as
        the plan holds for them.
    :param only: of these tables, keys of the rows that alone count.
    :param rows: how rows of the result are read one by one; ``None`` where they can't be.
    :param whole: rows of it can't be read by their keys, as it has turned out.
    :param edges: where the window's first and last row stand in its order; ``None`` until it is asked for.
    :param dirty: it must be read again; if it is being read, afterwards.
    :param due: rows that must be read again.
    :param patching: of the read that is under way, the rows; ``None`` when it is of the whole query.
    :param gone: rowkeys of rows that are in the result no more, of which nobody was told.
    :param gained: rows that the total has gained and nobody was told of.
    :param scheduled: a wait is under way that ends in a read.
    :param refreshing: the wait ends in a read whether a change has come or not.
    :param stood: what was captured and brought when the read that is under way began.
    :param unwatched: tables of the last reading that did not stand when it began.
    :param read_at: when the read that is under way, or the last one, began.
    :param stale_since: when the window was last known to equal its SELECT; ``None`` while it does.
    :param turn: grows with each read; a wait that was set for an earlier turn is void.
    :param arrived: changes of concern since the last read began.
    :param cost: seconds that reading it takes.
    :param patch_cost: seconds that reading some rows of it takes.
    :param spent: seconds that the last read took.
    :param pause: seconds between reads while more than one change arrives between them.
    """

    key: str
    query: Query
    subscribers: dict[str, int] = field(default_factory=dict)
    waiting: AbstractSet[Subscriber] = _NOBODY
    window: Window | None = None
    snapshot: Snapshot | None = None
    tables: frozenset[str] | None = None
    own: Mapping[str, Own] = field(default_factory=dict)
    plan: Plan | None = None
    only: Mapping[str, frozenset[Key]] = field(default_factory=dict)
    rows: RowsPlan | None = None
    whole: bool = False
    edges: tuple[SortKey | None, SortKey | None] | None = None
    doubts: tuple[str, ...] = ()
    stood: Wanted = NOTHING
    unwatched: frozenset[str] = frozenset()
    reading: bool = False
    dirty: bool = True
    due: dict[Key, None] = field(default_factory=dict)
    patching: tuple[Key, ...] | None = None
    gone: dict[str, None] = field(default_factory=dict)
    gained: int = 0
    scheduled: bool = False
    refreshing: bool = False
    read_at: float = 0.0
    stale_since: float | None = None
    turn: int = 0
    failures: int = 0
    arrived: int = 0
    cost: float = 0.0
    patch_cost: float = 0.0
    spent: float = 0.0
    pause: float = 0.0

    @property
    def idle(self) -> bool:
        """Whether there is a window, and nothing asks for another."""
        return self.window is not None and not (self.reading or self.wanting or self.scheduled)

    @property
    def undecided(self) -> bool:
        """Whether what changes mean to it is seen when it has been read."""
        return self.dirty or (self.reading and self.patching is None)

    @property
    def wanting(self) -> bool:
        """Whether anything has to be read or told."""
        return bool(self.dirty or self.due or self.gone or self.gained)

    @property
    def rowkeys(self) -> KeysView[str]:
        """Of the window's rows."""
        return _NO_ROWS.keys() if self.window is None else self.window.rowkeys

    # -- subscribers

    def add(self, subscriber: Subscriber) -> None:
        self.subscribers[subscriber.sid] = self.subscribers.get(subscriber.sid, 0) + 1
        self.wait(subscriber)

    def discard(self, subscriber: Subscriber) -> bool:
        """Remove one subscription; whether its client has none left here."""
        if subscriber in self.waiting:
            self.waiting -= {subscriber}
        left = self.subscribers.get(subscriber.sid, 0) - 1
        if left > 0:
            self.subscribers[subscriber.sid] = left
            return False
        self.subscribers.pop(subscriber.sid, None)
        return True

    def wait(self, subscriber: Subscriber) -> None:
        """Send it the window when there is one."""
        if self.waiting:
            self.waiting |= {subscriber}
        else:
            self.waiting = {subscriber}

    def greeted(self) -> list[Subscriber]:
        """Everybody who waited for the window, and does no longer; in order."""
        waiting, self.waiting = self.waiting, _NOBODY
        return sorted(waiting, key=lambda one: (one.sid, one.id))

    # -- what a change means to it

    def plan_of(self, table: str) -> TablePlan | None:
        """What rows of a table mean to the result; ``None`` where that is not known."""
        own = self.own.get(table)
        return None if own is None or self.plan is None else self.plan.tables.get(own.table)

    def rows_plan(self, table: str) -> RowsPlan | None:
        """How rows of a table can be read again one by one; ``None`` where they can't."""
        own = self.own.get(table)
        return (
            self.rows if self.rows is not None and own is not None and own.table == self.rows.table else None
        )

    def listing(self, table: str) -> Listing | None:
        """What the statement lists, where that is the table's rows."""
        return None if self.plan is None or self.rows_plan(table) is None else self.plan.listing

    def _rows(self) -> RowsPlan | None:
        """Where rows have a place of their own, and changes name them as the statement does."""
        rows = None if self.plan is None else self.plan.rows
        if rows is None or not rows.total:
            return None
        return rows if Own(rows.table, rows.key) in self.own.values() else None

    # -- reading

    def begin_read(self, now: float) -> None:
        """Read all of it."""
        self._begin(now)
        self.dirty, self.gained = False, 0
        self.due.clear()
        self.gone.clear()

    def begin_patch(self, now: float) -> tuple[Key, ...]:
        """Read the rows that are due; those rows."""
        self._begin(now)
        self.patching = tuple(self.due)
        self.due.clear()
        return self.patching

    def _begin(self, now: float) -> None:
        self.reading, self.scheduled, self.refreshing, self.arrived = True, False, False, 0
        self.read_at = now
        self.turn += 1

    def begin_telling(self, now: float) -> None:
        """Tell what is known without a read."""
        self._begin(now)
        self.reading, self.stale_since = False, None

    def end_read(self, seconds: float) -> None:
        """A read is done; what came meanwhile is not looked at yet."""
        self.spent = seconds
        if self.patching is None:
            self.cost += (seconds - self.cost) * (_LATEST if self.cost else 1)
        else:
            self.patch_cost += (seconds - self.patch_cost) * (_LATEST if self.patch_cost else 1)
        self.reading, self.patching, self.failures = False, None, 0

    def settle(self, reading: Reading) -> bool:
        """Take over what a read of all of it found out; whether other changes concern it than before."""
        before = (self.tables, self.own, self.only, self.plan)
        self.snapshot, self.tables, self.doubts = reading.snapshot, reading.tables, reading.doubts
        self.own, self.only = ({}, {}) if reading.doubts else (reading.own, reading.only)
        self.plan = reading.plan or self.query.plan
        self.rows = self._rows()
        return before != (self.tables, self.own, self.only, self.plan)

    def show(self, window: Window) -> None:
        """Have another window."""
        self.window, self.edges = window, None

    # -- how sure it is

    def mark_dirty(self, since: float) -> None:
        self.dirty = True
        self.mark_late(since)

    def mark_late(self, since: float) -> None:
        """The window may differ from its SELECT, since a moment."""
        if self.stale_since is None:
            self.stale_since = since if self.reading else max(since, self.read_at)
