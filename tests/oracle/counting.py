"""What became of changes: without skips and patches an oracle would prove nothing about them."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

#: ``skipped``: the change is of a table that the query reads, and neither was it read nor anybody told.
VERDICTS = ("unrelated", "skipped", "counted", "patched", "patched in vain", "read", "read in vain")


@dataclass
class Seen:
    """Sums over any number of runs.

    :param verdicts: one for each query and rest before which something had changed.
    """

    verdicts: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Seen") -> None:
        self.verdicts.update(other.verdicts)
        self.counts.update(other.counts)


class Counting:
    """Looks at what a runner is told and tells, by the key of the query.

    :param diffs: that were sent, by key.
    """

    def __init__(self, runner: Any, seen: Seen, diffs: Counter[str]) -> None:
        self._seen, self._diffs = seen, diffs
        self._reads, self._patches = Counter[str](), Counter[str]()
        self._before: dict[str, tuple[int, int, int]] = {}
        #: Tables of which changes were received since the last rest.
        self.changed: set[str] = set()
        runner.finished = self._counted(runner.finished, self._reads)
        runner.rows = self._counted(runner.rows, self._patches)
        looker = runner._looker
        looker.look = self._looking(looker.look)

    def _counted(self, function: Callable[..., None], counter: Counter[str]) -> Callable[..., None]:
        def counted(key: str, *rest: Any) -> None:
            counter[key] += 1
            function(key, *rest)

        return counted

    def _looking(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def looking(*given: Any) -> Any:
            self._seen.counts["looks"] += 1
            return function(*given)

        return looking

    def rest(self, queries: Iterable[tuple[str, set[str]]]) -> None:
        """Sort what became of the changes since the last rest.

        :param queries: keys, and the tables that they read.
        """
        for key, tables in dict(queries).items():
            now = (self._reads[key], self._patches[key], self._diffs[key])
            before, self._before[key] = self._before.get(key), now
            if before is not None and self.changed:
                told = [new > old for old, new in zip(before, now, strict=True)]
                self._seen.verdicts[_verdict(*told, related=bool(tables & self.changed))] += 1
        self.changed = set()


def _verdict(read: bool, patched: bool, told: bool, *, related: bool) -> str:
    if not related and not (read or patched or told):
        return "unrelated"
    if read:
        return "read" if told else "read in vain"
    if patched:
        return "patched" if told else "patched in vain"
    return "counted" if told else "skipped"
