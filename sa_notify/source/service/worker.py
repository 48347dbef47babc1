"""A web worker in Redis: that it lives, what it wants, and who its clients are."""

import json
import logging
from collections.abc import Collection, Iterator, Mapping, Set as AbstractSet
from typing import Any, Final

import redis

from sa_notify.change import Key, dump_key
from sa_notify.errors import SourceLost
from sa_notify.redis.keys import (
    ASKED_ENTRIES,
    ASKED_SECONDS,
    FEED_ENTRIES,
    REVOKED_ENTRIES,
    REVOKED_SECONDS,
    WIRE,
    WORKER_SECONDS,
    Keys,
)
from sa_notify.redis.scripts import Scripts
from sa_notify.source.service.revocation import Revocation
from sa_notify.source.wanted import Wanted

logger = logging.getLogger(__name__)

_TO_LIVE: Final = WORKER_SECONDS * 1000

_NONE: frozenset[Key] = frozenset()


class Worker:
    """One registration; one thread uses it."""

    def __init__(self, client: redis.Redis, keys: Keys, worker: str) -> None:
        self.id = worker
        self._client, self._keys, self._scripts = client, keys, Scripts(client)
        self._wanted = Wanted()

    def register(self, info: Mapping[str, Any]) -> None:
        """Begin: from now on everything told is in the feed."""
        keys, own = self._keys, self.id
        names = [keys.workers, keys.worker(own), keys.feed(own), keys.told(own), *self._sets()]
        self._scripts.run("register", names, [own, json.dumps(info), _TO_LIVE, keys.base])

    def renew(self, info: Mapping[str, Any]) -> None:
        """Live on.

        :raises SourceLost: when it had been taken for dead.
        """
        keys, own = self._keys, self.id
        names = [keys.workers, keys.worker(own), keys.feed(own), keys.told(own), *self._sets()]
        self._lives(self._scripts.run("renew", names, [own, json.dumps(info), _TO_LIVE]))

    def forget(self, entry: str) -> None:
        """What was told before this entry of the feed has been read: it is kept for nobody."""
        self._client.xtrim(self._keys.feed(self.id), minid=entry, approximate=False)

    def want(self, wanted: Wanted) -> None:
        """Have this told from now on: nothing that was and is wanted is left out meanwhile."""
        before, self._wanted = self._wanted, wanted
        keys, own = self._keys, self.id
        changes: list[tuple[str, AbstractSet[str], AbstractSet[str]]] = [
            (keys.rows(own, table), _new_rows(wanted, before, table), _new_rows(before, wanted, table))
            for table in wanted.rows.keys() | before.rows.keys()
        ]
        for name, now, then in (
            (keys.partly(own), wanted.rows.keys(), before.rows.keys()),
            (keys.tally(own), wanted.tallies, before.tallies),
            (keys.want(own), wanted.tables, before.tables),
        ):
            changes.append((name, now - then, then - now))
        for name, more, _ in changes:
            self._change(name, "also", more)
        for name, _, less in reversed(changes):
            self._change(name, "less", less)

    def _change(self, name: str, how: str, members: Collection[str]) -> None:
        if members:
            names = [self._keys.worker(self.id), name]
            self._lives(self._scripts.run("want", names, [_TO_LIVE, how, *sorted(members)]))

    def ask(self, number: int, tables: Collection[str]) -> None:
        """Ask the dispatcher to have these captured; the answer is in the feed."""
        asked = json.dumps({"worker": self.id, "ask": number, "tables": sorted(tables)})
        with self._client.pipeline(transaction=True) as pipeline:
            pipeline.xadd(self._keys.asks, {"d": asked}, maxlen=ASKED_ENTRIES, approximate=True)
            pipeline.pexpire(self._keys.asks, ASKED_SECONDS * 1000)
            pipeline.execute()

    def leader(self) -> Mapping[str, Any]:
        """What the dispatcher says of itself.

        :raises SourceLost: when none leads, the one that does follows nothing, or it is of another version.
        """
        found = self._client.get(self._keys.leader)
        if found is None:
            raise SourceLost("no dispatcher leads: start `sa-notify dispatch` with this SA_NOTIFY_REDIS_URL")
        try:
            leader = dict(json.loads(str(found)))
        except (ValueError, TypeError, RecursionError):
            raise SourceLost("what the dispatcher says of itself can't be read") from None
        if (theirs := leader.get("wire", 0)) != WIRE:
            raise SourceLost(
                f"the dispatcher speaks version {theirs!r} of what goes through Redis, this worker {WIRE}: "
                "start the older of the two again with the newer release"
            )
        if leader.get("epoch") is None:
            raise SourceLost("the dispatcher does not follow the database: its log says why")
        return leader

    def tick(self) -> int:
        """How often dispatchers have counted on.

        :raises SourceLost: when it can't be read.
        """
        try:
            return int(str(self._client.get(self._keys.tick) or 0))
        except ValueError:
            raise SourceLost("the dispatcher's count can't be read") from None

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

    def revoke(self, revocation: Revocation) -> None:
        """Tell every worker, and those that begin within a minute."""
        told = revocation.dump()
        # in this order: a worker that registers in between finds it twice, and never misses it
        with self._client.pipeline(transaction=True) as pipeline:
            pipeline.xadd(self._keys.revoked, {"d": told}, maxlen=REVOKED_ENTRIES, approximate=True)
            pipeline.pexpire(self._keys.revoked, REVOKED_SECONDS * 1000)
            pipeline.execute()
        names = [self._keys.term, self._keys.workers]
        self._scripts.run("tell", names, ["", self._keys.base, FEED_ENTRIES, "revoke", told])

    def revocations(self) -> Iterator[Revocation]:
        """What the others were told within the last minute."""
        found: Any = self._client.xread({self._keys.revoked: "0-0"}, count=2 * REVOKED_ENTRIES)
        for _, entry in found[0][1] if found else ():
            try:
                yield Revocation.of(entry["d"])
            except (KeyError, ValueError, RecursionError):
                # whoever may write to Redis may write this
                logger.warning("a revocation in Redis can't be read")

    def leave(self) -> None:
        """Take everything away."""
        keys, own = self._keys, self.id
        with self._client.pipeline(transaction=True) as pipeline:
            pipeline.srem(keys.workers, own)
            pipeline.delete(keys.worker(own), keys.feed(own), keys.told(own), *self._sets())
            pipeline.execute()

    def _sets(self) -> list[str]:
        keys, own = self._keys, self.id
        rows = (keys.rows(own, table) for table in self._wanted.rows)
        found = (keys.want(own), keys.partly(own), keys.tally(own), keys.elsewhere(own), keys.clients(own))
        return [*found, *rows]

    @staticmethod
    def _lives(answer: Any) -> None:
        if not int(answer):
            raise SourceLost("Redis has forgotten this worker")


def _new_rows(wanted: Wanted, before: Wanted, table: str) -> AbstractSet[str]:
    """Those of a table that were not wanted before."""
    now, then = wanted.rows.get(table, _NONE), before.rows.get(table, _NONE)
    return frozenset() if now is then else frozenset(map(dump_key, now - then))
