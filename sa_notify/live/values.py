"""Values on the wire: JSON that browsers read without losing anything."""

import base64
import dataclasses
import datetime as dt
import json
import math
from collections.abc import Callable, Mapping, Sequence, Set as AbstractSet
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, types
from sqlalchemy.types import NULLTYPE, TypeEngine

from sa_notify.errors import QueryError
from sa_notify.live.resolve import POSTGRESQL, resolved
from sa_notify.live.texts import (
    decimal_text,
    float_text,
    is_multirange,
    is_multirange_type,
    is_range,
    key_text,
    multirange_text,
    range_text,
)

__all__ = ["MAX_SAFE_INTEGER", "Encoder", "encode", "encode_column", "encoder_for", "key_text"]

Encoder = Callable[[Any], Any]

#: Browsers read numbers as doubles: whole numbers beyond this come out rounded.
MAX_SAFE_INTEGER = 2**53 - 1


def encode(value: Any, type_: TypeEngine[Any] = NULLTYPE) -> Any:
    """A value in JSON terms.

    Integers are numbers up to ±(2^53-1) and text beyond; Numeric, NaN and infinities are text. Dates and
    times are ISO 8601 (with a time zone: in UTC, ending in ``+00:00``), intervals ISO 8601 durations.
    UUIDs are text, bytes base64, enums their label in the database, ranges PostgreSQL's text, JSON itself,
    tuples lists; dataclasses and named tuples are objects. What a type of one's own returns is encoded
    as the kind of value that it is; anything else is its ``str()``.

    :param type_: the column's type, where it is known.
    :raises QueryError: the value has neither a known kind nor a text of its own.
    """
    return encoder_for(type_)(value)


def encoder_for(type_: TypeEngine[Any]) -> Encoder:
    """:func:`encode` for many values of one type."""
    plain = resolved(type_)
    if isinstance(plain, JSON):
        return _json
    if isinstance(plain, types.Enum):
        return _enum_encoder(plain)
    if isinstance(plain, types.ARRAY):
        item = encoder_for(plain.item_type)
        return lambda value: _nested(value, item)
    if is_multirange_type(plain):
        return lambda value: None if value is None else multirange_text(value)
    return _plain


def encode_column(column: Sequence[Any], encoder: Encoder) -> Sequence[Any]:
    """Each value of a column encoded: for the most common kinds without a call for each value."""
    if encoder is _plain:
        kinds = set(map(type, column))
        kinds.discard(type(None))
        if kinds <= {str, bool} or (kinds == {int} and _is_safe(column)):
            return column
        if len(kinds) == 1 and (encode_one := _EXACT.get(kinds.pop())):
            return [None if value is None else encode_one(value) for value in column]
    return [encoder(value) for value in column]


def _is_safe(column: Sequence[int | None]) -> bool:
    numbers = [value for value in column if value is not None]
    return min(numbers) >= -MAX_SAFE_INTEGER and max(numbers) <= MAX_SAFE_INTEGER


# -- by type


def _enum_encoder(type_: types.Enum) -> Encoder:
    bind: Callable[[Any], Encoder | None] = type_.bind_processor
    label, members = bind(POSTGRESQL), type_.enum_class
    if members is None or label is None:
        return _plain
    return lambda value: label(value) if isinstance(value, members) else _plain(value)


def _nested(value: Any, item: Encoder) -> Any:
    """An array, of arrays perhaps; a decorator may have made something else of it."""
    if type(value) in (list, tuple):
        return [_nested(element, item) for element in value]
    return item(value)


def _json(value: Any) -> Any:
    """As is, but for what is no JSON: Python reads a number like 1e999 as infinity."""
    kind = type(value)
    if kind in (str, int, bool):
        return value
    if kind is list:
        return [_json(item) for item in value]
    if kind is dict:
        return {name if type(name) is str else _name(name): _json(item) for name, item in value.items()}
    return _plain(value)


# -- by value


def _plain(value: Any) -> Any:
    encoder = _EXACT.get(type(value))
    return encoder(value) if encoder else _unusual(value)


def _unusual(value: Any) -> Any:
    """A value of no common class: derived from one, a driver's, or the application's own."""
    for fits, encoder in _UNUSUAL:
        if fits(value):
            return encoder(value)
    for kind, encoder in _EXACT.items():
        if isinstance(value, kind):
            return encoder(value)
    return _text(value)


def _text(value: Any) -> str:
    kind: Any = type(value)
    if kind.__str__ is object.__str__ and kind.__repr__ is object.__repr__:
        # its text would be a memory address: another one with each reading
        raise QueryError(f"a {kind.__name__} can't be sent: give it __str__, or select a plain column")
    return str(value)


def _integer(value: int) -> int | str:
    return int(value) if -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER else int.__repr__(value)


def _float(value: float) -> float | str:
    return float(value) if math.isfinite(value) else float_text(value)


def _datetime(value: dt.datetime) -> str:
    return (value if value.tzinfo is None else value.astimezone(dt.UTC)).isoformat()


def _duration(value: dt.timedelta) -> str:
    size = abs(value)
    minutes, seconds = divmod(size.seconds, 60)
    fraction = f".{size.microseconds:06d}".rstrip("0") if size.microseconds else ""
    clock = f"{minutes // 60}H" if minutes >= 60 else ""
    clock += f"{minutes % 60}M" if minutes % 60 else ""
    clock += f"{seconds}{fraction}S" if seconds or fraction else ""
    days = f"{size.days}D" if size.days else ""
    sign = "-" if value < dt.timedelta(0) else ""
    return f"{sign}P{days}T{clock}" if clock else f"{sign}P{days or 'T0S'}"


def _bytes(value: bytes | bytearray | memoryview) -> str:
    return base64.b64encode(value).decode("ascii")


def _mapping(value: Mapping[Any, Any]) -> dict[str, Any]:
    return {_name(name): _plain(item) for name, item in value.items()}


def _name(key: Any) -> str:
    return str(_plain(key))


def _sequence(value: Sequence[Any]) -> list[Any]:
    return [_plain(item) for item in value]


def _set(value: AbstractSet[Any]) -> list[Any]:
    """In an order that stays the same from one reading to the next."""
    return sorted((_plain(item) for item in value), key=json.dumps)


def _fields(value: Any) -> dict[str, Any]:
    return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}


# the first that fits, where a value is of a class derived from them: bool before int, datetime before date
_EXACT: dict[type, Encoder] = {
    str: str.__str__,
    bool: bool,
    int: _integer,
    type(None): lambda _: None,
    float: _float,
    Decimal: decimal_text,
    dt.datetime: _datetime,
    dt.date: dt.date.isoformat,
    dt.time: dt.time.isoformat,
    dt.timedelta: _duration,
    UUID: str,
    bytes: _bytes,
    bytearray: _bytes,
    memoryview: _bytes,
    list: _sequence,
    dict: _mapping,
    tuple: _sequence,
}

_UNUSUAL: tuple[tuple[Callable[[Any], bool], Encoder], ...] = (
    (lambda value: isinstance(value, Enum), lambda value: _plain(value.value)),
    (is_multirange, multirange_text),
    (is_range, range_text),
    (lambda value: hasattr(value, "_asdict"), lambda value: _mapping(value._asdict())),
    (dataclasses.is_dataclass, _fields),
    (lambda value: isinstance(value, Mapping), _mapping),
    (lambda value: isinstance(value, AbstractSet), _set),
)
