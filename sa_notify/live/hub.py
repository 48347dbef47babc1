"""Who subscribes to what, which queries must be read again, and what each client is told.

The hub takes what happened and returns what to do (:mod:`sa_notify.live.actions`); it waits for
nothing and looks at no clock. Its caller serialises the calls and carries the actions out in order.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sa_notify.change import ChangeSet
from sa_notify.live.actions import (
    Action,
    Diverged,
    Greet,
    Leave,
    Look,
    Patch,
    Read,
    SendClosed,
    Subscriber,
    Take,
    Wait,
    Warn,
)
from sa_notify.live.asking import Asking
from sa_notify.live.diff import Op
from sa_notify.live.hearing import Hearing
from sa_notify.live.known import Looked
from sa_notify.live.looking import Lookup
from sa_notify.live.pace import Pace
from sa_notify.live.patch import patched, worth_it
from sa_notify.live.proof import Proofs
from sa_notify.live.query import Query, Reading
from sa_notify.live.standing import doubt_of
from sa_notify.live.state import LiveQuery
from sa_notify.live.subscriptions import Subscriptions
from sa_notify.live.telling import advance, patch, snapshots
from sa_notify.source.wanted import NOTHING, Wanted

#: Seconds before a failed read is tried again, by how often it failed; after the last it is closed.
RETRY_SECONDS = (0.2, 0.5, 1.0, 2.0, 4.0)

#: What reads a table that a writer holds from before it was watched is read so often until it stands:
#: often enough to be called live meanwhile.
UNWATCHED_SECONDS = 1.0


class Hub:
    """The live queries of one process.

    :param new_key: makes the opaque name of a live query; unguessable, since it names a room.
    :param budget: seconds of the database's time that reads may take in a second.
    """

    def __init__(self, new_key: Callable[[], str], budget: float = 2.0) -> None:
        self._new_key = new_key
        self._subscriptions = Subscriptions()
        self._following = False
        #: Whatever was committed before has been received.
        self._proven_at = 0.0
        self._asking = Asking()
        self._proofs = Proofs()
        self._hearing = Hearing(self._proofs)
        self._pace = Pace(budget)

    @property
    def following(self) -> bool:
        """Whether changes are being heard; while not, no window is proven up to date."""
        return self._following

    @property
    def subscriptions(self) -> Subscriptions:
        """Who looks at what; not to be changed."""
        return self._subscriptions

    # -- subscribers

    def subscribe(self, subscriber: Subscriber, query: Query, now: float) -> tuple[str, list[Action]]:
        """Add a subscriber; the key of its live query, and what to do."""
        live = self._subscriptions.add(subscriber, query, self._new_key(), now)
        return live.key, [Greet(live.key)]

    def greet(self, key: str, now: float) -> list[Action]:
        """Send the window to those who wait for it, or have it read first."""
        live = self._subscriptions.get(key)
        if live is None:
            return []
        return snapshots(live) if live.window else self._read(live, now) + self._ask()

    def move(self, subscriber: Subscriber, query: Query, now: float) -> list[Action]:
        """Put a subscriber on another query, if it is another; its next snapshot names the new key."""
        live = self._subscriptions.of(subscriber)
        if live is None or live.query.identity == query.identity:
            return []
        left = self.unsubscribe(subscriber)
        _, actions = self.subscribe(subscriber, query, now)
        return left + actions

    def resync(self, subscriber: Subscriber) -> list[Action] | None:
        """Have the window sent again to one subscriber; ``None`` when it is not subscribed."""
        live = self._subscriptions.of(subscriber)
        if live is None:
            return None
        live.wait(subscriber)
        return [Greet(live.key)]

    def unsubscribe(self, subscriber: Subscriber) -> list[Action]:
        """Forget one subscription; harmless when there is none."""
        live = self._subscriptions.remove(subscriber)
        if live is None:
            return []
        left = live.discard(subscriber)
        if not live.subscribers:
            self._forget(live)
        return [Leave(subscriber.sid, live.key)] if left else []

    def disconnect(self, sid: str) -> None:
        """Forget a client whose connection is gone."""
        for subscriber in self._subscriptions.of_client(sid):
            self.unsubscribe(subscriber)

    def close(self, subscriber: Subscriber, code: str, message: str) -> list[Action]:
        """End what a client has on a subscription's key, and tell it why."""
        live = self._subscriptions.of(subscriber)
        if live is None:
            return []
        actions: list[Action] = [SendClosed(subscriber.sid, live.key, code, message)]
        for one in self._subscriptions.to(live, subscriber.sid):
            actions += self.unsubscribe(one)
        return actions

    # -- the feed

    def begin_epoch(self, now: float, *, gated: bool = False, by_row: bool = False) -> list[Action]:
        """Changes are heard from now on; whatever was read before may have missed some.

        :param gated: only of tables that were asked for with :class:`Take`.
        :param by_row: and only what the source was told before, by :meth:`told_with` and :meth:`keep`.
        """
        self._following = True
        self._asking.begin(gated=gated, by_row=by_row)
        before, self._proven_at = self._proven_at, now
        return self._suspect(now, before)

    def proved(self, at: float) -> None:
        """Whatever was committed before has been received."""
        self._proven_at = max(self._proven_at, at)

    def suspect(self, now: float) -> list[Action]:
        """Something that the windows rest on may be wrong: read them all again.

        Tables are asked for again too: one that was dropped and made again bears the same name.
        """
        return self._suspect(now, now)

    def _suspect(self, now: float, since: float) -> list[Action]:
        self._hearing.restart()
        self._asking.restart()
        return self._mark(list(self._subscriptions.all()), now, since)

    def lose_feed(self) -> None:
        """Changes are not heard any more."""
        self._following = False
        self._hearing.restart()
        self._asking.restart()

    def receive(self, changesets: Sequence[ChangeSet], now: float) -> list[Action]:
        """Find the queries that these changes may concern."""
        hit = self._hearing.hear(changesets, self._proven_at)
        return self._go_on(hit, now, self._proven_at) + self._hearing.questions(now)

    def look(self, look: Look) -> Lookup | None:
        """What is to be read for a question; ``None`` when nobody asks any more."""
        return self._hearing.begin(look)

    def looked(
        self, look: Look, looked: Looked | None, now: float, cost: float = 0.0, *, bar: bool = False
    ) -> list[Action]:
        """New values have been read.

        :param looked: ``None`` when they could not be.
        :param cost: seconds of the database's time that it took.
        :param bar: rows of this table never can be.
        """
        self._pace.spend(cost, now)
        hit = self._hearing.looked(look, looked, now, bar=bar)
        return self._go_on(hit, now, now) + self._hearing.questions(now)

    def _mark(self, queries: Iterable[LiveQuery], now: float, since: float) -> list[Action]:
        marked = list(queries)
        for live in marked:
            live.dirty = True
        return self._go_on(marked, now, since)

    def _go_on(self, queries: Iterable[LiveQuery], now: float, since: float) -> list[Action]:
        """Windows may differ from their SELECT since a moment: read what is not waiting to be read."""
        actions: list[Action] = []
        # not where a row came and another went, and the total alone is concerned
        for live in [each for each in queries if each.wanting]:
            live.mark_late(since)
            if not live.scheduled or live.refreshing:
                actions += self._at_once(live, now)
        return actions + self._ask()

    def _at_once(self, live: LiveQuery, now: float) -> list[Action]:
        """Read now, if the budget allows."""
        seconds = 0.0 if live.reading or live.window is None else self._pace.overdrawn(now)
        return self._wait(live, seconds) if seconds else self._read(live, now)

    # -- what is captured

    def _ask(self) -> list[Action]:
        return list(self._asking.questions())

    def taken(self, take: Take, stand: Iterable[str], now: float) -> list[Action]:
        """A question is answered: of its tables, these stand."""
        ready = self._asking.answer(take, stand)
        if ready is None:
            return []
        actions = [action for live in ready for action in self._begin_read(live, now)]
        stood = take.tables & self._asking.standing.tables
        waited = [live for live in self._subscriptions.all() if not live.unwatched.isdisjoint(stood)]
        return actions + self._mark(waited, now, now)

    def told_with(self, take: Take) -> Wanted:
        """What a source that can be told of rows must be told before it is asked this."""
        return self._asking.told_with(take)

    def keep(self) -> Wanted:
        """Everything that is wanted; anything else counts as dropped."""
        return self._asking.keep(list(self._subscriptions.all()))

    def awaits(self, take: Take) -> bool:
        """Whether the question is still asked."""
        return take.turn == self._asking.standing.turn

    # -- reading

    def _read(self, live: LiveQuery, now: float) -> list[Action]:
        """Read what has to be read, or tell what is known without."""
        if live.reading or not self._following:
            return []
        if live.window is None or live.unwatched or not worth_it(live):
            live.dirty = live.dirty or bool(live.due) or live.window is None
        if live.dirty:
            return self._read_all(live, now)
        if live.due:
            return [Patch(live.key, live.begin_patch(now))]
        if live.gone or live.gained:
            return self._tell(live, now)
        live.stale_since = None  # what came has gone again
        return []

    def _read_all(self, live: LiveQuery, now: float) -> list[Action]:
        live.begin_read(now)
        return [] if self._asking.holds(live) else self._begin_read(live, now)

    def _begin_read(self, live: LiveQuery, now: float) -> list[Action]:
        live.read_at, live.stood = now, self._asking.stood()
        self._hearing.open(live)
        return [Read(live.key)]

    def _tell(self, live: LiveQuery, now: float) -> list[Action]:
        """Rows are gone, or the total is another one, which is known."""
        seconds = self._pace.pause_between_totals(live)
        live.begin_telling(now)
        return self._patch(live, []) + self._wait(live, seconds)

    def _patch(self, live: LiveQuery, ops: list[Op]) -> list[Action]:
        before = live.rowkeys
        actions = patch(live, ops)
        self._hearing.moved(live, before)
        return actions

    def due(self, key: str, turn: int, now: float) -> list[Action]:
        """A wait is over."""
        live = self._subscriptions.get(key)
        if live is None or live.turn != turn or not live.scheduled:
            return []
        if live.refreshing:
            # what nobody announces was last known when it was read; with doubts it is late by its refresh
            live.mark_dirty(live.read_at if live.unwatched else now)
        live.scheduled = live.refreshing = False
        return self._read(live, now) + self._ask()

    def finished(self, key: str, reading: Reading, now: float, cost: float | None = None) -> list[Action]:
        """A read of a whole query is done.

        :param cost: seconds of the database's time that it took; since it began where nobody says.
        """
        live = self._subscriptions.get(key)
        if live is None:
            return []
        if live.patching is not None:
            live.whole = True  # its rows can't be read by their keys
            return self.patched(key, {}, now, cost)
        self._spend(live, now, cost)
        self._hearing.prove(live, reading, now)
        doubts_before, rowkeys = live.doubts, live.rowkeys
        moved = live.settle(reading)
        live.stale_since = None
        live.unwatched, live.stood = self._asking.missing(live), NOTHING
        held = self._asking.standing.held(live.unwatched)
        live.doubts += tuple(doubt_of(table) for table in sorted(held))
        actions = advance(live, reading)
        self._hearing.catch_up(live, rowkeys, live.read_at, moved=moved)
        actions += snapshots(live) + self._hearing.questions(now)
        if live.doubts and live.doubts != doubts_before:
            actions.append(Warn(live.query.name, _refresh(live), live.doubts))
        if live.unwatched - held:
            live.mark_dirty(live.read_at)
            return actions + self._read(live, now) + self._ask()
        return actions + self._next(live, now)

    def patched(
        self, key: str, rows: Mapping[str, Mapping[str, Any]], now: float, cost: float | None = None
    ) -> list[Action]:
        """A read of some rows is done.

        :param rows: those that the result has, by rowkey.
        """
        live = self._subscriptions.get(key)
        if live is None or live.patching is None:
            return []
        keys = live.patching
        self._spend(live, now, cost)
        ops = None if live.dirty else patched(live, keys, rows)
        if ops is None:
            live.dirty = True
            return self._next(live, now)
        live.stale_since = None
        return self._patch(live, ops) + self._next(live, now)

    def _spend(self, live: LiveQuery, now: float, cost: float | None) -> None:
        seconds = now - live.read_at if cost is None else cost
        live.end_read(seconds)
        self._pace.spend(seconds, now)

    def failed(self, key: str, transient: bool, code: str, message: str) -> list[Action]:
        """A read failed: for good, or maybe not, when trying again may help."""
        live = self._subscriptions.get(key)
        if live is None:
            return []
        self._proofs.forget(live)
        self._hearing.close(live)
        live.reading, live.patching, live.dirty = False, None, True
        live.failures += 1
        if transient and live.failures <= len(RETRY_SECONDS):
            return self._wait(live, RETRY_SECONDS[live.failures - 1])
        one_of_each = [self._subscriptions.to(live, sid)[0] for sid in live.subscribers]
        return [action for client in one_of_each for action in self.close(client, code, message)]

    def prove(self, now: float) -> list[Action]:
        """Read a window again to see whether it is right, and tell of those that were wrong."""
        actions: list[Action] = [Diverged(name) for name in self._proofs.wrong(self._proven_at)]
        live = self._proofs.choose(self._subscriptions.all(), now) if self._following else None
        return actions if live is None else actions + self._read_all(live, now) + self._ask()

    def _next(self, live: LiveQuery, now: float) -> list[Action]:
        if live.wanting:
            live.mark_late(live.read_at)
            return self._wait(live, self._pace.pause(live, now))
        live.stale_since = None
        return self._wait(live, _refresh(live), refreshing=True) if live.doubts else []

    @staticmethod
    def _wait(live: LiveQuery, seconds: float, *, refreshing: bool = False) -> list[Action]:
        live.scheduled, live.refreshing = True, refreshing
        return [Wait(live.key, live.turn, seconds)]

    def _forget(self, live: LiveQuery) -> None:
        self._asking.forget(live)
        self._proofs.forget(live)
        self._hearing.forget(live)
        self._subscriptions.drop(live)

    # -- what stands

    def query(self, key: str) -> Query | None:
        """The query behind a key, while anybody subscribes to it."""
        live = self._subscriptions.get(key)
        return live.query if live else None

    def sound(self, now: float, seconds: float) -> bool:
        """Whether it is known that nothing was missed, by a proof that is not older than this."""
        return self._following and now - self._proven_at <= seconds

    def overdue(self, now: float, seconds: float) -> set[str]:
        """Clients who look at a window that has not been proven up to date for so long."""
        undecided = self._subscriptions.readers(self._hearing.late(now, seconds))
        return self._subscriptions.overdue(now, seconds) | undecided

    def __len__(self) -> int:
        return len(self._subscriptions)


def _refresh(live: LiveQuery) -> float:
    return min(live.query.refresh, UNWATCHED_SECONDS) if live.unwatched else live.query.refresh
