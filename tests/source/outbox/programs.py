"""Transactions of nested statements: what happened in them, and what their triggers wrote.

A statement changes some rows of its table; then its row triggers run statements, one level deeper, which
may change any row again; when it ends, its own capture writes down what it changed, if its table is
captured at all, in one piece or several. Each version of a row is one more than the last.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from hypothesis import strategies as st

from sa_notify.change import Change, Op
from sa_notify.source.outbox.nesting import Step

TABLES = ("public.s", "public.t")


@dataclass(frozen=True)
class Statement:
    """One of them.

    :param table: ``None`` for one that is not captured.
    :param rows: of its table.
    :param pieces: sizes of what its capture writes down at once.
    """

    table: str | None
    rows: tuple[str, ...]
    pieces: int
    nested: tuple["Statement", ...] = ()


def _statements(nested: st.SearchStrategy[tuple[Statement, ...]]) -> st.SearchStrategy[Statement]:
    rows = st.lists(st.sampled_from("abcd"), min_size=1, max_size=4, unique=True).map(tuple)
    return st.builds(Statement, st.sampled_from((*TABLES, None)), rows, st.integers(1, 3), nested)


_innermost = st.just(())
programs = st.lists(
    st.recursive(
        _statements(_innermost),
        lambda inner: _statements(st.lists(inner, max_size=3).map(tuple)),
        max_leaves=8,
    ),
    min_size=1,
    max_size=4,
)


@dataclass
class Run:
    """What came of a program.

    :ivar written: what the triggers wrote, in that order.
    :ivar happened: changes of each row, in order.
    :param lives: rows come and go instead of counting, and changes carry no values.
    """

    lives: bool = False
    written: list[Step] = field(default_factory=list)
    happened: dict[tuple[str, str], list[Change]] = field(default_factory=lambda: defaultdict(list))
    _versions: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))

    def execute(self, statement: Statement, depth: int = 1) -> None:
        changes = [self._change(statement.table, row) for row in statement.rows] if statement.table else []
        for nested in statement.nested:
            self.execute(nested, depth + 1)
        for begin in range(0, len(changes), statement.pieces):
            self.written.append(Step(depth, tuple(changes[begin : begin + statement.pieces])))

    def _change(self, table: str, row: str) -> Change:
        old = self._versions[table, row]
        self._versions[table, row] = old + 1
        # a dead row can only be made, a live one only be changed or deleted
        op: Op = ("insert", "update", "delete")[old % 3] if self.lives else "update"  # type: ignore[assignment]
        change = Change(table, op, (row,), None, {} if self.lives else {"version": (old, old + 1)})
        self.happened[table, row].append(change)
        return change
