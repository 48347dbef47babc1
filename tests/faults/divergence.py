"""How many windows the workers' own proofs have found wrong."""

import contextlib
from collections.abc import Sequence

from tests.faults.rig import Web

NAME = "sa_notify_divergence_total"


class Divergence:
    """Reads the counters of workers; one that dies takes with it what it had not told yet."""

    def __init__(self, webs: Sequence[Web]) -> None:
        self._webs = webs
        self._seen: dict[int, float] = {}
        self.total = 0.0

    def risen(self) -> float:
        """By how much, since it was last asked."""
        found = 0.0
        for web in self._webs:
            with contextlib.suppress(OSError):
                pid, told = web.pid, web.counter(NAME)
                found += told - self._seen.get(pid, 0.0)
                self._seen[pid] = told
        self.total += found
        return found
