"""A short run of the fault lane; `make faults` runs it for as long as one likes."""

import pytest

from tests.faults.faults import FAULTS
from tests.faults.lane import Lane
from tests.faults.oracle import run

#: Beside other tests; `make faults` and `make oracle-service` have the machine for themselves.
PATIENCE = 3.0
#: The quick ones, one of each sort.
_CHOSEN = {
    "listening sessions are killed",
    "PostgreSQL is killed",
    "PostgreSQL dies, a standby takes over",
    "leader is killed",
    "leader - Redis is half open",
    "Redis is emptied",
    "a worker is killed",
    "clients are reset",
    "a wall clock is an hour off",
    "forgeries",
}


def test_live_and_right_or_visibly_not() -> None:
    """After each fault everything is live again and equals its SELECT; nothing was stale and said live."""
    chosen = [fault for fault in FAULTS if fault.name in _CHOSEN]
    assert len(chosen) == len(_CHOSEN)
    report = Lane(1, faults=chosen, clients=4, pages=1, patience=PATIENCE).run(20)
    if report.violations:
        pytest.fail("\n".join(report.lines()), pytrace=False)
    assert report.recoveries


def test_windows_equal_sql_while_dispatchers_are_killed() -> None:
    """The third batch meets a dispatcher that dies; see ``make oracle-service``."""
    assert run(batches=3, clients=2, seed=1, patience=PATIENCE) == []
