"""The text that PostgreSQL's ``::text`` gives, under ISO dates, UTC and hex bytes."""

import datetime as dt
import json
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import CHAR, JSON, REAL, Float, types
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.types import NULLTYPE, TypeDecorator, TypeEngine

from sa_notify.live.resolve import POSTGRESQL, resolved

Texter = Callable[[Any], str]

_ARRAY_UNSAFE = re.compile(r"""[{}",\\\s]|^$|^null$""", re.IGNORECASE)
_RANGE_UNSAFE = re.compile(r"""[()\[\]",\\\s]|^$""")
_FLOAT4_DIGITS, _FLOAT8_DIGITS = 6, 15


def key_text(value: Any, type_: TypeEngine[Any] = NULLTYPE) -> str:
    """The text of a value of a key column, as changes of its row carry it.

    What PostgreSQL itself does not tell a driver is lost: an interval of 36 hours reads as of 1 day 12.

    :param type_: the column's type; a value of its own Python class is turned back to what is stored.
    """
    return texter_for(type_)(value)


def texter_for(type_: TypeEngine[Any]) -> Texter:
    """:func:`key_text` for many values of one type."""
    plain = resolved(type_)
    text = _texter(plain)
    own: Any = type_ if isinstance(type_, TypeDecorator) else plain
    if isinstance(plain, JSON) or not isinstance(own, (TypeDecorator, types.Enum, types.Uuid)):
        return text
    stored = own.dialect_impl(POSTGRESQL).bind_processor(POSTGRESQL)
    return text if stored is None else lambda value: text(stored(value))


def text_of(value: Any) -> str:
    """The text of a value whose type is not known."""
    for kind, text in _TEXTS:
        if isinstance(value, kind):
            return text(value)
    return range_text(value) if is_range(value) else str(value)


def column_texts(column: Sequence[Any], texter: Texter) -> Sequence[str | None]:
    """Each value's text, and ``None`` of NULL: for the most common kinds without a call for each value."""
    kinds = set(map(type, column)) if texter is text_of else set()
    if kinds == {int}:
        return list(map(int.__repr__, column))
    if kinds == {str}:
        return column
    return [None if value is None else texter(value) for value in column]


def is_range(value: Any) -> bool:
    """Whether it is SQLAlchemy's or a driver's range."""
    return all(hasattr(value, name) for name in ("lower", "upper", "lower_inc", "upper_inc", "isempty"))


def is_multirange(value: Any) -> bool:
    """Whether it is SQLAlchemy's or a driver's multirange, each a sequence of ranges."""
    return type(value).__name__.lower() == "multirange"


def is_multirange_type(type_: TypeEngine[Any]) -> bool:
    """Of early 2.0 releases its values are plain lists of ranges."""
    return type(type_).__name__.endswith("MULTIRANGE")


def range_text(value: Any) -> str:
    """A range as PostgreSQL writes it: ``[1,5)``."""
    if value.isempty:
        return "empty"
    lower, upper = (
        "" if bound is None else _quoted(text_of(bound), _RANGE_UNSAFE, '""')
        for bound in (value.lower, value.upper)
    )
    opening = "[" if lower and value.lower_inc else "("
    return f"{opening}{lower},{upper}{']' if upper and value.upper_inc else ')'}"


def multirange_text(value: Sequence[Any] | str) -> str:
    """A multirange as PostgreSQL writes it: ``{[1,5),[7,9)}``; psycopg2 gives just that."""
    if isinstance(value, str):
        return value
    return "{" + ",".join(range_text(item) for item in value) + "}"


def decimal_text(value: Decimal) -> str:
    """A numeric with its own scale, never with an exponent; ``NaN``, ``Infinity``."""
    if value.is_nan():
        return "NaN"
    return format(value, "f") if value.is_finite() else float_text(float(value))


def float_text(value: float, digits: int = _FLOAT8_DIGITS) -> str:
    """The shortest text that reads back the same, as ``extra_float_digits = 1`` gives it.

    :param digits: from how many digits before the point on there is an exponent.
    """
    if value != value:  # noqa: PLR0124
        return "NaN"
    if abs(value) == float("inf"):
        return "Infinity" if value > 0 else "-Infinity"
    shortest = Decimal(repr(float(value))).normalize()
    exponent = shortest.adjusted()
    if not shortest or -4 <= exponent < digits:
        return format(shortest, "f")
    return f"{format(shortest.scaleb(-exponent), 'f')}e{exponent:+03d}"


# -- by type


