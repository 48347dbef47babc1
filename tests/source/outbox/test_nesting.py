"""Inside a transaction a row's changes come as they happened, whatever triggers ran inside each other."""

from collections import defaultdict
from collections.abc import Iterable

from hypothesis import example, given, settings

from sa_notify.change import Change
from sa_notify.source.outbox.nesting import Step, in_order
from tests.source.outbox.programs import Run, Statement, programs


def _by_row(steps: Iterable[Step]) -> dict[tuple[str, str], list[Change]]:
    found: dict[tuple[str, str], list[Change]] = defaultdict(list)
    for change in (change for step in steps for change in step.changes):
        assert change.key
        found[change.table, change.key[0]].append(change)
    return found


def _ran(program: Iterable[Statement]) -> Run:
    run = Run()
    for statement in program:
        run.execute(statement)
    return run


def _update(*nested: Statement, table: str | None = "public.t", rows: str = "a") -> Statement:
    return Statement(table, tuple(rows), 3, nested)


@given(programs)
@example([_update(_update()), _update(_update())])
@example([_update(_update(), table=None), _update(_update())])
@example([_update(_update(rows="d"), rows="abcd")])
@example([_update(_update(_update(_update())))])
@settings(max_examples=400, deadline=None)
def test_each_rows_changes_come_as_they_happened(program: list[Statement]) -> None:
    """Any number of statements, nested in any way, of tables captured or not, written in pieces."""
    run = _ran(program)

    assert _by_row(in_order(run.written)) == run.happened


@given(programs)
def test_nothing_is_added_or_left_out(program: list[Statement]) -> None:
    """What comes is what was written, and what was written in order stays in it."""
    written = _ran(program).written
    ordered = in_order(written)

    assert sorted(map(repr, ordered)) == sorted(map(repr, written))
    for depth in {step.depth for step in written}:
        assert [s for s in ordered if s.depth == depth] == [s for s in written if s.depth == depth]


def test_what_would_take_too_long_is_told_by_whole_tables() -> None:
    """A statement in a hundred pieces around a hundred thousand others: seconds, if it were put in order."""
    inner = [Step(2, (Change("public.log", "insert", (str(n),)),)) for n in range(100_000)]
    outer = [Step(1, (Change("public.t", "update", (str(n),)),)) for n in range(100)]

    told = [change for step in in_order(inner + outer) for change in step.changes]

    assert told == [Change("public.log", "bulk"), Change("public.t", "bulk")]
