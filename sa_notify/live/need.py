"""Which values of a changed row a query has to know."""

from dataclasses import dataclass
from functools import lru_cache

from sa_notify.change import Change
from sa_notify.live.state import LiveQuery

_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Need:
    """What decides about rows of one table, as far as their values do.

    :param columns: stored names of the columns that do, the key aside.
    :param placing: an update of others is decided without values; ``None`` where that is not known.
    :param key: stored names of the columns of the table's key.
    :param windowed: a row that is not in the window was, if anywhere, behind it: of the old values nothing
        has to be known.
    """

    columns: frozenset[str]
    placing: frozenset[str] | None
    key: tuple[str, ...]
    windowed: bool

    def lacks(self, change: Change) -> bool:
        """Whether reading the row's new values may decide about a change that carries too little."""
        if not self.columns or change.key is None or change.op not in ("insert", "update"):
            return False
        if change.op == "update":
            if not self.windowed:
                return False
            if change.columns is not None and self.placing and self.placing.isdisjoint(change.columns):
                return False
        return not all(column in change.values for column in self.columns)


def need_of(live: LiveQuery, table: str) -> Need:
    """What a query has to know of rows of a table that it reads."""
    plan, rows, own = live.plan_of(table), live.rows_plan(table), live.own.get(table)
    placing = None if rows is None else rows.placing
    key = () if own is None else own.key
    listing, windowed = live.listing(table), _is_windowed(live, table)
    # what is counted is counted by each change in turn, and new values may be those of a later one
    counts = listing is not None and live.window is not None and live.window.total is not None
    if plan is None or table in live.only or (counts and not windowed):
        return _need(_NONE, placing, key, windowed=windowed)
    columns = plan.condition.columns
    if listing is not None and listing.limit is not None:
        columns |= {one.column for one in listing.order or ()}
    return _need(columns.difference(key), placing, key, windowed=windowed)


def _is_windowed(live: LiveQuery, table: str) -> bool:
    """Whether the window tells of any row of a table that it was nowhere before it, nor counted."""
    rows, window = live.rows_plan(table), live.window
    if rows is None or window is None or not rows.begins:
        return False
    return rows.limit is None or window.total is None


# queries of one shape need the same
@lru_cache(maxsize=4096)
def _need(
    columns: frozenset[str], placing: frozenset[str] | None, key: tuple[str, ...], *, windowed: bool
) -> Need:
    return Need(columns, placing, key, windowed)