def _texter(type_: TypeEngine[Any]) -> Texter:
    if isinstance(type_, types.ARRAY):
        item = texter_for(type_.item_type)
        return lambda value: _array_text(value, item) if isinstance(value, (list, tuple)) else text_of(value)
    if isinstance(type_, Float):
        short = isinstance(type_, REAL) or (type_.precision or 53) <= 24
        digits = _FLOAT4_DIGITS if short else _FLOAT8_DIGITS
        return lambda value: float_text(value, digits) if isinstance(value, float) else text_of(value)
    if is_multirange_type(type_):
        return multirange_text
    for kind, text in _BY_TYPE:
        if isinstance(type_, kind):
            return text
    return text_of


def _json_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=text_of)


def _inet_text(value: Any) -> str:
    text = str(value)
    if "/" in text:
        return text
    return f"{text}/{128 if ':' in text else 32}"


# bpchar::text drops the padding that drivers hand out
_BY_TYPE: tuple[tuple[Any, Texter], ...] = (
    (CHAR, lambda value: text_of(value).rstrip(" ")),
    (INET, _inet_text),
    (JSON, _json_text),
)


# -- by value


def _array_text(value: Sequence[Any], item: Texter) -> str:
    return "{" + ",".join(_element_text(element, item) for element in value) + "}"


def _element_text(element: Any, item: Texter) -> str:
    if element is None:
        return "NULL"
    if isinstance(element, list):
        return _array_text(element, item)
    return _quoted(item(element), _ARRAY_UNSAFE, r"\"")


def _record_text(value: Sequence[Any]) -> str:
    fields = ("" if item is None else _quoted(text_of(item), _RANGE_UNSAFE, '""') for item in value)
    return f"({','.join(fields)})"


def _quoted(text: str, unsafe: re.Pattern[str], quote: str) -> str:
    if not unsafe.search(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', quote) + '"'


def _mapping_text(value: Mapping[Any, Any]) -> str:
    """Of an hstore; a JSON value's type says that it is one."""
    return ", ".join(
        f"{_hstore_word(str(name))}=>{'NULL' if item is None else _hstore_word(str(item))}"
        for name, item in value.items()
    )


def _hstore_word(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', r"\"") + '"'


def _time_text(value: dt.time) -> str:
    text = value.replace(microsecond=0, tzinfo=None).isoformat() + _fraction(value.microsecond)
    offset = value.utcoffset()
    return text if offset is None else text + _offset_text(offset)


def _datetime_text(value: dt.datetime) -> str:
    if value.tzinfo is not None:
        value = value.astimezone(dt.UTC)
    text = value.replace(microsecond=0, tzinfo=None).isoformat(" ") + _fraction(value.microsecond)
    return text if value.tzinfo is None else f"{text}+00"


def _fraction(microsecond: int) -> str:
    return f".{microsecond:06d}".rstrip("0") if microsecond else ""


def _offset_text(offset: dt.timedelta) -> str:
    minutes, seconds = divmod(abs(int(offset.total_seconds())), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [hours, minutes, seconds]
    while len(parts) > 1 and not parts[-1]:
        parts.pop()
    return ("-" if offset < dt.timedelta(0) else "+") + ":".join(f"{part:02d}" for part in parts)


def _interval_text(value: dt.timedelta) -> str:
    sign = "-" if value < dt.timedelta(0) else ""
    size = abs(value)
    minutes, seconds = divmod(size.seconds, 60)
    clock = f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}{_fraction(size.microseconds)}"
    days = f"{sign}{size.days} day{'' if (sign, size.days) == ('', 1) else 's'}"
    if not size.days:
        return sign + clock
    return days if size == dt.timedelta(size.days) else f"{days} {sign}{clock}"


# the first that fits: bool before int, datetime before date
_TEXTS: tuple[tuple[Any, Texter], ...] = (
    (Enum, lambda value: text_of(value.value)),
    (str, str.__str__),
    (bool, lambda value: "true" if value else "false"),
    (int, int.__repr__),
    (float, float_text),
    (Decimal, decimal_text),
    (UUID, str),
    (dt.datetime, _datetime_text),
    (dt.date, dt.date.isoformat),
    (dt.time, _time_text),
    (dt.timedelta, _interval_text),
    ((bytes, bytearray, memoryview), lambda value: "\\x" + bytes(value).hex()),
    (Mapping, _mapping_text),
    (tuple, _record_text),
    (list, lambda value: multirange_text(value) if is_multirange(value) else _array_text(value, text_of)),
)
