"""Which live queries a change may concern, without a look at all the others."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

from sa_notify.change import Key
from sa_notify.live.holders import Holders
from sa_notify.live.intervals import Intervals
from sa_notify.live.known import Known
from sa_notify.live.need import Need, need_of
from sa_notify.live.predicate import ALWAYS, Interval, Points, Predicate
from sa_notify.live.state import LiveQuery
from sa_notify.live.terms import NOT_KNOWN, Terms

#: What tells queries apart by what they read of a table: columns that their results may depend on, ``None``
#: where any may; and what they need to know of its rows.
_Sort = tuple[frozenset[str] | None, Need]

#: Where a query stands in its group: under the rows that alone count, or where its condition asks for it.
_Place = frozenset[Key] | Predicate


class Index:
    """Live queries by what they read: tables, columns, values of a condition, rows of the window."""

    def __init__(self) -> None:
        self._tables: dict[str, dict[_Sort, _Group]] = {}
        self._filed: dict[LiveQuery, tuple[_Group, ...]] = {}

    def file(self, live: LiveQuery) -> None:
        """File a query by what its last reading says, instead of where it was."""
        groups = tuple(self._group(table, _sort(live, table)) for table in live.tables or ())
        if self._filed.get(live) == groups and all(group.has(live) for group in groups):
            return
        self.forget(live)
        self._filed[live] = groups
        for group in groups:
            self._tables.setdefault(group.table, {})[group.sort] = group
            group.add(live)

    def _group(self, table: str, sort: _Sort) -> "_Group":
        """The group of a sort, or a new one."""
        group = self._tables.get(table, {}).get(sort)
        return _Group(table, sort) if group is None else group

    def forget(self, live: LiveQuery) -> None:
        """Nobody looks at it any more."""
        for group in self._filed.pop(live, ()):
            group.discard(live)
            if not len(group):
                del self._tables[group.table][group.sort]
                if not self._tables[group.table]:
                    del self._tables[group.table]

    def move(self, live: LiveQuery, left: Iterable[str], come: Iterable[str]) -> None:
        """Rows have left a query's window, and others have come."""
        for group in self._filed.get(live, ()):
            group.release(live, left)
            group.hold(live, come)

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

    def __init__(self, table: str, sort: _Sort) -> None:
        self.table, self.sort = table, sort
        self._columns, self._need = sort
        self._placing = self._need.placing
        self._places: dict[LiveQuery, _Place] = {}
        self._points: dict[tuple[str, str], _ByValue] = {}
        self._intervals: dict[tuple[str, str], _ByInterval] = {}
        self._others: set[LiveQuery] = set()
        self._holders: Holders[str] = Holders()
        self._by_key: Holders[Key] = Holders()

    def __len__(self) -> int:
        return len(self._places)

    def has(self, live: LiveQuery) -> bool:
        """Whether it stands where it would be put."""
        return self._places.get(live) == self._place(live)

    def _place(self, live: LiveQuery) -> _Place:
        only, plan = live.only.get(self.table), live.plan_of(self.table)
        if only is not None:
            return only
        return ALWAYS if plan is None else plan.condition

    def add(self, live: LiveQuery) -> None:
        self._places[live] = place = self._place(live)
        if isinstance(place, frozenset):
            for key in place:
                self._by_key.add(key, live)
        elif (asked := _asked(place)) is None:
            self._others.add(live)
        elif isinstance(asked, Points):
            self._points.setdefault((asked.column, asked.terms.name), _ByValue(asked)).add(live, asked)
        else:
            name = asked.column, asked.terms.name
            self._intervals.setdefault(name, _ByInterval(asked)).filed.add(live, asked)
        self.hold(live, live.rowkeys)

    def discard(self, live: LiveQuery) -> None:
        place = self._places.pop(live)
        if isinstance(place, frozenset):
            for key in place:
                self._by_key.discard(key, live)
        elif (asked := _asked(place)) is None:
            self._others.discard(live)
        elif isinstance(asked, Points):
            self._points[asked.column, asked.terms.name].discard(live, asked)
        else:
            self._intervals[asked.column, asked.terms.name].filed.discard(live)
        self.release(live, live.rowkeys)

    # -- rows of windows

    def hold(self, live: LiveQuery, rowkeys: Iterable[str]) -> None:
        if self._placing is not None:
            for rowkey in rowkeys:
                self._holders.add(rowkey, live)

    def release(self, live: LiveQuery, rowkeys: Iterable[str]) -> None:
        if self._placing is not None:
            for rowkey in rowkeys:
                self._holders.discard(rowkey, live)

    # -- asking

    def candidates(self, known: Known) -> Iterable[LiveQuery]:
        changed = known.columns
        if changed is not None:
            if self._columns is not None and self._columns.isdisjoint(changed):
                return ()
            if self._placing is not None and self._placing.isdisjoint(changed):
                return () if known.late else tuple(self._holders.of(known.rowkey))
        if known.change.op == "tally":
            return tuple(live for live in self._places if live.query.by_tally)
        if known.change.key is None:
            return tuple(self._places)
        if self._need.lacks(known.change) is not known.late:
            return () if known.late else self._put_off(known)
        found = self._others.union(self._by_key.of(known.change.key))
        if known.late:
            found.update(self._holders.of(known.rowkey))
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


def _asked(condition: Predicate) -> Points | Interval | None:
    """What a row must fulfil at the least, as it is looked up: the fewest values, where there are several."""
    points = min(condition.points, key=lambda one: len(one.values), default=None)
    return points or next(iter(condition.intervals), None)


class _ByValue:
    """Queries whose condition asks for certain values of one column."""

    def __init__(self, points: Points) -> None:
        self._column, self._terms = points.column, points.terms
        self._by_value: Holders[Any] = Holders()

    def add(self, live: LiveQuery, points: Points) -> None:
        for value in points.values:
            self._by_value.add(value, live)

    def discard(self, live: LiveQuery, points: Points) -> None:
        for value in points.values:
            self._by_value.discard(value, live)

    def candidates(self, known: Known, need: Need) -> set[LiveQuery]:
        values = _values(known, self._column, self._terms, need)
        if any(value is NOT_KNOWN for value in values):
            return set(self._by_value)
        return set(chain.from_iterable(self._by_value.of(value) for value in values))


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
