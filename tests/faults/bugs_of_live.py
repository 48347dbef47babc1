"""Defects of live queries that quick checks had missed: each has a test of its own since then."""

from typing import Final

from tests.faults.bug import Bug

_LOOKS, _PLANS = "tests/live/test_hub_looks.py", "tests/live/test_hub_plans.py"
_REACH = "tests/live/test_plan_reach.py"

LIVE: Final = [
    Bug(
        "a row that moved is patched where it stands",
        "sa_notify/live/patch.py",
        "return any(old.get(column.attribute) != new.get(column.attribute) for column in order)",
        "return False",
        (f"{_LOOKS}::test_a_row_that_has_moved_since_is_not_shown_where_it_stood",),
    ),
    Bug(
        "a row that came back stays away",
        "sa_notify/live/noting.py",
        "elif known.rowkey in live.gone:  # it has come back\n        live.dirty = True",
        "elif known.rowkey in live.gone:\n        pass",
        (f"{_LOOKS}::test_a_row_that_came_back_where_it_was_stays",),
    ),
    Bug(
        "values of any read decide",
        "sa_notify/live/known.py",
        "Known(self.change, looked if sees else None, late=True)",
        "Known(self.change, looked, late=True)",
        (f"{_LOOKS}::test_what_was_read_before_the_change_says_nothing_of_it",),
    ),
    Bug(
        "what may not be asked for is forgotten",
        "sa_notify/live/hearing.py",
        "                note(live, xid, known.answered(xid, None))",
        "                pass",
        (f"{_LOOKS}::test_what_can_not_be_looked_up_while_a_page_is_read_has_it_read_again",),
    ),
    Bug(
        "what is looked up may be a divergence",
        "sa_notify/live/hearing.py",
        "self._proofs.note_unknown(held.known.change.table, held.xid)",
        "pass",
        (f"{_LOOKS}::test_what_waits_for_its_values_accuses_nobody",),
    ),
    Bug(
        "where a query stands in its group is not looked at again",
        "sa_notify/live/index.py",
        " and all(group.has(live) for group in groups):",
        ":",
        (f"{_PLANS}::test_a_query_is_found_by_what_its_last_reading_asked_for",),
    ),
    Bug(
        "a table of which one place is known is decided by that",
        "sa_notify/live/plan.py",
        "if len(standing) == bodies.rendered[key]",
        "if standing",
        (f"{_REACH}::test_points",),
    ),
    Bug(
        "any key is its text",
        "sa_notify/live/identifying.py",
        "    return all(_is_text(column.type) for column in columns)",
        "    return True",
        (f"{_REACH}::test_keys_whose_text_is_certain",),
    ),
    Bug(
        "NOT a IS true is (NOT a) IS true",
        "sa_notify/live/conditions.py",
        "or not _stands_alone(left):",
        ":",
        ("tests/live/test_predicate.py::test_postgresql_agrees",),
    ),
    Bug(
        "equal parameters are the same",
        "sa_notify/live/together.py",
        "return any(freeze(value) != first for value in values)",
        "return any(value != values[0] for value in values)",
        ("tests/live/test_together.py::test_values_that_python_takes_for_equal_are_told_apart",),
    ),
]
