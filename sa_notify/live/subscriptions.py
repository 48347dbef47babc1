"""Who subscribes to which live query."""

from collections.abc import Hashable, Iterable

from sa_notify.live import few
from sa_notify.live.actions import Subscriber
from sa_notify.live.few import Few
from sa_notify.live.query import Query
from sa_notify.live.state import LiveQuery


class Subscriptions:
    """Live queries by key and by identity, and each client's by its own numbers."""

    def __init__(self) -> None:
        self._by_key: dict[str, LiveQuery] = {}
        self._by_identity: dict[Hashable, LiveQuery] = {}
        self._by_client: dict[str, Few[LiveQuery]] = {}

    def add(self, subscriber: Subscriber, query: Query, key: str, now: float) -> LiveQuery:
        """Add a subscriber to the query of this identity; to a new one under ``key`` where there is none."""
        live = self._by_identity.get(query.identity)
        if live is None:
            live = LiveQuery(key, query, stale_since=now)
            self._by_key[key] = self._by_identity[query.identity] = live
        if self.of(subscriber) is live:
            live.wait(subscriber)
        else:
            live.add(subscriber)
        self._by_client[subscriber.sid] = few.put(self._of(subscriber.sid), subscriber.id, live)
        return live

    def remove(self, subscriber: Subscriber) -> LiveQuery | None:
        """Take one subscription out of its client's; its query still has it."""
        live = self.of(subscriber)
        left = few.without(self._of(subscriber.sid), subscriber.id)
        if left:
            self._by_client[subscriber.sid] = left
        else:
            self._by_client.pop(subscriber.sid, None)
        return live

    def drop(self, live: LiveQuery) -> None:
        """Forget a query that nobody looks at."""
        del self._by_key[live.key], self._by_identity[live.query.identity]

    # -- what there is

    def all(self) -> Iterable[LiveQuery]:
        return self._by_key.values()

    def get(self, key: str) -> LiveQuery | None:
        return self._by_key.get(key)

    def of(self, subscriber: Subscriber) -> LiveQuery | None:
        """What a client has under a number."""
        return few.find(self._of(subscriber.sid), subscriber.id)

    def has(self, subscriber: Subscriber) -> bool:
        """Whether a client uses this number already."""
        return self.of(subscriber) is not None

    def count(self, sid: str) -> int:
        """How many subscriptions a client has."""
        return len(self.of_client(sid))

    def of_client(self, sid: str) -> list[Subscriber]:
        """What a client has asked for."""
        return [Subscriber(sid, id_) for id_, _ in few.items(self._of(sid))]

    def to(self, live: LiveQuery, sid: str) -> list[Subscriber]:
        """What a client has asked for that led to this query."""
        return [Subscriber(sid, id_) for id_, one in few.items(self._of(sid)) if one is live]

    def first(self, key: str) -> Subscriber | None:
        """One of those who look at a query, the one that has for longest."""
        live = self._by_key.get(key)
        sid = None if live is None else next(iter(live.subscribers), None)
        return None if live is None or sid is None else self.to(live, sid)[0]

    def keys(self, sid: str) -> set[str]:
        """The live queries that a client looks at."""
        return {live.key for _, live in few.items(self._of(sid))}

    def audience(self, key: str) -> list[str]:
        """The clients that look at a query."""
        live = self._by_key.get(key)
        return list(live.subscribers) if live else []

    def clients(self) -> list[str]:
        """Every client with a subscription."""
        return list(self._by_client)

    def overdue(self, now: float, seconds: float) -> set[str]:
        """Clients who look at a window that has not been proven up to date for so long."""
        late = (
            live
            for live in self._by_key.values()
            if live.stale_since is not None and now - live.stale_since > seconds
        )
        return {sid for live in late for sid in live.subscribers}

    def _of(self, sid: str) -> Few[LiveQuery]:
        return self._by_client.get(sid, few.EMPTY)

    def readers(self, tables: frozenset[str]) -> set[str]:
        """Clients who look at a window that was read from any of these tables."""
        every = self._by_key.values() if tables else ()
        reading = (live for live in every if not tables.isdisjoint(live.tables or ()))
        return {sid for live in reading for sid in live.subscribers}

    def __len__(self) -> int:
        return len(self._by_key)
