"""A runtime without threads or clocks: tasks run one at a time, when and in which order a test says."""

import heapq
import itertools
import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

T = TypeVar("T")
Task = tuple[Callable[..., Any], tuple[Any, ...]]


class StageRuntime:
    """Implements :class:`sa_notify.dispatch.runtime.Runtime`.

    What blocks simply runs; :attr:`between` is called around it, outside all locks, which is where other
    tasks would run meanwhile.

    :param order: chooses which of the tasks that are ready runs next; 0 is first come, first served.
    :param pace: seconds that a call takes at most.
    """

    def __init__(self, order: int = 0, pace: float = 0.0) -> None:
        self.now = 1000.0
        self.ready: list[Task] = []
        self.between: Callable[[str], None] = lambda _: None
        self._dice, self._order, self._pace = random.Random(order), order, pace
        self._timers: list[tuple[float, int, Task]] = []
        self._turn = itertools.count()
        self.locked = 0

    # -- what the protocol asks for

    def spawn(self, function: Callable[..., Any], *args: Any) -> None:
        self.ready.append((function, args))

    def call(self, function: Callable[..., T], *args: Any) -> T:
        self.between("before")
        try:
            return function(*args)
        finally:
            self.now += self._pace * self._dice.random()
            self.between("after")

    def call_apart(self, function: Callable[..., T], *args: Any) -> T:
        return function(*args)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def monotonic(self) -> float:
        return self.now

    def wait_readable(self, fileno: int, seconds: float) -> bool:
        raise AssertionError("the stage reads its source itself")

    def lock(self) -> AbstractContextManager[Any]:
        return self._lock()

    def later(self, seconds: float, function: Callable[..., Any], *args: Any) -> None:
        heapq.heappush(self._timers, (self.now + seconds, next(self._turn), (function, args)))

    # -- what a test does

    def run_one(self) -> bool:
        """Run one task that is ready; ``False`` when there is none."""
        if not self.ready:
            return False
        place = self._dice.randrange(len(self.ready)) if self._order else 0
        function, args = self.ready.pop(place)
        function(*args)
        return True

    def advance(self, until: float) -> bool:
        """Go to the next timer, if it is due by then; otherwise to that time."""
        if self._timers and self._timers[0][0] <= until:
            due, _, (function, args) = heapq.heappop(self._timers)
            self.now = max(self.now, due)
            self.spawn(function, *args)
            return True
        self.now = max(self.now, until)
        return False

    def _lock(self) -> "_Lock":
        return _Lock(self)


class _Lock:
    """Counts who holds it."""

    def __init__(self, runtime: StageRuntime) -> None:
        self._runtime = runtime

    def __enter__(self) -> None:
        self._runtime.locked += 1

    def __exit__(self, *_: object) -> None:
        self._runtime.locked -= 1
