"""Readers of values: strict, so that a column of another type than its model says is noticed.

What is not certain is :data:`NOT_KNOWN`, never a guess. No reader is asked for NULL.
"""

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache, total_ordering
from typing import Any, Final
from uuid import UUID

from sa_notify.live import moments

Reader = Callable[[Any], Any]


class _NotKnown:
    """It may be any value, or NULL."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "NOT_KNOWN"


NOT_KNOWN: Final = _NotKnown()


@total_ordering
class _Nan:
    """PostgreSQL's NaN: equal to itself, and greater than everything else."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return other is self

    def __lt__(self, other: object) -> bool:
        return False

    def __hash__(self) -> int:
        return 0


NAN: Final = _Nan()


def text(term: Any) -> Any:
    return term if type(term) is str else NOT_KNOWN


def whole(term: Any) -> Any:
    return term if type(term) is int else _number_of_text(term) if type(term) is str else NOT_KNOWN


@lru_cache(maxsize=4096)
def _number_of_text(text: str) -> Any:
    if text in _SPECIAL:
        return _SPECIAL[text]
    if _NUMBER.fullmatch(text) is None:
        return NOT_KNOWN
    return Decimal(text)


_NUMBER = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII)
_SPECIAL: dict[str, Any] = {"NaN": NAN, "Infinity": float("inf"), "-Infinity": float("-inf")}


def sent_number(value: Any) -> Any:
    if type(value) is int:
        return value
    if type(value) is not Decimal:
        return NOT_KNOWN
    if value.is_nan():
        return NAN
    return value if value.is_finite() else float(value)


def real(term: Any) -> Any:
    if type(term) is float or (type(term) is int and abs(term) <= _EXACT_INTEGERS):
        return _canonical(float(term))
    return _SPECIAL.get(term, NOT_KNOWN) if type(term) is str else NOT_KNOWN


_EXACT_INTEGERS = 2**53


def _canonical(value: float) -> Any:
    return value if value == value else NAN  # noqa: PLR0124


def boolean(term: Any) -> Any:
    return term if type(term) is bool else _BOOLS.get(term, NOT_KNOWN) if type(term) is str else NOT_KNOWN


_BOOLS = {"true": True, "false": False}


def _moment(read: Callable[[str], Any]) -> Reader:
    def of_text(term: Any) -> Any:
        found = read(term) if type(term) is str else None
        return NOT_KNOWN if found is None else found

    return of_text


def sent_datetime(*, zoned: bool) -> Reader:
    def of_sent(value: Any) -> Any:
        # the other kind would be read in the session's time zone
        if type(value) is not dt.datetime or (value.utcoffset() is not None) != zoned:
            return NOT_KNOWN
        return moments.timestamp(value)

    return of_sent


def sent_time(value: Any) -> Any:
    return moments.time(value) if type(value) is dt.time and value.tzinfo is None else NOT_KNOWN


def wire_time(term: Any) -> Any:
    # 24:00:00 reaches Python as midnight
    return time(term) or NOT_KNOWN


def only(kind: type, convert: Reader) -> Reader:
    return lambda value: convert(value) if type(value) is kind else NOT_KNOWN


def sent_uuid(value: Any) -> Any:
    try:
        return str(value if isinstance(value, UUID) else UUID(value))
    except (ValueError, TypeError, AttributeError):
        return NOT_KNOWN


day, time = _moment(moments.day_of), _moment(moments.time_of)
instant, zoned_instant = _moment(moments.timestamp_of), _moment(moments.timestamptz_of)
interval = _moment(moments.interval_of)


def not_known(_: Any) -> Any:
    return NOT_KNOWN


# -- texts that casts make of what changes carry


def text_of_whole(term: Any) -> Any:
    value = whole(term)
    return NOT_KNOWN if value is NOT_KNOWN else str(value)


def text_of_bool(term: Any) -> Any:
    value = boolean(term)
    return NOT_KNOWN if value is NOT_KNOWN else "true" if value else "false"
