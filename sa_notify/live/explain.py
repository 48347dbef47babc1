"""How a live query is kept up to date, and why so: what ``sa-notify explain`` prints."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from sa_notify.live.need import need_of
from sa_notify.live.plan import Plan, TablePlan
from sa_notify.live.predicate import Interval, Points
from sa_notify.live.query import Query, Reading
from sa_notify.live.state import LiveQuery
from sa_notify.live.window import Window

Tier = Literal["patch", "shared page", "page", "timed"]

_TIERS: dict[Tier, str] = {
    "patch": "a row that keeps its place is read by its key; what moves rows has the page read again",
    "shared page": "the page is read again, in one statement with all of its shape that are due",
    "page": "the page is read again, by itself",
    "timed": "the page is read every {refresh:g} s, because a change of it could go unannounced",
}


@dataclass(frozen=True, slots=True)
class Explained:
    """One query.

    :param tier: the cheapest way in which a change of concern can be followed.
    :param why: what would have to be otherwise for a cheaper one.
    :param tables: each with what of it matters: columns, values that the index asks for.
    """

    name: str
    tier: Tier
    way: str
    why: tuple[str, ...]
    tables: tuple[tuple[str, str, str], ...]
    order: str
    per_change: tuple[str, ...]


def explain(query: Query, reading: Reading) -> Explained:
    """What the hub would make of a reading."""
    live = LiveQuery("", query)
    live.settle(reading)
    live.show(Window(dict(reading.rows), reading.total, 1))
    tier = _tier(live)
    return Explained(
        name=query.name,
        tier=tier,
        way=_TIERS[tier].format(refresh=query.refresh),
        why=tuple(_why(live, tier)),
        tables=tuple(_table(live, table) for table in sorted(reading.tables)),
        order=_order(live),
        per_change=tuple(_per_change(live, tier)),
    )


def _tier(live: LiveQuery) -> Tier:
    if live.doubts:
        return "timed"
    if live.query.shared is None:
        return "page"
    return "shared page" if live.rows is None else "patch"


def _why(live: LiveQuery, tier: Tier) -> Iterator[str]:
    yield from live.doubts
    plan = live.plan
    if tier == "timed":
        return
    if plan is None or plan.rows is None:
        yield (
            "rows can't be followed one by one: that takes select() of one model or of columns with its "
            "primary key, and no DISTINCT, GROUP BY, aggregates, joins that repeat rows, views, SQL written "
            "as text or functions of your own"
        )
    elif not plan.rows.total:
        yield "the order leaves rows equal: end order_by() with the primary key"
    elif live.rows is None:
        yield (
            "changes of the table say less than it takes: it is a partition or has some, or its columns are "
            "of other types than the model's"
        )
    if live.query.shared is None:
        yield "it can't be read together with others of its shape"


def _table(live: LiveQuery, table: str) -> tuple[str, str, str]:
    plan = live.plan_of(table)
    if plan is None:
        return (table, "any", "every change")
    columns = "any" if plan.columns is None else ", ".join(sorted(plan.columns)) or "none"
    return (table, columns, _index(plan))


def _index(plan: TablePlan) -> str:
    condition = plan.condition
    asked = {points.column for points in condition.points}
    spans = [interval for interval in condition.intervals if interval.column not in asked]
    found = [*map(_points, condition.points), *map(_interval, spans)]
    if found:
        return " and ".join(found)
    return "a condition on its rows" if condition.columns else "every row"


def _points(points: Points) -> str:
    values = sorted(map(str, points.values))
    shown = ", ".join(values[:3]) + (", ..." if len(values) > 3 else "")
    return f"{points.column} = {shown}" if len(values) == 1 else f"{points.column} in ({shown})"


def _interval(interval: Interval) -> str:
    low = "" if interval.low is None else f"{interval.low} {'<=' if interval.low_inclusive else '<'} "
    high = "" if interval.high is None else f" {'<=' if interval.high_inclusive else '<'} {interval.high}"
    return f"{low}{interval.column}{high}"


def _order(live: LiveQuery) -> str:
    listing = _plan(live).listing
    if listing is None or listing.order is None:
        return "not known here: a row that comes, goes or moves has the page read"
    parts = (f"{one.column}{' desc' if one.descending else ''}" for one in listing.order)
    return f"{', '.join(parts)}: rows outside the page are told from those on it"


def _per_change(live: LiveQuery, tier: Tier) -> Iterator[str]:
    if any(live.plan_of(table) is not None for table in live.tables or ()):
        yield "0 statements for other columns, and for rows that the index does not ask for"
    if tier != "timed" and any(need_of(live, table).columns for table in live.tables or ()):
        yield "1 by keys for all queries of a table, where changes don't carry new values"
    total = live.window is not None and live.window.total is not None
    if tier == "patch":
        if (listing := _plan(live).listing) and listing.order is not None and listing.limit is not None:
            yield "0 for a row that stays outside the page" + (", whose total is counted" if total else "")
        yield "1 by key for a row that keeps its place"
    yield "1 for anything else" + (", 1 more for the total" if total else "")


def _plan(live: LiveQuery) -> Any:
    return live.plan or Plan()
