"""What dispatchers publish, read along: one publisher, and one content for each position."""

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any, Final

import redis

from sa_notify.redis.keys import Keys
from tests.faults.repeated import Repeated

#: Positions that are kept until all workers' feeds have been read past them.
KEPT: Final = 2_000
PAUSE_SECONDS: Final = 0.2

#: Transaction, row, and what is said of it.
Said = tuple[str, tuple[str, str], str]


class Published:
    """Compares what feeds hold.

    :ivar violations: what no two dispatchers, nor one that leads no longer, may have said.
    """

    def __init__(self) -> None:
        self.violations: list[str] = []
        self.changesets = 0
        self._seen: dict[tuple[str, int], dict[str, list[Said]]] = {}
        #: When each epoch was first heard of, in milliseconds of Redis, in that order.
        self._epochs: dict[str, int] = {}

    def take(self, feed: str, at: int, kind: str, body: Any) -> None:
        """One entry.

        :param at: milliseconds, as the entry's id has them.
        """
        if kind == "beat":
            self._follows(str(body["epoch"]), at)
        for changeset in body if kind == "changes" else ():
            self._follows(changeset["epoch"], at)
            self.changesets += 1
            feeds = self._seen.setdefault((changeset["epoch"], int(changeset["position"])), {})
            feeds.setdefault(feed, []).extend(_said(changeset))
        while len(self._seen) > KEPT:
            self._judge(next(iter(self._seen)))

    def end(self) -> None:
        """Everything has been taken."""
        while self._seen:
            self._judge(next(iter(self._seen)))

    def _follows(self, epoch: str, at: int) -> None:
        first = self._epochs.setdefault(epoch, at)
        newer = max(self._epochs.values())
        if at > newer > first:
            self.violations.append(f"epoch {epoch} goes on although another has begun")

    def _judge(self, place: tuple[str, int]) -> None:
        feeds = self._seen.pop(place)
        if len({xid for said in feeds.values() for xid, _, _ in said}) > 1:
            self.violations.append(f"{place} is of several transactions")
        for one, other in combinations(feeds.values(), 2):
            rows = {row for _, row, _ in one} & {row for _, row, _ in other}
            if any(_of(one, row) != _of(other, row) for row in rows):
                self.violations.append(f"{place} says different things of a row")


def _said(changeset: Any) -> Iterator[Said]:
    for change in changeset["changes"]:
        row = (str(change["table"]), json.dumps(change.get("key")))
        yield str(changeset["xid"]), row, json.dumps(change, sort_keys=True)


def _of(said: list[Said], row: tuple[str, str]) -> list[str]:
    return [text for _, one, text in said if one == row]


class Reading(Repeated):
    """A thread that reads every worker's feed."""

    def __init__(self, connect: Callable[[], redis.Redis], keys: Keys) -> None:
        self.published = Published()
        self._connect, self._keys = connect, keys
        self._read: dict[str, str] = {}
        super().__init__(PAUSE_SECONDS)

    def stop(self) -> None:
        super().stop()
        self.published.end()

    def turn(self) -> None:
        # away, or full: nothing is published then
        with contextlib.suppress(redis.RedisError, OSError), self._connect() as client:
            self._look(client)

    def _look(self, client: redis.Redis) -> None:
        workers: Any = client.smembers(self._keys.workers)
        feeds = {name: self._read.get(name, "0-0") for name in map(self._keys.feed, workers)}
        until = time.monotonic() + 1.0
        while feeds and time.monotonic() < until and (found := client.xread(feeds, count=500)):
            for name, entries in found:
                for id_, entry in entries:
                    # who forges entries may write anything
                    with contextlib.suppress(ValueError, KeyError, TypeError):
                        self.published.take(
                            name, int(id_.partition("-")[0]), entry["t"], json.loads(entry["d"])
                        )
                    feeds[name] = id_
        self._read = feeds
