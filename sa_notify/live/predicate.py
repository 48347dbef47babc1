"""Conditions over one row, of whose values some may not be known.

A live query keeps its conditions as long as anybody looks at it, so they are small: an object of a few
fields each, and what is asked seldom is made when it is asked.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

from sa_notify.live.logic import AND, FALSE, IS_FALSE, IS_NULL, IS_TRUE, NOT, OR, TRUE, UNKNOWN
from sa_notify.live.terms import Terms

#: A row's values by the stored names of its columns, as changes carry them. ``None`` is NULL; a name that is
#: missing is a value that is not known.
Values = Mapping[str, Any]


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


class Predicate(ABC):
    """A condition over one row."""

    __slots__ = ()

    @abstractmethod
    def outcomes(self, values: Values) -> int:
        """The set of its possible outcomes (:mod:`sa_notify.live.logic`) for a row's values.

        What it really is is always among them.
        """

    @property
    def columns(self) -> frozenset[str]:
        """Every column that it depends on, by stored name."""
        return frozenset()

    @property
    def exact(self) -> bool:
        """Whether there is no more than one outcome where all values are known."""
        return True

    @property
    def points(self) -> tuple[Points, ...]:
        """Necessary for it to be true, each for itself."""
        return ()

    @property
    def intervals(self) -> tuple[Interval, ...]:
        """So are these; of columns whose order Python knows."""
        return ()

    def may_hold(self, values: Values) -> bool:
        """Whether it may be true for the row."""
        return bool(self.outcomes(values) & TRUE)


class _Constant(Predicate):
    __slots__ = ("_outcome",)

    def __init__(self, outcome: int) -> None:
        self._outcome = outcome

    def outcomes(self, values: Values) -> int:
        return self._outcome


@lru_cache
def constant(outcome: int) -> Predicate:
    """The same for all rows."""
    return _Constant(outcome)


class _Unknown(Predicate):
    __slots__ = ("_columns",)

    def __init__(self, columns: frozenset[str]) -> None:
        self._columns = columns

    def outcomes(self, values: Values) -> int:
        return UNKNOWN

    @property
    def columns(self) -> frozenset[str]:
        return self._columns

    @property
    def exact(self) -> bool:
        return False


def unknown(columns: Iterable[str] = ()) -> Predicate:
    """It may be anything."""
    return _Unknown(frozenset(columns))


ALWAYS = constant(TRUE)


# -- made of others


class _Several(Predicate):
    """Parts that one operator joins.

    :cvar table: what the operator makes of two sets of outcomes.
    :cvar start: the outcome of no part.
    :cvar end: nothing that follows changes it.
    """

    __slots__ = ("_parts",)
    table: ClassVar[tuple[int, ...]]
    start: ClassVar[int]
    end: ClassVar[int]

    def __init__(self, parts: Iterable[Predicate]) -> None:
        self._parts = tuple(parts)

    def outcomes(self, values: Values) -> int:
        found, table, end = self.start, self.table, self.end
        for part in self._parts:
            found = table[found << 3 | part.outcomes(values)]
            if found == end:
                break
        return found

    @property
    def columns(self) -> frozenset[str]:
        return frozenset[str]().union(*(part.columns for part in self._parts))

    @property
    def exact(self) -> bool:
        return all(part.exact for part in self._parts)


class _All(_Several):
    __slots__ = ()
    table, start, end = AND, TRUE, FALSE

    @property
    def points(self) -> tuple[Points, ...]:
        return tuple(point for part in self._parts for point in part.points)

    @property
    def intervals(self) -> tuple[Interval, ...]:
        return tuple(interval for part in self._parts for interval in part.intervals)


class _Any(_Several):
    __slots__ = ()
    table, start, end = OR, FALSE, TRUE

    @property
    def points(self) -> tuple[Points, ...]:
        """What each part asks of the same column."""
        found = []
        for first in self._parts[0].points if self._parts else ():
            alike = [_alike(first, part.points) for part in self._parts]
            if all(alike):
                values = frozenset[Any]().union(*(points.values for points in alike if points))
                found.append(Points(first.column, first.terms, values))
        return tuple(found)


def all_of(parts: Sequence[Predicate]) -> Predicate:
    """``AND``"""
    return parts[0] if len(parts) == 1 else _All(parts)


def any_of(parts: Sequence[Predicate]) -> Predicate:
    """``OR``"""
    return parts[0] if len(parts) == 1 else _Any(parts)


def _alike(wanted: Points, among: Iterable[Points]) -> Points | None:
    fits = (p for p in among if p.column == wanted.column and p.terms is wanted.terms)
    return next(fits, None)


class _Mapped(Predicate):
    """What a table makes of another's outcomes."""

    __slots__ = ("_part", "_table")

    def __init__(self, part: Predicate, table: tuple[int, ...]) -> None:
        self._part, self._table = part, table

    def outcomes(self, values: Values) -> int:
        return self._table[self._part.outcomes(values)]

    @property
    def columns(self) -> frozenset[str]:
        return self._part.columns

    @property
    def exact(self) -> bool:
        return self._part.exact


class _IsTrue(_Mapped):
    __slots__ = ()

    @property
    def points(self) -> tuple[Points, ...]:
        return self._part.points

    @property
    def intervals(self) -> tuple[Interval, ...]:
        return self._part.intervals


def negated(part: Predicate) -> Predicate:
    """``NOT``"""
    return _Mapped(part, NOT)


def is_null(part: Predicate) -> Predicate:
    """``IS NULL`` of a condition."""
    return _Mapped(part, IS_NULL)


def is_true(part: Predicate) -> Predicate:
    """``IS TRUE``"""
    return _IsTrue(part, IS_TRUE)


def is_false(part: Predicate) -> Predicate:
    """``IS FALSE``"""
    return _Mapped(part, IS_FALSE)
