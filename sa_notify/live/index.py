"""Which live queries a change may concern, without a look at all the others."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

from sa_notify.change import Key
from sa_notify.live.intervals import Intervals
from sa_notify.live.known import Known
from sa_notify.live.need import Need, need_of
from sa_notify.live.plan import TablePlan
from sa_notify.live.predicate import Interval, Points
from sa_notify.live.state import LiveQuery
from sa_notify.live.terms import NOT_KNOWN, Terms

#: What tells queries apart by what they read of a table: columns that their results may depend on, ``None``
#: where any may; and what they need to know of its rows.
_Sort = tuple[frozenset[str] | None, Need]


class Index:
    """Live queries by what they read: tables, columns, values of a condition, rows of the window."""

    def __init__(self) -> None:
        self._tables: dict[str, dict[_Sort, _Group]] = {}
        self._filed: dict[LiveQuery, list[tuple[str, _Sort, frozenset[Key] | None]]] = {}

    def file(self, live: LiveQuery) -> None:
        """File a query by what its last reading says, instead of where it was."""
        places = [(table, _sort(live, table), live.only.get(table)) for table in live.tables or ()]
        if places == self._filed.get(live):
            return
        self.forget(live)
        self._filed[live] = places
        for table, sort, _ in places:
            group = self._tables.setdefault(table, {}).setdefault(sort, _Group(*sort))
            group.add(live, live.plan_of(table), live.only.get(table))
            group.hold(live, live.rowkeys)

    def forget(self, live: LiveQuery) -> None:
        """Nobody looks at it any more."""
        for table, sort, _ in self._filed.pop(live, ()):
            groups = self._tables[table]
            groups[sort].discard(live)
            if not len(groups[sort]):
                del groups[sort]
            if not groups:
                del self._tables[table]

    def move(self, live: LiveQuery, left: Iterable[str], come: Iterable[str]) -> None:
        """Rows have left a query's window, and others have come."""
        for table, sort, _ in self._filed.get(live, ()):
            self._tables[table][sort].release(live, left)
            self._tables[table][sort].hold(live, come)

    def candidates(self, known: Known) -> Iterable[LiveQuery]:
        """Every query whose result may change, and perhaps some more; no query twice.

        Those that can't do without new values are left out until the change is late.
        """
        groups = self._tables.get(known.change.table)
        if groups is None:
            return ()
        if len(groups) == 1:
            return next(iter(groups.values())).candidates(known)
        return chain.from_iterable(group.candidates(known) for group in groups.values())

    def need(self, table: str) -> Need:
        """What has to be known of a table's rows for all its queries, of which some need something."""
        needs = [need for _, need in self._tables[table] if need.columns]
        return replace(needs[0], columns=frozenset[str]().union(*(need.columns for need in needs)))


def _sort(live: LiveQuery, table: str) -> _Sort:
    plan = live.plan_of(table)
    return (None if plan is None else plan.columns, need_of(live, table))


