"""``make seeded-bugs`` has its places and its checks; see :mod:`tests.faults.seeded`."""

import re
from pathlib import Path

import pytest

from tests.faults.bugs import BUGS
from tests.faults.faults import FAULTS
from tests.faults.seeded import chosen, seeded

_ROOT = Path(__file__).parents[2]


def test_each_bug_has_its_place_and_its_checks() -> None:
    """What changes under a seeded bug changes the list too; names are no other's."""
    assert len({bug.name for bug in BUGS}) == len(BUGS) >= 12
    for bug in BUGS:
        text = (_ROOT / bug.file).read_text("utf-8")
        assert seeded(bug, text) != text
        with pytest.raises(ValueError, match="0 times"):
            seeded(bug, "")
        for check in bug.checks:
            assert check == "oracle" or _exists(check), check


def test_a_run_can_be_taken_up_again() -> None:
    assert chosen("", "") == BUGS
    assert chosen("", BUGS[-2].name) == BUGS[-2:]
    assert chosen("revocation", "") == [bug for bug in BUGS if "revocation" in bug.name]
    with pytest.raises(ValueError, match="nobody's"):
        chosen("", "nobody's")


def _exists(check: str) -> bool:
    if check.startswith("faults:"):
        return any(check.partition(":")[2] in fault.name for fault in FAULTS)
    module, _, name = check.partition("::")
    text = (_ROOT / module).read_text("utf-8")
    return not name or bool(re.search(rf"^def {name}\(", text, re.MULTILINE))
