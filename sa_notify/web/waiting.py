"""Which of the waiting requests are read next, and which of them together."""

import heapq
import itertools
from collections import Counter, OrderedDict, deque
from collections.abc import Hashable
from dataclasses import dataclass

from sa_notify.change import Key
from sa_notify.live.query import Query

#: At most so many queries are read as one statement.
SLICE = 200

#: A slice is made no longer than what is read in so many seconds.
SLICE_SECONDS = 1.0

#: A query that took longer is slow.
SLOW_SECONDS = 0.25

#: Of what was never read nobody knows how long it takes.
UNTRIED_SLICE = 20

#: So many paces are remembered.
PACES = 10_000

_QUICK, _UNTRIED, _SLOW = range(3)


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """One query to be read: all of it, or the rows of ``keys``."""

    key: str
    query: Query
    keys: tuple[Key, ...] | None = None


class Waiting:
    """The requests of one desk, oldest first, each query in one place at a time.

    Two lanes are never taken by slow queries, one never by such as may turn out to be slow, and one never
    by the queries of a single template.
    """

    def __init__(self, lanes: int) -> None:
        self._lanes = lanes
        self._number = itertools.count()
        self._groups: dict[Hashable, deque[tuple[int, Request]]] = {}
        #: By pace: groups that may begin, by their oldest request.
        self._turns: tuple[list[tuple[int, Hashable]], ...] = ([], [], [])
        self._listed: set[Hashable] = set()
        #: By hash: a template that nobody uses is not kept for it.
        self._pace: OrderedDict[int, float] = OrderedDict()
        self._taken: dict[str, deque[Request]] = {}
        self._running: Counter[Hashable] = Counter()
        self._busy: Counter[int] = Counter()
        self._begun: dict[str, tuple[Hashable, int]] = {}

    @property
    def ready(self) -> bool:
        """Whether something may begin."""
        return self._next() is not None

    def put(self, request: Request) -> None:
        """Have it read; after what is asked of the same query already."""
        behind = self._taken.get(request.key)
        if behind is not None:
            behind.append(request)
            return
        self._taken[request.key] = deque()
        self._add(request)

    def take(self) -> list[Request]:
        """What is read together next, until :meth:`done`; empty when nothing may begin."""
        pace = self._next()
        if pace is None:
            return []
        _, group = heapq.heappop(self._turns[pace])
        self._listed.discard(group)
        waiting = self._groups[group]
        size = min(self._size(group), len(waiting))
        requests = [waiting.popleft()[1] for _ in range(size)]
        if not waiting:
            del self._groups[group]
        self._running[group] += 1
        self._busy[pace] += 1
        self._begun[requests[0].key] = group, pace
        self._list(group)
        return requests

    def done(self, requests: list[Request], seconds: float) -> None:
        """They are read; what else is asked of the same queries may begin.

        :param seconds: that it took, altogether.
        """
        group, pace = self._begun.pop(requests[0].key)
        self._busy[pace] -= 1
        self._running[group] -= 1
        if not self._running[group]:
            del self._running[group]
        self._remember(group, seconds / len(requests))
        for request in requests:
            behind = self._taken[request.key]
            if behind:
                self._add(behind.popleft())
            else:
                del self._taken[request.key]
        self._list(group)

    def _add(self, request: Request) -> None:
        shared = request.query.shared
        group: Hashable = request.key if shared is None else shared.template
        self._groups.setdefault(group, deque()).append((next(self._number), request))
        self._list(group)

    def _list(self, group: Hashable) -> None:
        """Let a group begin in its turn, unless it has all lanes but one already."""
        waiting = self._groups.get(group)
        if not waiting or group in self._listed or self._running[group] >= max(1, self._lanes - 1):
            return
        self._listed.add(group)
        heapq.heappush(self._turns[self._kind(group)], (waiting[0][0], group))

    def _next(self) -> int | None:
        """The pace of the oldest request that may begin."""
        for pace in (_QUICK, _UNTRIED, _SLOW):
            self._sort_out(pace)
        free = [pace for pace in (_QUICK, _UNTRIED, _SLOW) if self._turns[pace] and self._is_free(pace)]
        return min(free, key=lambda pace: self._turns[pace][0][0], default=None)

    def _sort_out(self, pace: int) -> None:
        """Move groups that have shown another pace since they were listed."""
        turns = self._turns[pace]
        while turns and (kind := self._kind(turns[0][1])) != pace:
            heapq.heappush(self._turns[kind], heapq.heappop(turns))

    def _is_free(self, pace: int) -> bool:
        return all(
            sum(self._busy[other] for other in range(least, _SLOW + 1)) < max(1, self._lanes - least)
            for least in range(pace + 1)
        )

    def _kind(self, group: Hashable) -> int:
        seconds = self._pace.get(hash(group))
        if seconds is None:
            return _UNTRIED
        return _SLOW if seconds > SLOW_SECONDS else _QUICK

    def _size(self, group: Hashable) -> int:
        seconds = self._pace.get(hash(group))
        if seconds is None:
            return UNTRIED_SLICE
        return max(1, min(SLICE, int(SLICE_SECONDS / max(seconds, 1e-6))))

    def _remember(self, group: Hashable, seconds: float) -> None:
        self._pace[hash(group)] = seconds
        self._pace.move_to_end(hash(group))
        if len(self._pace) > PACES:
            self._pace.popitem(last=False)
