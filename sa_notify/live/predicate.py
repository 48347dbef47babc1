"""Conditions over one row, of whose values some may not be known."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sa_notify.live.logic import AND, FALSE, IS_FALSE, IS_NULL, IS_TRUE, NOT, OR, TRUE, UNKNOWN
from sa_notify.live.terms import Terms

#: A row's values by the stored names of its columns, as changes carry them. ``None`` is NULL; a name that is
#: missing is a value that is not known.
Values = Mapping[str, Any]
Outcomes = Callable[[Values], int]


@dataclass(frozen=True, slots=True)
class Points:
    """The column is one of these values wherever the predicate holds.

    :param values: in terms, none of them NULL or not known; empty where it holds nowhere.
    """

    column: str
    terms: Terms
    values: frozenset[Any]


@dataclass(frozen=True, slots=True)
class Interval:
    """The column is between these values wherever the predicate holds.

    :param low: in terms; ``None`` where nothing is too low.
    """

    column: str
    terms: Terms
    low: Any = None
    high: Any = None
    low_inclusive: bool = True
    high_inclusive: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Predicate:
    """A condition over one row.

    :param outcomes: the set of its possible outcomes (:mod:`sa_notify.live.logic`) for a row's values; what
        it really is is always among them.
    :param columns: every column that it depends on, by stored name.
    :param exact: where all values are known, there is no more than one outcome.
    :param points: necessary for it to be true, each for itself.
    :param intervals: so are these; of columns whose order Python knows.
    """

    outcomes: Outcomes
    columns: frozenset[str] = frozenset()
    exact: bool = True
    points: tuple[Points, ...] = ()
    intervals: tuple[Interval, ...] = ()

    def may_hold(self, values: Values) -> bool:
        """Whether it may be true for the row."""
        return bool(self.outcomes(values) & TRUE)


def constant(outcome: int) -> Predicate:
    """The same for all rows."""
    return Predicate(lambda _: outcome)


def unknown(columns: Iterable[str] = ()) -> Predicate:
    """It may be anything."""
    return Predicate(lambda _: UNKNOWN, frozenset(columns), exact=False)


ALWAYS = constant(TRUE)


# -- made of others


def all_of(parts: Sequence[Predicate]) -> Predicate:
    """``AND``"""
    if len(parts) == 1:
        return parts[0]
    tests = tuple(part.outcomes for part in parts)

    def outcomes(values: Values) -> int:
        found = TRUE
        for test in tests:
            found = AND[found << 3 | test(values)]
            if found == FALSE:
                break
        return found

    return Predicate(
        outcomes,
        _columns(parts),
        all(part.exact for part in parts),
        tuple(point for part in parts for point in part.points),
        tuple(interval for part in parts for interval in part.intervals),
    )


def any_of(parts: Sequence[Predicate]) -> Predicate:
    """``OR``"""
    if len(parts) == 1:
        return parts[0]
    tests = tuple(part.outcomes for part in parts)

    def outcomes(values: Values) -> int:
        found = FALSE
        for test in tests:
            found = OR[found << 3 | test(values)]
            if found == TRUE:
                break
        return found

    return Predicate(outcomes, _columns(parts), all(part.exact for part in parts), _points_of_any(parts))


def _columns(parts: Iterable[Predicate]) -> frozenset[str]:
    return frozenset[str]().union(*(part.columns for part in parts))


def _points_of_any(parts: Sequence[Predicate]) -> tuple[Points, ...]:
    """What each part asks of the same column."""
    found = []
    for first in parts[0].points if parts else ():
        alike = [_alike(first, part.points) for part in parts]
        if all(alike):
            values = frozenset[Any]().union(*(points.values for points in alike if points))
            found.append(Points(first.column, first.terms, values))
    return tuple(found)


def _alike(wanted: Points, among: Iterable[Points]) -> Points | None:
    fits = (p for p in among if p.column == wanted.column and p.terms is wanted.terms)
    return next(fits, None)


def negated(part: Predicate) -> Predicate:
    """``NOT``"""
    return _mapped(part, NOT)


def is_null(part: Predicate) -> Predicate:
    """``IS NULL`` of a condition."""
    return _mapped(part, IS_NULL)


def is_true(part: Predicate) -> Predicate:
    """``IS TRUE``"""
    mapped = _mapped(part, IS_TRUE)
    return Predicate(mapped.outcomes, part.columns, part.exact, part.points, part.intervals)


def is_false(part: Predicate) -> Predicate:
    """``IS FALSE``"""
    return _mapped(part, IS_FALSE)


def _mapped(part: Predicate, table: tuple[int, ...]) -> Predicate:
    test = part.outcomes
    return Predicate(lambda values: table[test(values)], part.columns, part.exact)
