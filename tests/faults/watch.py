"""Looks all the time whether a view that says it is live shows what it should."""

import time
from collections.abc import Sequence
from typing import Protocol

from tests.faults.repeated import Repeated
from tests.faults.writers import Writers


class View(Protocol):
    """What a person looks at."""

    @property
    def live(self) -> bool: ...

    @property
    def mark(self) -> int: ...


class Watch:
    """Compares marks that are shown with marks that were committed.

    :param stale: how old what a live view shows may be, in seconds; may be changed.
    """

    def __init__(self, writers: Writers, stale: float) -> None:
        self._writers, self.stale, self._usual = writers, stale, stale
        #: The most that a live view was behind, and where nothing kept its server's beats from it.
        self.worst = self.worst_heard = 0.0
        self.looked = 0
        self.violations: list[str] = []
        self.doing = "nothing"

    def look(self, name: str, view: View) -> None:
        """Look once."""
        now, live = time.monotonic(), view.live
        mark = view.mark
        self.looked += live
        if not live or mark >= self._writers.newest:
            return
        # the first that is not shown
        behind = now - self._writers.marks[mark]
        self.worst = max(self.worst, behind)
        if self.stale == self._usual:
            self.worst_heard = max(self.worst_heard, behind)
        if behind > self.stale:
            self.violations.append(f"{name} is live and {behind:.1f} s behind while: {self.doing}")


class Watching(Repeated):
    """A thread that looks at views ten times a second."""

    def __init__(self, watch: Watch, views: Sequence[View]) -> None:
        self._watch, self._views = watch, views
        super().__init__(0.1)

    def turn(self) -> None:
        for n, view in enumerate(self._views):
            self._watch.look(f"client {n}", view)
