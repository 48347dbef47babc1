"""``make oracle-bugs`` has its places; see :mod:`tests.oracle.hunt`."""

import pytest

from tests.oracle.hunt import chosen
from tests.oracle.kinds import KINDS
from tests.oracle.lane import DELIVERIES
from tests.oracle.seeding import bugs, seeded


def test_each_bug_has_its_place() -> None:
    """What changes under a seeded bug changes the list too."""
    for name, bug in bugs().items():
        with seeded(name):
            pass
        assert set(bug.kinds or ()) <= set(KINDS)
        assert set(bug.deliveries or ()) <= set(DELIVERIES)
    assert len(bugs()) >= 70


def test_a_hunt_can_be_taken_up_again() -> None:
    names = [name for name, _ in chosen("", "")]
    assert [name for name, _ in chosen("", names[-2])] == names[-2:]
    assert [name for name, _ in chosen("total,order", "")] == [
        n for n in names if "total" in n or "order" in n
    ]
    with pytest.raises(ValueError, match="nobody"):
        next(chosen("", "nobody"))
