"""What a change does to one window: nothing, one row of it, or what only reading again can tell."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sa_notify.live.images import Image
from sa_notify.live.known import Known
from sa_notify.live.listing import Listing
from sa_notify.live.logic import TRUE
from sa_notify.live.ordering import SortKey, key_of_row, key_of_values
from sa_notify.live.plan import TablePlan
from sa_notify.live.state import LiveQuery


@dataclass(frozen=True, slots=True)
class Effect:
    """What to do about a change.

    :param reread: read the query again.
    :param patch: read this row of it again.
    :param remove: take this row out of it: nothing takes its place.
    :param gained: rows that the total has gained.
    """

    reread: bool = False
    patch: bool = False
    remove: bool = False
    gained: int = 0


NOTHING: Final = Effect()
REREAD: Final = Effect(reread=True)
PATCH: Final = Effect(patch=True)
REMOVE: Final = Effect(remove=True)
_GAINED: Final = {gained: Effect(gained=gained) for gained in (-1, 1)} | {0: NOTHING}


def effect_of(live: LiveQuery, known: Known) -> Effect:
    """What a change of a table that the query reads does to its window.

    Whatever is not known counts as a reason to read again.
    """
    change = known.change
    only = live.only.get(change.table)
    if only is not None and change.key is not None and change.key not in only:
        return NOTHING
    plan = live.plan_of(change.table)
    if plan is None or change.key is None:
        return REREAD
    changed = known.columns
    if changed is not None and plan.columns is not None and plan.columns.isdisjoint(changed):
        return NOTHING
    rows = live.rows_plan(change.table)
    if changed is not None and rows is not None and rows.placing.isdisjoint(changed):
        return PATCH if known.rowkey in live.rowkeys else NOTHING
    return _by_values(live, known, plan)


def _by_values(live: LiveQuery, known: Known, plan: TablePlan) -> Effect:
    change = known.change
    images = known.images(live.own[change.table].key)
    before, after = (0 if image is None else plan.condition.outcomes(image) for image in images)
    if before & TRUE and _is_outside(live, known):
        before = 0
    if not (before | after) & TRUE:
        return NOTHING
    # of a late change others may have been decided about that came after it
    if not after & TRUE and known.rowkey in live.rowkeys and not known.late and _is_all(live, change.table):
        return REMOVE
    listing = live.listing(change.table)
    if listing is None or not listing.exact or not _is_certain(after):
        return REREAD
    if after == TRUE and _stays(live, listing, known):
        return PATCH
    if not _is_certain(before):
        return REREAD
    there = (images[0] if before == TRUE else None, images[1] if after == TRUE else None)
    return _listed(live, listing, there)


def _is_outside(live: LiveQuery, known: Known) -> bool:
    """Whether a row was not in the result before, or behind the window where that changes nothing."""
    rows, window = live.rows_plan(known.change.table), live.window
    if rows is None or window is None or not rows.begins or known.rowkey in live.rowkeys:
        return False
    return window.total is None or _is_all(live, known.change.table)


def _is_all(live: LiveQuery, table: str) -> bool:
    """Whether a window has all rows of the result, which rows of the table make one for one."""
    rows, window = live.rows_plan(table), live.window
    if rows is None or window is None or not rows.begins:
        return False
    return rows.limit is None or len(window.by_key) < rows.limit


def _stays(live: LiveQuery, listing: Listing, known: Known) -> bool:
    """Whether a row of the window that is still in the result keeps its place."""
    if listing.order is None or known.columns is None or known.rowkey not in live.rowkeys:
        return False
    return {one.column for one in listing.order}.isdisjoint(known.columns)


def _is_certain(outcomes: int) -> bool:
    """Whether it is known if the row is in the result, LIMIT and OFFSET aside."""
    return outcomes == TRUE or not outcomes & TRUE


def _listed(live: LiveQuery, listing: Listing, there: tuple[Image, Image]) -> Effect:
    """A row has come, left or stayed.

    :param there: what it was and is, where it was or is in the result.
    """
    window = live.window
    if window is None or listing.order is None:
        return REREAD
    sides = {_side(live, listing, image) for image in there if image is not None}
    # one that comes or goes behind a full window moves nothing in it; one before it, if it stays there
    if sides != {1} and not (sides == {-1} and None not in there):
        return REREAD
    if window.total is None:
        return NOTHING
    return _GAINED[(there[1] is not None) - (there[0] is not None)]


def _side(live: LiveQuery, listing: Listing, image: Mapping[str, Any]) -> int:
    """Before the window (-1), behind it (1), or within or not known (0).

    Behind a window that is not full, or before one that begins the list, is within.
    """
    at = key_of_values(listing.order or (), image)
    if live.edges is None:
        live.edges = _edges(live, listing)
    first, last = live.edges
    if at is None or first is None or last is None:
        return 0
    if listing.offset and at < first:
        return -1
    full = listing.limit is not None and live.window is not None and len(live.window.by_key) >= listing.limit
    return 1 if full and at > last else 0


def _edges(live: LiveQuery, listing: Listing) -> tuple[SortKey | None, SortKey | None]:
    if live.window is None or not live.window.by_key or listing.order is None:
        return (None, None)
    values = live.window.by_key.values()
    first, last = next(iter(values)), next(reversed(values))
    return (key_of_row(listing.order, first), key_of_row(listing.order, last))
