"""Rows of a window that were read again by their keys."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sa_notify.change import Key
from sa_notify.live.diff import Op, diff
from sa_notify.live.ordering import OrderColumn
from sa_notify.live.query import Row
from sa_notify.live.rowkey import rowkey
from sa_notify.live.state import LiveQuery
from sa_notify.live.window import Window

#: A patch of more rows than this, and of more than half of the window, would cost more than reading it all.
FEW = 10


def worth_it(live: LiveQuery) -> bool:
    """Whether reading the rows that are due costs less than reading the window."""
    if live.whole or live.query.shared is None:
        return False
    rows = len(live.rowkeys)
    if len(live.due) > max(FEW, rows // 2):
        return False
    return not live.patch_cost > live.cost > 0.0


def patched(live: LiveQuery, keys: Sequence[Key], rows: Mapping[str, Mapping[str, Any]]) -> list[Op] | None:
    """Ops that put rows into the window; ``None`` when they don't fit it, so that it must be read again.

    A row that is not there any more, or stands elsewhere by now, comes of a change that is on its way.
    """
    if live.window is None or len(rows) != len(keys):
        return None
    asked = {rowkey(key) for key in keys}
    old = [row for row in live.window.rows if row[0] in asked]
    if len(old) != len(asked) or asked != rows.keys():
        return None
    new: list[Row] = [(key, dict(rows[key])) for key, _ in old]
    listing = None if live.plan is None else live.plan.listing
    if listing is not None and listing.order is not None:
        pairs = zip(old, new, strict=True)
        if any(_has_moved(listing.order, before, after) for (_, before), (_, after) in pairs):
            return None
    ops = diff(old, new)
    return ops if all(op[0] == "update" for op in ops) else None


def _has_moved(order: Sequence[OrderColumn], old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether two readings of a row differ in what it is ordered by."""
    return any(old.get(column.attribute) != new.get(column.attribute) for column in order)


def replaced(
    window: Window, changed: Mapping[str, Mapping[str, Any]], gone: Collection[str], gained: int
) -> Window:
    """The next window: some rows have other values, some are gone, and the total has gained some besides."""
    rows = window.rows
    if gone:
        rows = tuple(row for row in rows if row[0] not in gone)
    if changed:
        rows = tuple((key, {**row, **changed[key]} if key in changed else row) for key, row in rows)
    total = None if window.total is None else window.total + gained - len(gone)
    return Window(rows, total, window.version + 1)
