"""Rows of a window that were read again by their keys."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sa_notify.change import Key
from sa_notify.live.diff import Op, diff
from sa_notify.live.ordering import OrderColumn
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
    asked, held = dict.fromkeys(map(rowkey, keys)), live.window.by_key
    if asked.keys() != rows.keys() or not asked.keys() <= held.keys():
        return None
    old = {key: held[key] for key in asked}
    new = {key: dict(rows[key]) for key in asked}
    listing = None if live.plan is None else live.plan.listing
    order = () if listing is None else listing.order or ()
    if any(_has_moved(order, old[key], new[key]) for key in asked):
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
    rows = window.by_key
    if gone:
        rows = {key: row for key, row in rows.items() if key not in gone}
    if changed:
        rows = {key: {**row, **changed[key]} if key in changed else row for key, row in rows.items()}
    total = None if window.total is None else window.total + gained - len(gone)
    return Window(rows, total, window.version + 1)
