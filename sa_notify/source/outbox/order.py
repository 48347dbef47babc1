"""The order in which transactions, and the changes of each, really happened."""

from collections.abc import Iterable

from sa_notify.change import Change
from sa_notify.source.outbox.nesting import Step, in_order
from sa_notify.source.outbox.reader import Row
from sa_notify.source.outbox.rows import changes
from sa_notify.source.payloads import Grouped


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
