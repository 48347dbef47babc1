"""How soon a query is read again."""

import pytest

from sa_notify.live.pace import BURST_SECONDS, HOT_PAUSE, MAX_PAUSE, Pace
from sa_notify.live.query import Query
from sa_notify.live.state import LiveQuery


def _live(spent: float, arrived: int) -> LiveQuery:
    query = Query("q", "q", lambda: None)  # type: ignore[arg-type,return-value]
    return LiveQuery("k", query, spent=spent, arrived=arrived)


def test_a_dirty_query_waits_as_long_as_its_last_read_took() -> None:
    """At most a second."""
    pace = Pace(1.0)
    assert pace.pause(_live(0.02, 1), 0.0) == 0.02
    assert pace.pause(_live(7.0, 1), 0.0) == MAX_PAUSE


def test_one_that_changes_more_often_than_it_is_read_waits_longer_each_time() -> None:
    """Up to a bound; and not at all once it is quiet."""
    pace, live = Pace(1.0), _live(0.001, 5)
    pauses = [pace.pause(live, 0.0) for _ in range(10)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (0.01, HOT_PAUSE)
    live.arrived = 1
    assert pace.pause(live, 0.0) == 0.001


def test_the_budget_is_shared() -> None:
    """Past a burst everybody waits until it is paid."""
    pace, live = Pace(0.5), _live(0.001, 1)
    pace.spend(0.4, now=0.0)
    assert pace.overdrawn(0.0) == 0.0
    pace.spend(0.6, now=0.0)
    assert pace.overdrawn(0.0) == pytest.approx(1.0 / 0.5 - BURST_SECONDS)
    assert pace.pause(live, 0.5) == pytest.approx(1.0 / 0.5 - BURST_SECONDS - 0.5)
    assert pace.overdrawn(2.0) == 0.0
    assert pace.pause(live, 100.0) == 0.001
