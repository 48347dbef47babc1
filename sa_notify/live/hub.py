"""Who subscribes to what, which queries must be read again, and what each client is told.

The hub takes what happened and returns what to do (:mod:`sa_notify.live.actions`); it waits for
nothing and looks at no clock. Its caller serialises the calls and carries the actions out in order.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence

from sa_notify.change import ChangeSet
from sa_notify.live.actions import (
    Action,
    Diverged,
    Greet,
    Join,
    Leave,
    Read,
    SendClosed,
    SendDiff,
    SendSnapshot,
    Subscriber,
    Take,
    Wait,
    Warn,
)
from sa_notify.live.diff import diff
from sa_notify.live.proof import Proofs
from sa_notify.live.query import Query, Reading
from sa_notify.live.standing import Standing
from sa_notify.live.state import LiveQuery
from sa_notify.live.window import Window

#: Seconds before a failed read is tried again, by how often it failed; after the last it is closed.
RETRY_SECONDS = (0.2, 0.5, 1.0, 2.0, 4.0)

#: A dirty query waits as long as its last read took, at most this long: it uses half of one
#: connection at the most, and a change that comes while it is idle is read at once.
MAX_PAUSE = 1.0

#: What reads a table that a writer holds from before it was watched is read so often until it stands:
#: often enough to be called live meanwhile.
UNWATCHED_SECONDS = 1.0


class Hub:
    """The live queries of one process.

    :param new_key: makes the opaque name of a live query; unguessable, since it names a room.
    """

    def __init__(self, new_key: Callable[[], str]) -> None:
        self._new_key = new_key
        self._by_key: dict[str, LiveQuery] = {}
        self._by_identity: dict[Hashable, LiveQuery] = {}
        self._by_client: dict[str, dict[int, LiveQuery]] = {}
        self._following = False
        #: Whatever was committed before has been received.
        self._proven_at = 0.0
        self._standing = Standing()
        self._proofs = Proofs()
        self._awaiting: dict[str, LiveQuery] = {}

    @property
    def following(self) -> bool:
        """Whether changes are being heard; while not, no window is proven up to date."""
        return self._following

    # -- subscribers

    def subscribe(self, subscriber: Subscriber, query: Query, now: float) -> tuple[str, list[Action]]:
        """Add a subscriber; the key of its live query, and what to do."""
        live = self._by_identity.get(query.identity)
        if live is None:
            live = LiveQuery(self._new_key(), query, stale_since=now)
            self._by_key[live.key] = self._by_identity[query.identity] = live
        live.add(subscriber)
        self._by_client.setdefault(subscriber.sid, {})[subscriber.id] = live
        return live.key, [Greet(live.key)]

    def greet(self, key: str, now: float) -> list[Action]:
        """Send the window to those who wait for it, or have it read first."""
        live = self._by_key.get(key)
        if live is None:
            return []
        return self._snapshots(live) if live.window else self._read(live, now) + self._ask()

    def move(self, subscriber: Subscriber, query: Query, now: float) -> list[Action]:
        """Put a subscriber on another query, if it is another; its next snapshot names the new key."""
        live = self._by_client.get(subscriber.sid, {}).get(subscriber.id)
        if live is None or live.query.identity == query.identity:
            return []
        left = self.unsubscribe(subscriber)
        _, actions = self.subscribe(subscriber, query, now)
        return left + actions

    def resync(self, subscriber: Subscriber) -> list[Action] | None:
        """Have the window sent again to one subscriber; ``None`` when it is not subscribed."""
        live = self._by_client.get(subscriber.sid, {}).get(subscriber.id)
        if live is None:
            return None
        live.waiting.add(subscriber)
        return [Greet(live.key)]

    def unsubscribe(self, subscriber: Subscriber) -> list[Action]:
        """Forget one subscription; harmless when there is none."""
        queries = self._by_client.get(subscriber.sid, {})
        live = queries.pop(subscriber.id, None)
        if not queries:
            self._by_client.pop(subscriber.sid, None)
        if live is None:
            return []
        left = live.discard(subscriber)
        self._forget_if_alone(live)
        return [Leave(subscriber.sid, live.key)] if left else []

    def disconnect(self, sid: str) -> None:
        """Forget a client whose connection is gone."""
        for id_ in list(self._by_client.get(sid, {})):
            self.unsubscribe(Subscriber(sid, id_))

    def close(self, subscriber: Subscriber, code: str, message: str) -> list[Action]:
        """End what a client has on a subscription's key, and tell it why."""
        live = self._by_client.get(subscriber.sid, {}).get(subscriber.id)
        if live is None:
            return []
        actions: list[Action] = [SendClosed(subscriber.sid, live.key, code, message)]
        for id_ in list(live.subscribers[subscriber.sid]):
            actions += self.unsubscribe(Subscriber(subscriber.sid, id_))
        return actions

    # -- the feed

    def begin_epoch(self, now: float, *, gated: bool = False) -> list[Action]:
        """Changes are heard from now on; whatever was read before may have missed some.

        :param gated: only of tables that were asked for with :class:`Take`.
        """
        self._following = True
        self._standing.begin(gated)
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
        self._stop_awaiting()
        self._proofs.clear()
        self._standing.restart()
        return self._mark(list(self._by_key.values()), now, since)

    def lose_feed(self) -> None:
        """Changes are not heard any more."""
        self._following = False
        self._stop_awaiting()
        self._proofs.clear()
        self._standing.restart()

    def _stop_awaiting(self) -> None:
        for live in self._awaiting.values():
            live.reading, live.dirty = False, True
        self._awaiting.clear()

    def receive(self, changesets: Sequence[ChangeSet], now: float) -> list[Action]:
        """Find the queries that these changes may concern."""
        hit: dict[str, LiveQuery] = {}
        for changeset in changesets:
            tables = {change.table for change in changeset.changes}
            for live in self._by_key.values():
                if live.wants(tables) and self._note(live, changeset.xid, tables):
                    hit[live.key] = live
        return self._mark(hit.values(), now, self._proven_at)

    def _note(self, live: LiveQuery, xid: int, tables: set[str]) -> bool:
        """Whether a change makes the query dirty now; while it is read, that is decided afterwards."""
        self._proofs.note(live, xid)
        if live.reading:
            live.note(xid, tables)
            return False
        return live.snapshot is None or not live.snapshot.sees(xid)

    def _mark(self, queries: Iterable[LiveQuery], now: float, since: float) -> list[Action]:
        actions: list[Action] = []
        for live in queries:
            live.mark_dirty(since)
            if not live.scheduled:
                actions += self._read(live, now)
        return actions + self._ask()

    # -- what is captured

    def _ask(self) -> list[Action]:
        return list(self._standing.questions())

    def taken(self, take: Take, stand: Iterable[str], now: float) -> list[Action]:
        """A question is answered: of its tables, these stand."""
        if not self._standing.answer(take, stand):
            return []
        ready = [live for live in self._awaiting.values() if not self._unasked(live)]
        actions: list[Action] = []
        for live in ready:
            del self._awaiting[live.key]
            actions += self._begin_read(live, now)
        stood = take.tables & self._standing.tables
        waited = [live for live in self._by_key.values() if not live.unwatched.isdisjoint(stood)]
        return actions + self._mark(waited, now, now)

    def keep(self) -> frozenset[str]:
        """Every table that is wanted; others are taken for dropped from now on."""
        read = frozenset[str]().union(*(live.tables for live in self._by_key.values() if live.tables))
        wanted = self._standing.keep(read)
        for live in self._by_key.values():
            live.stood &= wanted
        return wanted

    def awaits(self, take: Take) -> bool:
        """Whether the question is still asked."""
        return take.turn == self._standing.turn

    def _unasked(self, live: LiveQuery) -> frozenset[str]:
        return self._standing.unasked(live.tables or frozenset())

    # -- reading

    def _read(self, live: LiveQuery, now: float) -> list[Action]:
        if live.reading or not self._following:
            return []
        live.begin_read(now)
        if not (unasked := self._unasked(live)):
            return self._begin_read(live, now)
        self._standing.want(unasked)
        self._awaiting[live.key] = live
        return []

    def _begin_read(self, live: LiveQuery, now: float) -> list[Action]:
        live.read_at, live.stood = now, self._standing.tables
        return [Read(live.key)]

    def due(self, key: str, turn: int, now: float) -> list[Action]:
        """A wait is over."""
        live = self._by_key.get(key)
        if live is None or live.turn != turn:
            return []
        live.scheduled = False
        # what nobody announces was last known when it was read; a query with doubts is late by its refresh
        live.mark_dirty(live.read_at if live.unwatched else now)
        return self._read(live, now) + self._ask()

    def finished(self, key: str, reading: Reading, now: float) -> list[Action]:
        """A read is done."""
        live = self._by_key.get(key)
        if live is None:
            return []
        self._proofs.finished(live, reading, now)
        doubts_before = live.doubts
        live.settle(reading)
        live.unwatched = self._standing.missing(reading.tables, live.stood)
        held = self._standing.held(live.unwatched)
        live.doubts += tuple(_held(table) for table in sorted(held))
        actions = self._advance(live, reading) + self._snapshots(live)
        if live.doubts and live.doubts != doubts_before:
            actions.append(Warn(live.query.name, _refresh(live), live.doubts))
        if live.unwatched - held:
            live.mark_dirty(live.read_at)
            return actions + self._read(live, now) + self._ask()
        return actions + self._next(live, now)

    def failed(self, key: str, transient: bool, code: str, message: str) -> list[Action]:
        """A read failed: for good, or maybe not, when trying again may help."""
        live = self._by_key.get(key)
        if live is None:
            return []
        self._proofs.forget(live)
        live.reading, live.dirty = False, True
        live.failures += 1
        if transient and live.failures <= len(RETRY_SECONDS):
            live.scheduled = True
            return [Wait(key, live.turn, RETRY_SECONDS[live.failures - 1])]
        one_of_each = [Subscriber(sid, next(iter(ids))) for sid, ids in live.subscribers.items()]
        return [action for client in one_of_each for action in self.close(client, code, message)]

    def prove(self, now: float) -> list[Action]:
        """Read a window again to see whether it is right, and tell of those that were wrong."""
        actions: list[Action] = [Diverged(name) for name in self._proofs.wrong(now)]
        live = self._proofs.choose(self._by_key.values(), now) if self._following else None
        return actions if live is None else actions + self._read(live, now) + self._ask()

    @staticmethod
    def _next(live: LiveQuery, now: float) -> list[Action]:
        if live.dirty:
            live.scheduled = True
            return [Wait(live.key, live.turn, min(now - live.read_at, MAX_PAUSE))]
        return [Wait(live.key, live.turn, _refresh(live))] if live.doubts else []

    # -- telling

    @staticmethod
    def _advance(live: LiveQuery, reading: Reading) -> list[Action]:
        """Make the reading the window, and tell those who hold the window before it."""
        before = live.window
        if before is None:
            live.window = Window(reading.rows, reading.total, 1)
            return []
        ops = diff(before.rows, reading.rows)
        if not ops and before.total == reading.total:
            return []
        live.window = Window(reading.rows, reading.total, before.version + 1)
        return [SendDiff(live.key, before.version, live.window, ops)]

    @staticmethod
    def _snapshots(live: LiveQuery) -> list[Action]:
        if live.window is None:
            return []
        actions: list[Action] = []
        for subscriber in sorted(live.waiting, key=lambda waiting: (waiting.sid, waiting.id)):
            actions.append(SendSnapshot(subscriber, live.key, live.window))
            actions.append(Join(subscriber.sid, live.key))
        live.waiting.clear()
        return actions

    def _forget_if_alone(self, live: LiveQuery) -> None:
        if not live.subscribers:
            self._awaiting.pop(live.key, None)
            self._proofs.forget(live)
            del self._by_key[live.key], self._by_identity[live.query.identity]

    # -- what stands

    def query(self, key: str) -> Query | None:
        """The query behind a key, while anybody subscribes to it."""
        live = self._by_key.get(key)
        return live.query if live else None

    def count(self, sid: str) -> int:
        """How many subscriptions a client has."""
        return len(self._by_client.get(sid, {}))

    def has(self, subscriber: Subscriber) -> bool:
        """Whether a client uses this number already."""
        return subscriber.id in self._by_client.get(subscriber.sid, {})

    def keys(self, sid: str) -> set[str]:
        """The live queries that a client looks at."""
        return {live.key for live in self._by_client.get(sid, {}).values()}

    def subscriptions(self, sid: str) -> list[Subscriber]:
        """What a client has asked for."""
        return [Subscriber(sid, id_) for id_ in self._by_client.get(sid, {})]

    def audience(self, key: str) -> list[str]:
        """The clients that look at a query."""
        live = self._by_key.get(key)
        return list(live.subscribers) if live else []

    def clients(self) -> list[str]:
        """Every client with a subscription."""
        return list(self._by_client)

    def sound(self, now: float, seconds: float) -> bool:
        """Whether it is known that nothing was missed, by a proof that is not older than this."""
        return self._following and now - self._proven_at <= seconds

    def overdue(self, now: float, seconds: float) -> set[str]:
        """Clients who look at a window that has not been proven up to date for so long."""
        late = (
            live
            for live in self._by_key.values()
            if live.stale_since is not None and now - live.stale_since > seconds
        )
        return {sid for live in late for sid in live.subscribers}

    def __len__(self) -> int:
        return len(self._by_key)


def _refresh(live: LiveQuery) -> float:
    return min(live.query.refresh, UNWATCHED_SECONDS) if live.unwatched else live.query.refresh


def _held(table: str) -> str:
    return f"a transaction that wrote to {table} before anybody watched it is still open: end it"
