"""A window's order as keys that Python sorts as PostgreSQL's ORDER BY does."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import total_ordering
from typing import Any

from sqlalchemy import UnaryExpression
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import Grouping, Label, _label_reference

from sa_notify.live.terms import NOT_KNOWN, Terms

#: Compares with other keys of the same order.
SortKey = tuple[tuple[int, Any], ...]


@dataclass(frozen=True, slots=True)
class OrderColumn:
    """One column of an ORDER BY.

    :param column: its stored name.
    :param attribute: the name under which a row on the wire has it.
    """

    column: str
    descending: bool
    nulls_first: bool
    terms: Terms
    attribute: str


@total_ordering
class _Reversed:
    """Sorts the other way round."""

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        self._value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Reversed) and bool(self._value == other._value)

    def __lt__(self, other: "_Reversed") -> bool:
        return bool(other._value < self._value)

    def __hash__(self) -> int:
        return hash(self._value)


def key_of_values(order: Iterable[OrderColumn], values: Mapping[str, Any]) -> SortKey | None:
    """The place of a row whose values a change carries; ``None`` where it is not known."""
    return _key(order, values, lambda one: (one.column, one.terms.of_change))


def key_of_row(order: Iterable[OrderColumn], row: Mapping[str, Any]) -> SortKey | None:
    """The place of a row as it is on the wire; ``None`` where it is not known."""
    return _key(order, row, lambda one: (one.attribute, one.terms.of_wire))


def _key(
    order: Iterable[OrderColumn],
    values: Mapping[str, Any],
    source: Callable[[OrderColumn], tuple[str, Callable[[Any], Any]]],
) -> SortKey | None:
    parts = []
    for one in order:
        name, read = source(one)
        if name not in values:
            return None
        term = values[name]
        found = None if term is None else read(term)
        if found is NOT_KNOWN:
            return None
        parts.append(_part(one, found))
    return tuple(parts)


def _part(one: OrderColumn, value: Any) -> tuple[int, Any]:
    if value is None:
        return (-1 if one.nulls_first else 1, 0)
    return (0, _Reversed(value) if one.descending else value)


@dataclass(frozen=True, slots=True)
class Direction:
    """An element of an ORDER BY, taken apart."""

    element: Any
    descending: bool
    nulls_first: bool


def direction_of(element: Any) -> Direction:
    """What is sorted by, and how; PostgreSQL puts NULLs last, where descending first."""
    descending, nulls_first = False, None
    inner = element
    while True:
        if isinstance(inner, UnaryExpression) and inner.modifier is not None:
            if inner.modifier in (operators.nulls_first_op, operators.nulls_last_op):
                nulls_first = inner.modifier is operators.nulls_first_op
            elif inner.modifier in (operators.asc_op, operators.desc_op):
                descending = inner.modifier is operators.desc_op
            else:
                break
            inner = inner.element
        elif isinstance(inner, (Label, Grouping, _label_reference)):
            inner = inner.element
        else:
            break
    return Direction(inner, descending, descending if nulls_first is None else nulls_first)
