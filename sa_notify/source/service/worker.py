"""A web worker in Redis: that it lives, what it wants, and who its clients are."""

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

import redis

from sa_notify.change import Key, dump_key
from sa_notify.errors import SourceLost
from sa_notify.redis.keys import ASKED_ENTRIES, FEED_ENTRIES, WORKER_SECONDS, Keys
from sa_notify.redis.scripts import Scripts

_TO_LIVE: Final = WORKER_SECONDS * 1000


class Worker:
    """One registration; one thread uses it."""

    def __init__(self, client: redis.Redis, keys: Keys, worker: str) -> None:
        self.id = worker
        self._client, self._keys, self._scripts = client, keys, Scripts(client)
        self._partly: frozenset[str] = frozenset()

    def register(self, info: Mapping[str, Any]) -> None:
        """Begin: from now on everything told is in the feed."""
        keys, own = self._keys, self.id
        names = [keys.workers, keys.worker(own), keys.feed(own), keys.told(own), *self._sets()]
        self._scripts.run("register", names, [own, json.dumps(info), _TO_LIVE])

    def renew(self, info: Mapping[str, Any]) -> None:
        """Live on.

        :raises SourceLost: when it had been taken for dead.
        """
        keys, own = self._keys, self.id
        names = [keys.workers, keys.worker(own), keys.feed(own), keys.told(own), *self._sets()]
        self._lives(self._scripts.run("renew", names, [own, json.dumps(info), _TO_LIVE]))

    def want(self, tables: Collection[str], *, only: bool) -> None:
        """Have changes of these told too, or of these only."""
        names = [self._keys.worker(self.id), self._keys.want(self.id)]
        self._lives(self._scripts.run("want", names, [_TO_LIVE, "only" if only else "also", *sorted(tables)]))

    def want_rows(self, rows: Mapping[str, Collection[Key]]) -> None:
        """Have changes of these rows told, and no others but of tables that are wanted whole."""
        tables = self._partly | rows.keys()
        self._partly = tables
        for table in sorted(tables):
            self._set(self._keys.rows(self.id, table), map(dump_key, rows.get(table, ())))
        self._set(self._keys.partly(self.id), rows)
        self._partly = frozenset(rows)

    def _set(self, name: str, members: Iterable[str]) -> None:
        own = self._keys.worker(self.id)
        self._lives(self._scripts.run("want", [own, name], [_TO_LIVE, "only", *sorted(members)]))

    def ask(self, number: int, tables: Collection[str]) -> None:
        """Ask the dispatcher to have these captured; the answer is in the feed."""
        asked = json.dumps({"worker": self.id, "ask": number, "tables": sorted(tables)})
        self._client.xadd(self._keys.asks, {"d": asked}, maxlen=ASKED_ENTRIES, approximate=True)

    def leader(self) -> Mapping[str, Any]:
        """What the dispatcher says of itself.

        :raises SourceLost: when none leads, or the one that does follows nothing.
        """
        found = self._client.get(self._keys.leader)
        if found is None:
            raise SourceLost("no dispatcher leads: start `sa-notify dispatch` with this SA_NOTIFY_REDIS_URL")
        leader: Mapping[str, Any] = json.loads(str(found))
        if leader.get("epoch") is None:
            raise SourceLost("the dispatcher does not follow the database: its log says why")
        return leader

    def tick(self) -> int:
        """How often dispatchers have counted on."""
        return int(str(self._client.get(self._keys.tick) or 0))

    def present(self, clients: Mapping[str, Mapping[str, Any] | None]) -> None:
        """Tell of clients that came or changed, and of those (``None``) that left."""
        came = {sid: json.dumps(client) for sid, client in clients.items() if client is not None}
        left = [sid for sid, client in clients.items() if client is None]
        name = self._keys.clients(self.id)
        with self._client.pipeline(transaction=True) as pipeline:
            if came:
                pipeline.hset(name, mapping=came)  # type: ignore[arg-type]
            if left:
                pipeline.hdel(name, *left)
            pipeline.pexpire(name, _TO_LIVE)
            pipeline.execute()

    def revoke(self, user: str | None) -> None:
        """Have every worker ask for somebody's access again."""
        names = [self._keys.term, self._keys.workers]
        told = json.dumps({"user": user})
        self._scripts.run("tell", names, ["", self._keys.base, FEED_ENTRIES, "revoke", told])

    def leave(self) -> None:
        """Take everything away."""
        keys, own = self._keys, self.id
        with self._client.pipeline(transaction=True) as pipeline:
            pipeline.srem(keys.workers, own)
            pipeline.delete(keys.worker(own), keys.feed(own), keys.told(own), *self._sets())
            pipeline.execute()

    def _sets(self) -> list[str]:
        keys, own = self._keys, self.id
        rows = (keys.rows(own, table) for table in self._partly)
        return [keys.want(own), keys.partly(own), keys.clients(own), *rows]

    @staticmethod
    def _lives(answer: Any) -> None:
        if not int(answer):
            raise SourceLost("Redis has forgotten this worker")
