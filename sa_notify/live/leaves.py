"""Conditions over one column or two: what predicates are made of."""

import operator
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Final

from sa_notify.live.logic import FALSE, NULL, TRUE, UNKNOWN
from sa_notify.live.patterns import Matcher
from sa_notify.live.predicate import Interval, Points, Predicate, Values, constant
from sa_notify.live.terms import NOT_KNOWN, Reader, Terms

#: What a column that is not carried gives; no reader of terms takes it for a value.
_MISSING: Final = object()

Compare = Callable[[Any, Any], bool]
_EQUAL: Final = {operator.eq, operator.ne}


@dataclass(frozen=True, slots=True, eq=False)
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


def comparison(operand: Operand, compare: Compare, value: Any) -> Predicate:
    """``operand = value`` and its like.

    :param compare: of the :mod:`operator` module; no ``<`` where terms have no order.
    :param value: in terms; ``None`` is NULL.
    """
    column, read = operand.column, operand.read
    if value is None:
        return _of(constant(NULL), column, _points(operand, ()))

    def outcomes(values: Values) -> int:
        term = values.get(column, _MISSING)
        if term is None:
            return NULL
        found = read(term)
        if found is NOT_KNOWN:
            return UNKNOWN
        return TRUE if compare(found, value) else FALSE

    points = _points(operand, [value]) if compare is operator.eq else ()
    return Predicate(outcomes, frozenset({column}), points=points, intervals=_span(operand, compare, value))


def membership(operand: Operand, wanted: Collection[Any], *, negate: bool) -> Predicate:
    """``operand IN (...)``, ``operand NOT IN (...)``.

    :param wanted: in terms; ``None`` is NULL.
    """
    column, read = operand.column, operand.read
    inside, outside = (FALSE, TRUE) if negate else (TRUE, FALSE)
    if not wanted:
        return _of(constant(outside), column, () if negate else _points(operand, ()))
    values_in = frozenset(value for value in wanted if value is not None)
    if len(values_in) < len(set(wanted)):
        outside = NULL

    def outcomes(values: Values) -> int:
        term = values.get(column, _MISSING)
        if term is None:
            return NULL
        found = read(term)
        if found is NOT_KNOWN:
            return UNKNOWN
        return inside if found in values_in else outside

    return Predicate(outcomes, frozenset({column}), points=() if negate else _points(operand, values_in))


def distinction(operand: Operand, value: Any, *, negate: bool) -> Predicate:
    """``operand IS DISTINCT FROM value``; with ``negate`` ``IS NOT DISTINCT FROM``."""
    if value is None:
        return nullness(operand.column, negate=not negate)
    column, read = operand.column, operand.read
    same, different = (TRUE, FALSE) if negate else (FALSE, TRUE)

    def outcomes(values: Values) -> int:
        term = values.get(column, _MISSING)
        if term is None:
            return different
        found = read(term)
        if found is NOT_KNOWN:
            return UNKNOWN
        return same if found == value else different

    return Predicate(outcomes, frozenset({column}), points=_points(operand, [value]) if negate else ())


def nullness(column: str, *, negate: bool) -> Predicate:
    """``column IS NULL``, of any type; with ``negate`` ``IS NOT NULL``."""
    null, other = (FALSE, TRUE) if negate else (TRUE, FALSE)

    def outcomes(values: Values) -> int:
        term = values.get(column, _MISSING)
        return null if term is None else UNKNOWN if term is _MISSING else other

    return Predicate(outcomes, frozenset({column}))


def truth(operand: Operand) -> Predicate:
    """A boolean column by itself."""
    return comparison(operand, operator.eq, value=True)


def pair(left: Operand, compare: Compare, right: Operand) -> Predicate:
    """``left < right`` and its like: two columns of a row whose terms compare."""
    one, read_one, other, read_other = left.column, left.read, right.column, right.read

    def outcomes(values: Values) -> int:
        term, other_term = values.get(one, _MISSING), values.get(other, _MISSING)
        if term is None or other_term is None:
            return NULL
        found, other_found = read_one(term), read_other(other_term)
        if found is NOT_KNOWN or other_found is NOT_KNOWN:
            return UNKNOWN
        return TRUE if compare(found, other_found) else FALSE

    return Predicate(outcomes, frozenset({one, other}))


def pattern(operand: Operand, matcher: Matcher, *, negate: bool) -> Predicate:
    """``operand LIKE ...``; with ``negate`` ``NOT LIKE``."""
    column, read = operand.column, operand.read
    turned = (0, FALSE, TRUE) if negate else (0, TRUE, FALSE)

    def outcomes(values: Values) -> int:
        term = values.get(column, _MISSING)
        if term is None:
            return NULL
        found = read(term)
        if found is NOT_KNOWN:
            return UNKNOWN
        outcome = matcher(found)
        return UNKNOWN if outcome == UNKNOWN else turned[outcome]

    return Predicate(outcomes, frozenset({column}))


def _of(made: Predicate, column: str, points: tuple[Points, ...]) -> Predicate:
    return Predicate(made.outcomes, frozenset({column}), points=points)


def _points(operand: Operand, values: Collection[Any]) -> tuple[Points, ...]:
    return (Points(operand.column, operand.terms, frozenset(values)),) if operand.plain else ()


_SPANS: dict[Any, Callable[[Any], dict[str, Any]]] = {
    operator.eq: lambda value: {"low": value, "high": value},
    operator.lt: lambda value: {"high": value, "high_inclusive": False},
    operator.le: lambda value: {"high": value},
    operator.gt: lambda value: {"low": value, "low_inclusive": False},
    operator.ge: lambda value: {"low": value},
}


def _span(operand: Operand, compare: Compare, value: Any) -> tuple[Interval, ...]:
    span = _SPANS.get(compare)
    if span is None or not operand.plain or not operand.terms.ordered:
        return ()
    return (Interval(operand.column, operand.terms, **span(value)),)