class _Group:
    """Queries of one sort on one table.

    Each stands in one place: under values or an interval that its condition asks for, or among the others.
    """

    def __init__(self, columns: frozenset[str] | None, need: Need) -> None:
        self._columns = columns
        self._need = need
        self._placing = need.placing
        self._places: dict[LiveQuery, Callable[[], None]] = {}
        self._points: dict[tuple[str, str], _ByValue] = {}
        self._intervals: dict[tuple[str, str], _ByInterval] = {}
        self._others: set[LiveQuery] = set()
        self._holders: dict[str, set[LiveQuery]] = {}
        self._by_key: dict[Key, set[LiveQuery]] = {}

    def __len__(self) -> int:
        return len(self._places)

    def add(self, live: LiveQuery, plan: TablePlan | None, only: frozenset[Key] | None) -> None:
        if only is not None:
            for key in only:
                self._by_key.setdefault(key, set()).add(live)
            self._places[live] = lambda: self._take_out(live, only)
            return
        points = min(plan.condition.points, key=lambda one: len(one.values), default=None) if plan else None
        interval = plan.condition.intervals[0] if plan and plan.condition.intervals else None
        if points is not None:
            by_value = self._points.setdefault((points.column, points.terms.name), _ByValue(points))
            by_value.add(live, points)
            self._places[live] = lambda: by_value.discard(live, points)
        elif interval is not None:
            by_interval = self._intervals.setdefault(
                (interval.column, interval.terms.name), _ByInterval(interval)
            )
            by_interval.filed.add(live, interval)
            self._places[live] = lambda: by_interval.filed.discard(live)
        else:
            self._others.add(live)
            self._places[live] = lambda: self._others.discard(live)

    def discard(self, live: LiveQuery) -> None:
        self._places.pop(live)()
        self.release(live, live.rowkeys)

    def _take_out(self, live: LiveQuery, keys: frozenset[Key]) -> None:
        for key in keys:
            self._by_key[key].discard(live)
            if not self._by_key[key]:
                del self._by_key[key]

    # -- rows of windows

    def hold(self, live: LiveQuery, rowkeys: Iterable[str]) -> None:
        if self._placing is not None:
            for rowkey in rowkeys:
                self._holders.setdefault(rowkey, set()).add(live)

    def release(self, live: LiveQuery, rowkeys: Iterable[str]) -> None:
        if self._placing is not None:
            for rowkey in rowkeys:
                holders = self._holders.get(rowkey, set())
                holders.discard(live)
                if not holders:
                    self._holders.pop(rowkey, None)

    # -- asking

    def candidates(self, known: Known) -> Iterable[LiveQuery]:
        changed = known.columns
        if changed is not None:
            if self._columns is not None and self._columns.isdisjoint(changed):
                return ()
            if self._placing is not None and self._placing.isdisjoint(changed):
                return () if known.late else tuple(self._holders.get(known.rowkey, ()))
        if known.change.key is None:
            return tuple(self._places)
        if self._need.lacks(known.change) is not known.late:
            return () if known.late else self._put_off(known)
        found = self._others | self._by_key.get(known.change.key, frozenset())
        if known.late:
            found |= self._holders.get(known.rowkey, frozenset())
        for by_value in self._points.values():
            found |= by_value.candidates(known, self._need)
        for by_interval in self._intervals.values():
            found.update(by_interval.candidates(known, self._need))
        return found

    def _put_off(self, known: Known) -> list[LiveQuery]:
        """Those that need not decide now, while the others wait for new values."""
        found = [live for live in self._places if live.undecided]
        known.lacking = known.lacking or len(found) < len(self._places)
        return found


class _ByValue:
    """Queries whose condition asks for certain values of one column."""

    def __init__(self, points: Points) -> None:
        self._column, self._terms = points.column, points.terms
        self._by_value: dict[Any, set[LiveQuery]] = {}

    def add(self, live: LiveQuery, points: Points) -> None:
        for value in points.values:
            self._by_value.setdefault(value, set()).add(live)

    def discard(self, live: LiveQuery, points: Points) -> None:
        for value in points.values:
            self._by_value[value].discard(live)
            if not self._by_value[value]:
                del self._by_value[value]

    def candidates(self, known: Known, need: Need) -> set[LiveQuery]:
        values = _values(known, self._column, self._terms, need)
        if any(value is NOT_KNOWN for value in values):
            return set(chain.from_iterable(self._by_value.values()))
        return set(chain.from_iterable(self._by_value.get(value, ()) for value in values))


class _ByInterval:
    """Queries whose condition asks for an interval of one column."""

    def __init__(self, interval: Interval) -> None:
        self._column, self._terms = interval.column, interval.terms
        self.filed: Intervals[LiveQuery] = Intervals()

    def candidates(self, known: Known, need: Need) -> Iterator[LiveQuery]:
        values = _values(known, self._column, self._terms, need)
        if any(value is NOT_KNOWN for value in values):
            return iter(self.filed)
        held = (self.filed.holding(value) for value in values if value is not None)
        return chain.from_iterable(held)


def _values(known: Known, column: str, terms: Terms, need: Need) -> tuple[Any, ...]:
    """A column's values that queries may ask for; windows tell what a late change's row was."""
    return known.in_terms(column, terms, need.key, new=known.late and need.windowed)
