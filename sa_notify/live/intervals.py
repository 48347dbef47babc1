"""Which of many intervals hold a value."""

from collections.abc import Hashable, Iterator
from typing import Any, Generic, TypeVar

from intervaltree import Interval as Span, IntervalTree

from sa_notify.live.predicate import Interval

T = TypeVar("T", bound=Hashable)


class Intervals(Generic[T]):
    """Things filed under intervals of one ordered type; either end may be open, closed or missing."""

    def __init__(self) -> None:
        self._spans: dict[T, Span] = {}
        self._tree = IntervalTree()

    def __len__(self) -> int:
        return len(self._spans)

    def __iter__(self) -> Iterator[T]:
        return iter(self._spans)

    def add(self, thing: T, interval: Interval) -> None:
        """File one under its interval."""
        begin, end = _span(interval)
        # an interval without a value in it holds none
        if begin < end:
            self._spans[thing] = Span(begin, end, thing)
            self._tree.add(self._spans[thing])

    def discard(self, thing: T) -> None:
        """Take one out again; harmless when it is not there."""
        span = self._spans.pop(thing, None)
        if span is not None:
            self._tree.discard(span)

    def holding(self, value: Any) -> Iterator[T]:
        """Those whose interval has the value in it."""
        return (span.data for span in self._tree.at((1, value, 1)))


def _span(interval: Interval) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The library's intervals hold their beginning and not their end: places just beside a value."""
    begin: tuple[Any, ...] = (0,)
    end: tuple[Any, ...] = (2,)
    if interval.low is not None:
        begin = (1, interval.low, 0 if interval.low_inclusive else 2)
    if interval.high is not None:
        end = (1, interval.high, 2 if interval.high_inclusive else 0)
    return begin, end
