"""Ops turn any window into any other, and say no more than needed."""

import json
import sys
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, strategies as st

from sa_notify.live.diff import Op, apply, by_key, diff
from sa_notify.live.query import Row

SCALARS = st.sampled_from([None, True, False, 1, 0, 1.0, 0.0, -0.0, "1", "true", "NaN"])
VALUES = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.sampled_from("xy"), SCALARS)
COLUMNS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)
ROWS = st.lists(st.tuples(st.sampled_from("pqrstuvw"), COLUMNS), unique_by=lambda row: row[0], max_size=8)


def _diff(old: list[Row], new: list[Row]) -> list[Op]:
    return diff(by_key(old), by_key(new))


def _json(rows: list[Row]) -> str:
    """Exactly what a client holds; the order of a row's columns is nobody's business."""
    return json.dumps([[key, sorted(row.items())] for key, row in rows])


def _longest_kept(old: list[str], new: list[str]) -> int:
    """The most rows of both that have the same order in both, by trying all."""
    place = {key: index for index, key in enumerate(old)}
    places = [place[key] for key in new if key in place]
    sizes = range(len(places), 0, -1)
    return next((n for n in sizes if any(list(c) == sorted(c) for c in combinations(places, n))), 0)


@given(ROWS, ROWS)
def test_ops_applied_give_the_target(old: list[Row], new: list[Row]) -> None:
    """Whatever the lists, and after the ops were JSON: a client holds exactly the target."""
    ops = json.loads(json.dumps(_diff(old, new)))

    assert _json(new) == _json(apply(old, ops))


@given(ROWS, ROWS)
def test_no_op_is_superfluous(old: list[Row], new: list[Row]) -> None:
    """Rows that stay as they are appear in no op, and the fewest rows move."""
    ops = _diff(old, new)

    before, after = dict(old), dict(new)
    kept = {key for key in before.keys() & after.keys() if before[key].keys() <= after[key].keys()}
    named: dict[str, list[str]] = {"remove": [], "insert": [], "move": [], "update": []}
    for op in ops:
        named[op[0]].append(op[2] if op[0] == "insert" else op[1])
    assert [key for key, _ in old if key not in kept] == named["remove"]
    assert [key for key, _ in new if key not in kept] == named["insert"]
    orders = [[key for key, _ in rows if key in kept] for rows in (old, new)]
    assert len(kept) - _longest_kept(*orders) == len(named["move"]) == len({*named["move"]})
    changed = {key for key in kept if _json([("", before[key])]) != _json([("", after[key])])}
    assert changed == set(named["update"])
    assert len(named["update"]) == len(changed)


@given(st.permutations("pqrstuvw"))
def test_the_fewest_rows_move(order: list[str]) -> None:
    """Of any reordering: all but a longest sequence that keeps its order."""
    rows: list[Row] = [(key, {}) for key in "pqrstuvw"]
    ops = _diff(rows, [(key, {}) for key in order])

    assert {op[0] for op in ops} <= {"move"}
    assert len(ops) == len(order) - _longest_kept(list("pqrstuvw"), order)


@given(ROWS, ROWS)
def test_updates_carry_changed_columns_only(old: list[Row], new: list[Row]) -> None:
    """A column that stays the same is not sent again."""
    before, after = dict(old), dict(new)
    for op in _diff(old, new):
        if op[0] == "update":
            for name, value in op[2].items():
                assert json.dumps(after[op[1]][name]) == json.dumps(value)
                assert name not in before[op[1]] or json.dumps(before[op[1]][name]) != json.dumps(value)


@pytest.mark.parametrize(("one", "other"), [(1, True), (1, 1.0), (0, False), (0.0, -0.0), ([1], [True])])
def test_what_equals_in_python_may_differ_in_json(one: Any, other: Any) -> None:
    """1, 1.0 and true are three values to a browser."""
    assert [["update", "k", {"a": other}]] == _diff([("k", {"a": one})], [("k", {"a": other})])


def test_a_lost_column_replaces_the_row() -> None:
    """Clients merge updates, so that a column can't be taken away by one."""
    ops = _diff([("k", {"a": 1, "b": 2}), ("l", {})], [("k", {"a": 1}), ("l", {})])

    assert ops == [["remove", "k"], ["insert", 0, "k", {"a": 1}]]


def test_a_row_that_jumps_is_one_move() -> None:
    """The last row to the front: the others did not move."""
    rows = [(key, {"v": 1}) for key in "abcdef"]

    assert _diff(rows, [rows[-1], *rows[:-1]]) == [["move", "f", 0]]
    assert _diff(rows, [*rows[1:], rows[0]]) == [["move", "a", 5]]


def test_repeated_rowkeys_are_refused() -> None:
    """Two rows of one name can't be told apart by a client."""
    with pytest.raises(ValueError, match="repeats"):
        _diff([], [("k", {}), ("k", {})])


@pytest.mark.parametrize(
    "op", [["remove", "x"], ["insert", 0, "k", {}], ["move", "k", 1], ["update", "x", {}]]
)
def test_ops_that_do_not_fit_are_noticed(op: list[Any]) -> None:
    """The reference never makes something up for a row it does not hold."""
    with pytest.raises(ValueError):
        apply([("k", {})], [op])


def test_the_work_grows_with_n_log_n() -> None:
    """Ten times the rows of the worst kind are far less than a hundred times the steps."""
    steps = [_steps(size) for size in (200, 2000)]

    assert steps[1] < steps[0] * 20


def _steps(size: int) -> int:
    """Lines that run for a diff of a list with its reverse."""
    rows: list[Row] = [(str(number), {"n": number}) for number in range(size)]
    lines = [0]

    def trace(frame: Any, event: str, _argument: Any) -> Any:
        lines[0] += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        ops = _diff(rows, rows[::-1])
    finally:
        sys.settrace(before)
    assert len(ops) == size - 1
    return lines[0]
