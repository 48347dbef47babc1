"""When the reader reads next, with changes that come as often as is said."""

import random

import pytest

from sa_notify.source.outbox.pace import AWAKE_SECONDS, BUSY_SECONDS, CROWDED_SECONDS, Pace

SECONDS = 20


def reads_of(rate: float) -> tuple[float, list[float]]:
    """Statements for a change, and how long each change waited for one, when so many come in a second."""
    chance, pace, now, coming = random.Random(5), Pace(bell=True), 0.0, 0.0
    waited: list[float] = []
    reads = 0
    pace.wake(now)
    while now < SECONDS:
        now += pace.seconds
        reads += 1
        found = 0
        while coming <= now:
            waited.append(now - coming)
            coming += chance.expovariate(rate)
            found += 1
        if found:
            pace.found(now, found)
        else:
            pace.found_nothing()
    return reads / len(waited), sorted(waited)


def test_changes_that_come_closely_are_read_together() -> None:
    statements, waited = reads_of(2_000)
    assert statements < 0.1
    assert waited[-1] <= CROWDED_SECONDS + 1e-9


def test_saturating_writers_do_not_wait_for_a_crowd() -> None:
    statements, waited = reads_of(15_000)
    assert statements < 0.1
    assert waited[len(waited) * 99 // 100] < AWAKE_SECONDS


@pytest.mark.parametrize("rate", [10, 50, 200])
def test_few_changes_are_read_as_soon_as_ever(rate: float) -> None:
    _, waited = reads_of(rate)
    assert waited[-1] <= AWAKE_SECONDS + 1e-9


def test_who_waits_for_each_change_before_the_next_waits_for_no_crowd() -> None:
    pace = Pace(bell=True)
    for n in range(50):
        pace.found(n / 100)
        assert pace.seconds == BUSY_SECONDS


def test_a_crowd_that_is_gone_is_forgotten_at_once() -> None:
    pace = Pace(bell=True)
    for n in range(50):
        pace.found(n / 100, 2)
    assert pace.seconds == CROWDED_SECONDS
    pace.found_nothing()
    assert pace.seconds == AWAKE_SECONDS
