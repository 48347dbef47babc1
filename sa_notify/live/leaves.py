"""Conditions over one column or two: what predicates are made of."""

import operator
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from sa_notify.live.logic import FALSE, NULL, TRUE, UNKNOWN
from sa_notify.live.patterns import Matcher
from sa_notify.live.predicate import Interval, Points, Predicate, Values
from sa_notify.live.terms import NOT_KNOWN, Reader, Terms

#: What a column that is not carried gives; no reader of terms takes it for a value.
_MISSING: Final = object()

Compare = Callable[[Any, Any], bool]


@dataclass(frozen=True, slots=True)
class Operand:
    """A column's value.

    :param column: its stored name.
    :param read: from what changes carry.
    :param plain: it is the column itself and not what a cast makes of it.
    """

    column: str
    terms: Terms
    read: Reader
    plain: bool = True


@lru_cache(maxsize=2048)
def operand_of(column: str, terms: Terms, read: Reader, *, plain: bool = True) -> Operand:
    """The operand, as one object for all conditions that have it."""
    return Operand(column, terms, read, plain)


class _OfColumn(Predicate):
    """What a column's value decides, beside one that is known."""

    __slots__ = ("_operand", "_value")

    def __init__(self, operand: Operand, value: Any) -> None:
        self._operand, self._value = operand, value

    def outcomes(self, values: Values) -> int:
        term = values.get(self._operand.column, _MISSING)
        if term is None:
            return self._of_null()
        found = self._operand.read(term)
        return UNKNOWN if found is NOT_KNOWN else self._of(found)

    def _of_null(self) -> int:
        return NULL

    def _of(self, found: Any) -> int:
        """What a value that is known and not NULL decides."""
        raise NotImplementedError

    @property
    def columns(self) -> frozenset[str]:
        return frozenset({self._operand.column})

    def _points(self, *values: Any) -> tuple[Points, ...]:
        operand = self._operand
        return (Points(operand.column, operand.terms, frozenset(values)),) if operand.plain else ()


class _Never(_OfColumn):
    """False or NULL for all rows, by a value that is none."""

    __slots__ = ()

    def outcomes(self, values: Values) -> int:
        return int(self._value)

    @property
    def points(self) -> tuple[Points, ...]:
        return self._points()


class _Always(_Never):
    """True for all rows."""

    __slots__ = ()

    @property
    def points(self) -> tuple[Points, ...]:
        return ()


class _Comparison(_OfColumn):
    __slots__ = ("_compare",)

    def __init__(self, operand: Operand, compare: Compare, value: Any) -> None:
        super().__init__(operand, value)
        self._compare = compare

    def _of(self, found: Any) -> int:
        return TRUE if self._compare(found, self._value) else FALSE

    @property
    def points(self) -> tuple[Points, ...]:
        return self._points(self._value) if self._compare is operator.eq else ()

    @property
    def intervals(self) -> tuple[Interval, ...]:
        span, operand = _SPANS.get(self._compare), self._operand
        if span is None or not operand.plain or not operand.terms.ordered:
            return ()
        return (Interval(operand.column, operand.terms, **span(self._value)),)


def comparison(operand: Operand, compare: Compare, value: Any) -> Predicate:
    """``operand = value`` and its like.

    :param compare: of the :mod:`operator` module; no ``<`` where terms have no order.
    :param value: in terms; ``None`` is NULL.
    """
    return _Never(operand, NULL) if value is None else _Comparison(operand, compare, value)


class _Membership(_OfColumn):
    __slots__ = ("_inside", "_outside")

    def __init__(self, operand: Operand, values: frozenset[Any], inside: int, outside: int) -> None:
        super().__init__(operand, values)
        self._inside, self._outside = inside, outside

    def _of(self, found: Any) -> int:
        return self._inside if found in self._value else self._outside

    @property
    def points(self) -> tuple[Points, ...]:
        return self._points(*self._value) if self._inside == TRUE else ()


