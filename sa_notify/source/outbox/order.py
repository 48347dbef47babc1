"""The order in which the changes of a transaction, and transactions, really happened."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sa_notify.change import Change
from sa_notify.source.outbox.reader import Row
from sa_notify.source.outbox.rows import changes
from sa_notify.source.payloads import Grouped


class Step(NamedTuple):
    """What one row of the outbox tells."""

    depth: int
    changes: tuple[Change, ...]


def changesets(rows: Iterable[Row]) -> list[Grouped]:
    """Rows in order of ``seq`` as the changes of transactions."""
    return [(int(xid), _changes(own)) for xid, own in by_transaction(rows).items()]


def _changes(rows: list[Row]) -> list[Change]:
    steps = [Step(row.depth, changes(row.relation, row.body)) for row in rows]
    if len({step.depth for step in steps}) > 1:
        steps = in_order(steps)
    return [change for step in steps for change in step.changes]


def by_transaction(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Rows in order of ``seq``, by their transaction, in order of what each transaction wrote last.

    Whoever changed a row later did so after the earlier one's commit, and so wrote all of its own after
    it. Ordered by transaction numbers, which are drawn before rows are locked, versions would be swapped.
    """
    found: dict[str, list[Row]] = {}
    for row in rows:
        own = found.pop(row.xid, [])
        own.append(row)
        found[row.xid] = own
    return found


def in_order(steps: Sequence[Step]) -> list[Step]:
    """Steps of one transaction as they happened.

    A statement's changes are written when it ends, after those of the statements that its row triggers
    ran: they go before the deeper ones that were written just before. Unless the values say otherwise:
    a trigger of an uncaptured table leaves deeper changes that no captured statement encloses.
    """
    placed: list[Step] = []
    for step in steps:
        at = len(placed)
        while at and placed[at - 1].depth > step.depth:
            at -= 1
        if at < len(placed) and _came_later(step, placed[at:]):
            at = len(placed)
        placed.insert(at, step)
    return placed


def _came_later(step: Step, run: Sequence[Step]) -> bool:
    """Whether a row that both changed shows that the run was first."""
    first: dict[Any, Change] = {}
    last: dict[Any, Change] = {}
    for change in (change for each in run for change in each.changes):
        first.setdefault((change.table, change.key), change)
        last[change.table, change.key] = change
    return any(
        _chained(last[key], change) and not _chained(change, first[key])
        for change in step.changes
        if (key := (change.table, change.key)) in last
    )


def _chained(earlier: Change, later: Change) -> bool:
    """Whether the one leaves what the other found; not, where no values tell."""
    shared = earlier.values.keys() & later.values.keys()
    return bool(shared) and all(earlier.values[name][1] == later.values[name][0] for name in shared)
