"""The order in which transactions, and the changes of each, really happened."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Final

from sa_notify.change import Change
from sa_notify.source.outbox.nesting import Step, in_order
from sa_notify.source.outbox.reader import Row
from sa_notify.source.outbox.rows import all_changes
from sa_notify.source.payloads import Grouped

#: Characters, about, that are parsed and handed over together.
PORTION: Final = 128 * 1024

_xid = attrgetter("xid")


def changesets(rows: Iterable[Row]) -> Iterator[list[Grouped]]:
    """Rows in order of ``seq`` as the changes of transactions, portion by portion.

    A long transaction is spread over several, so that others work on its beginning meanwhile, unless it
    takes all of its changes to know their order.
    """
    for _, portion in groupby(_numbered(by_transaction(rows).values()), itemgetter(0)):
        own = [row for _, row in portion]
        steps = zip(own, all_changes([(row.relation, row.body) for row in own]), strict=True)
        yield [(int(xid), _changes(list(group))) for xid, group in groupby(steps, lambda step: step[0].xid)]


def by_transaction(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Rows in order of ``seq``, by their transaction, in order of what each transaction wrote last.

    Whoever changed a row later did so after the earlier one's commit, and so wrote all of its own after
    it. Ordered by transaction numbers, which are drawn before rows are locked, versions would be swapped.
    """
    found: dict[str, list[Row]] = {}
    for xid, group in groupby(rows, _xid):
        own = found.pop(xid, [])
        own += group
        found[xid] = own
    return found


def _numbered(transactions: Iterable[list[Row]]) -> Iterator[tuple[int, Row]]:
    """The rows, each with the number of its portion."""
    offset = 0
    for rows in transactions:
        begin, whole = offset // PORTION, _is_nested(rows)
        for row in rows:
            yield begin if whole else offset // PORTION, row
            offset += len(row.body)


def _is_nested(rows: Sequence[Row]) -> bool:
    return len(rows) > 1 and len({row.depth for row in rows}) > 1


def _changes(steps: Sequence[tuple[Row, tuple[Change, ...]]]) -> list[Change]:
    if _is_nested([row for row, _ in steps]):
        ordered = in_order([Step(row.depth, changes) for row, changes in steps])
        return [change for step in ordered for change in step.changes]
    return [change for _, changes in steps for change in changes]