def membership(operand: Operand, wanted: Collection[Any], *, negate: bool) -> Predicate:
    """``operand IN (...)``, ``operand NOT IN (...)``.

    :param wanted: in terms; ``None`` is NULL.
    """
    inside, outside = (FALSE, TRUE) if negate else (TRUE, FALSE)
    if not wanted:
        return (_Always if negate else _Never)(operand, outside)
    values = frozenset(value for value in wanted if value is not None)
    if len(values) < len(set(wanted)):
        outside = NULL
    return _Membership(operand, values, inside, outside)


class _Distinction(_OfColumn):
    __slots__ = ()

    def _of_null(self) -> int:
        return TRUE

    def _of(self, found: Any) -> int:
        return FALSE if found == self._value else TRUE


class _Sameness(_OfColumn):
    __slots__ = ()

    def _of_null(self) -> int:
        return FALSE

    def _of(self, found: Any) -> int:
        return TRUE if found == self._value else FALSE

    @property
    def points(self) -> tuple[Points, ...]:
        return self._points(self._value)


def distinction(operand: Operand, value: Any, *, negate: bool) -> Predicate:
    """``operand IS DISTINCT FROM value``; with ``negate`` ``IS NOT DISTINCT FROM``."""
    if value is None:
        return nullness(operand.column, negate=not negate)
    return (_Sameness if negate else _Distinction)(operand, value)


class _Nullness(Predicate):
    __slots__ = ("_column", "_null", "_other")

    def __init__(self, column: str, null: int, other: int) -> None:
        self._column, self._null, self._other = column, null, other

    def outcomes(self, values: Values) -> int:
        term = values.get(self._column, _MISSING)
        return self._null if term is None else UNKNOWN if term is _MISSING else self._other

    @property
    def columns(self) -> frozenset[str]:
        return frozenset({self._column})


def nullness(column: str, *, negate: bool) -> Predicate:
    """``column IS NULL``, of any type; with ``negate`` ``IS NOT NULL``."""
    return _Nullness(column, *((FALSE, TRUE) if negate else (TRUE, FALSE)))


def truth(operand: Operand) -> Predicate:
    """A boolean column by itself."""
    return comparison(operand, operator.eq, value=True)


class _Pair(Predicate):
    __slots__ = ("_compare", "_left", "_right")

    def __init__(self, left: Operand, compare: Compare, right: Operand) -> None:
        self._left, self._compare, self._right = left, compare, right

    def outcomes(self, values: Values) -> int:
        terms = [values.get(side.column, _MISSING) for side in (self._left, self._right)]
        if None in terms:
            return NULL
        found, other = self._left.read(terms[0]), self._right.read(terms[1])
        if found is NOT_KNOWN or other is NOT_KNOWN:
            return UNKNOWN
        return TRUE if self._compare(found, other) else FALSE

    @property
    def columns(self) -> frozenset[str]:
        return frozenset({self._left.column, self._right.column})


def pair(left: Operand, compare: Compare, right: Operand) -> Predicate:
    """``left < right`` and its like: two columns of a row whose terms compare."""
    return _Pair(left, compare, right)


class _Pattern(_OfColumn):
    """Of a matcher in the place of a value."""

    __slots__ = ()
    turned = (0, TRUE, FALSE)

    def _of(self, found: Any) -> int:
        outcome: int = self._value(found)
        return UNKNOWN if outcome == UNKNOWN else self.turned[outcome]


class _NoPattern(_Pattern):
    __slots__ = ()
    turned = (0, FALSE, TRUE)


def pattern(operand: Operand, matcher: Matcher, *, negate: bool) -> Predicate:
    """``operand LIKE ...``; with ``negate`` ``NOT LIKE``."""
    return (_NoPattern if negate else _Pattern)(operand, matcher)


_SPANS: dict[Any, Callable[[Any], dict[str, Any]]] = {
    operator.eq: lambda value: {"low": value, "high": value},
    operator.lt: lambda value: {"high": value, "high_inclusive": False},
    operator.le: lambda value: {"high": value},
    operator.gt: lambda value: {"low": value, "low_inclusive": False},
    operator.ge: lambda value: {"low": value},
}
