"""Inside a transaction changes come in the order in which they happened, nested triggers included."""

import pytest
from sqlalchemy import Engine

from sa_notify.change import Change, Op
from sa_notify.source.outbox.nesting import Step, in_order
from sa_notify.source.outbox.order import by_transaction
from sa_notify.source.outbox.reader import Row
from tests.protocol import wait_for
from tests.source.outbox.conftest import Follow
from tests.source.outbox.counters import TABLE, make_counters
from tests.source.outbox.outboxes import execute


def _change(key: str, old: int | None, new: int | None, op: Op = "update") -> Change:
    return Change("public.t", op, (key,), ("v",), {"v": (old, new)})


def _step(depth: int, *changes: Change) -> Step:
    return Step(depth, changes)


OUTER, INNER = _step(1, _change("a", 0, 1)), _step(2, _change("a", 1, 50))


@pytest.mark.parametrize(
    ("written", "happened"),
    [
        ([OUTER], [OUTER]),
        ([INNER, OUTER], [OUTER, INNER]),
        ([_step(3, _change("b", 0, 1)), INNER, OUTER], [OUTER, INNER, _step(3, _change("b", 0, 1))]),
        # two packs of one statement stay in their order
        ([INNER, OUTER, _step(1, _change("c", 0, 1))], [OUTER, _step(1, _change("c", 0, 1)), INNER]),
        # what came before the inner statements stays before
        ([_step(1, _change("z", 0, 1)), INNER, OUTER], [_step(1, _change("z", 0, 1)), OUTER, INNER]),
        # a trigger of an uncaptured table wrote first: the values say so
        ([_step(2, _change("a", 0, 1)), _step(1, _change("a", 1, 2))],) * 2,
        # inserted, then changed by a row trigger
        (
            [_step(2, _change("a", 1, 2)), _step(1, _change("a", None, 1, "insert"))],
            [_step(1, _change("a", None, 1, "insert")), _step(2, _change("a", 1, 2))],
        ),
        # without values the rule holds
        (
            [_step(2, Change("public.t", "update", ("a",))), _step(1, Change("public.t", "update", ("a",)))],
            [_step(1, Change("public.t", "update", ("a",))), _step(2, Change("public.t", "update", ("a",)))],
        ),
    ],
)
def test_a_statement_comes_before_those_of_its_triggers(written: list[Step], happened: list[Step]) -> None:
    """Deeper changes that were written just before go after it, unless a row's values contradict."""
    assert in_order(written) == happened


def test_transactions_go_by_what_they_wrote_last() -> None:
    """Who drew the last number changed a common row last."""
    rows = [Row(seq, xid, 1, "t", "") for seq, xid in ((1, "9"), (2, "5"), (3, "9"), (4, "7"), (5, "5"))]
    assert list(by_transaction(rows)) == ["9", "7", "5"]
    assert [row.seq for row in by_transaction(rows)["5"]] == [2, 5]


def test_a_row_trigger_that_writes_the_same_row(outbox: Engine, follow: Follow) -> None:
    """What is told last is what the row holds."""
    make_counters(outbox)
    execute(
        outbox,
        """
        CREATE FUNCTION jump() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF NEW.version < 50 THEN UPDATE counters SET version = NEW.version + 50 WHERE id = NEW.id; END IF;
          RETURN NULL;
        END $$
        """,
        "CREATE TRIGGER a_jump AFTER UPDATE ON counters FOR EACH ROW EXECUTE FUNCTION jump()",
    )
    source = follow().source
    assert source.take([TABLE]) == {TABLE}  # type: ignore[attr-defined]
    execute(outbox, "UPDATE counters SET version = version + 1 WHERE id IN (1, 2)")
    found: list[Change] = []
    wait_for(lambda: found.extend(c for s in source.read() for c in s.changes) or len(found) >= 4, "changes")
    for key in ("1", "2"):
        assert [change.values["version"] for change in found if change.key == (key,)] == [(0, 1), (1, 51)]
