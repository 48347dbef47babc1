"""Which intervals hold a value: their ends, and none that was taken out again."""

from typing import Any

import pytest
from sqlalchemy import Integer

from sa_notify.live.intervals import Intervals
from sa_notify.live.predicate import Interval
from sa_notify.live.terms import terms_of

TERMS: Any = terms_of(Integer())


def _span(low: int | None, high: int | None, *, closed: bool = True) -> Interval:
    return Interval("n", TERMS, low, high, closed, closed)


@pytest.mark.parametrize(
    ("span", "held"),
    [
        (_span(2, 4), [2, 3, 4]),
        (_span(2, 4, closed=False), [3]),
        (_span(3, 3), [3]),
        (_span(3, 3, closed=False), []),
        (_span(4, 2), []),
        (_span(None, 2), [0, 1, 2]),
        (_span(4, None, closed=False), [5]),
        (_span(None, None), [0, 1, 2, 3, 4, 5]),
    ],
)
def test_values_that_an_interval_holds(span: Interval, held: list[int]) -> None:
    found = Intervals[str]()
    found.add("it", span)
    assert [value for value in range(6) if list(found.holding(value)) == ["it"]] == held


def test_what_was_taken_out_is_found_no_more() -> None:
    """Nor under the interval that it had before it was filed anew; others stay."""
    found = Intervals[str]()
    found.add("one", _span(0, 4))
    found.add("other", _span(0, 4))
    found.discard("one")
    assert list(found.holding(3)) == list(found) == ["other"]
    found.add("one", _span(5, None))
    assert list(found.holding(3)) == ["other"]
    assert list(found.holding(5)) == ["one"]
    found.discard("nobody")
    assert len(found) == 2
