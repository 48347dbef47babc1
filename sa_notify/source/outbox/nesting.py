"""What one transaction did, in its order, from what its triggers wrote in theirs."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from typing import Any, Final, NamedTuple

from sa_notify.change import Change

#: Comparisons, about a microsecond each, that are made for the order of one transaction.
PATIENCE: Final = 500_000


class Step(NamedTuple):
    """What one row of the outbox tells.

    :param depth: of the triggers that were running.
    """

    depth: int
    changes: tuple[Change, ...]


def in_order(steps: Sequence[Step]) -> list[Step]:
    """Steps of one transaction as they happened.

    A statement's changes are written when it ends, after those of the statements that its row triggers
    ran. So they go before the deeper ones that were written since, unless the rows that both changed say
    otherwise: a trigger of a table that nobody wants leaves deeper changes that no statement encloses.
    Where that would take too long, whole tables are told of.
    """
    placing = _Placing()
    for step in steps:
        if placing.work > PATIENCE:
            return [Step(0, (Change(table, "bulk"),)) for table in _tables(steps)]
        placing.add(step)
    return [placed.step for placed in placing.placed]


class _Placed:
    """A step that has its place.

    :ivar within: depth of the outermost statement that was written since, and so may be what ran it.
    """

    __slots__ = ("step", "within")

    def __init__(self, step: Step) -> None:
        self.step = step
        self.within = step.depth


#: Of one row: who changed it and how, in order.
_History = list[tuple[_Placed, Change]]


class _Placing:
    """Puts steps into their places, in the order in which they were written.

    :ivar work: what it has taken so far, in comparisons.
    """

    def __init__(self) -> None:
        self.placed: list[_Placed] = []
        self.work = 0
        self._histories: dict[Any, _History] = defaultdict(list)
        self._last_at = -1

    def add(self, step: Step) -> None:
        """Place the step that was written next."""
        begin = len(self.placed)
        while begin and self.placed[begin - 1].step.depth > step.depth:
            begin -= 1
        deeper = self.placed[begin:]
        self.work += len(deeper)
        at = _best(self._costs(step, deeper), self._usual(step, deeper)) if deeper else 0
        self._insert(step, deeper, at)
        self._last_at = begin + at
        for each in deeper:
            each.within = min(each.within, step.depth)

    def _usual(self, step: Step, deeper: Sequence[_Placed]) -> int:
        """Where it goes among the deeper ones if no row says otherwise."""
        last = self.placed[self._last_at].step if self.placed else None
        if last and last.depth == step.depth and _tables([last]) == _tables([step]):
            # most likely the rest of the same statement
            return 0
        return next((n for n, each in enumerate(deeper) if each.within > step.depth), len(deeper))

    def _costs(self, step: Step, deeper: Sequence[_Placed]) -> list[int]:
        """For each place among the deeper ones, by how much more rows would contradict themselves."""
        where = {id(each): at for at, each in enumerate(deeper)}
        jumps = [0] * (len(deeper) + 2)
        for change in step.changes:
            history = self._histories.get(_row(change), [])
            first = _first_of(where, history)
            self.work += len(history) - first
            ends = [where[id(placed)] for placed, _ in history[first:]]
            # a row that no deeper step changed is contradicted nowhere, or everywhere alike
            for n, (begin, end) in enumerate(pairwise([-1, *ends, len(deeper)]) if ends else (), first):
                cost = _more_breaks(history, n, change)
                jumps[begin + 1] += cost
                jumps[end + 1] -= cost
        return list(accumulate(jumps[:-1]))

    def _insert(self, step: Step, deeper: Sequence[_Placed], at: int) -> None:
        placed = _Placed(step)
        later = {id(each): n for n, each in enumerate(deeper[at:])}
        for change in step.changes:
            if change.key is not None:
                history = self._histories[_row(change)]
                history.insert(_first_of(later, history), (placed, change))
        self.placed.insert(len(self.placed) - len(deeper) + at, placed)


def _best(costs: Sequence[int], usual: int) -> int:
    return min(range(len(costs)), key=lambda at: (costs[at], abs(at - usual)))


def _row(change: Change) -> Any:
    return change.table, change.key


def _tables(steps: Iterable[Step]) -> list[str]:
    return list(dict.fromkeys(change.table for step in steps for change in step.changes))


def _first_of(where: dict[int, int], history: _History) -> int:
    """From where on a row's history consists of those."""
    first = len(history)
    while first and id(history[first - 1][0]) in where:
        first -= 1
    return first


def _more_breaks(history: _History, at: int, change: Change) -> int:
    """How much more a row contradicts itself with that change there."""
    before = history[at - 1][1] if at else None
    after = history[at][1] if at < len(history) else None
    return _breaks(before, change) + _breaks(change, after) - _breaks(before, after)


def _breaks(earlier: Change | None, later: Change | None) -> bool:
    """Whether the one can't have found what the other left."""
    if earlier is None or later is None:
        return False
    if (earlier.op == "delete") != (later.op == "insert"):
        return True
    shared = earlier.values.keys() & later.values.keys()
    return any(earlier.values[name][1] != later.values[name][0] for name in shared)
