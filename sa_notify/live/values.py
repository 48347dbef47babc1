"""Values as they travel to browsers, and primary keys as text."""

import base64
import dataclasses
import datetime
import decimal
import enum
import math
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import JSON, Enum
from sqlalchemy.types import ARRAY, TypeDecorator, TypeEngine

Encoder = Callable[[Any], Any]

#: Browsers read numbers as doubles: whole numbers beyond this come out rounded.
MAX_SAFE_INTEGER = 2**53 - 1


def encoder_for(type_: TypeEngine[Any]) -> Encoder:
    """How values of a column's type become JSON; values are taken as SQLAlchemy's types give them."""
    if isinstance(type_, TypeDecorator):
        # its Python values are its own business: what can be told is told by the values
        inner = getattr(type_, "impl_instance", type_.impl)
        return encode_json if isinstance(inner, JSON) else encode
    if isinstance(type_, JSON):
        return encode_json
    if isinstance(type_, Enum):
        return lambda value: _label(type_, value)
    if isinstance(type_, ARRAY):
        item = encoder_for(type_.item_type)
        return lambda value: _nested(value, item)
    return encode


def encode(value: Any) -> Any:
    """One value in JSON terms.

    Integers are numbers up to 2^53-1 and text beyond, Numeric is text, dates and times are ISO 8601
    (with a time zone: in UTC, ending in ``+00:00``), intervals ISO 8601 durations, UUIDs text, bytes
    base64, NaN and infinities text, ranges PostgreSQL's text, anything else ``str(value)``.
    """
    if value is None or type(value) in (bool, str):
        return value
    encoder = _BY_TYPE.get(type(value)) or _by_base(value)
    return encoder(value)


def encode_json(value: Any) -> Any:
    """A JSON column's value as it is; what a decorator made of it as any other value."""
    return value if _is_json(value) else encode(value)


def key_text(value: Any, type_: TypeEngine[Any] | None = None) -> str:
    """A primary key column's value as PostgreSQL casts it to ``text`` (ISO dates, UTC)."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "\\x" + bytes(value).hex()
    if isinstance(value, datetime.datetime):
        return _timestamp_text(value)
    if isinstance(value, datetime.time):
        return _trimmed(value.isoformat())
    if isinstance(value, enum.Enum):
        return str(_label(type_, value) if isinstance(type_, Enum) else value.value)
    return str(encode(value))


def _integer(value: int) -> int | str:
    return int(value) if -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER else str(int(value))


def _float(value: float) -> float | str:
    if math.isfinite(value):
        return float(value)
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _decimal(value: decimal.Decimal) -> str:
    if value.is_finite():
        return format(value, "f")
    return "NaN" if value.is_nan() else "Infinity" if value > 0 else "-Infinity"


def _datetime(value: datetime.datetime) -> str:
    return (value.astimezone(datetime.UTC) if value.tzinfo else value).isoformat()


def _time(value: datetime.time) -> str:
    return value.isoformat()


def _duration(value: datetime.timedelta) -> str:
    sign = "-" if value < datetime.timedelta(0) else ""
    value = abs(value)
    seconds = f"{value.seconds}.{value.microseconds:06d}".rstrip("0").rstrip(".")
    days = f"{value.days}D" if value.days else ""
    return (
        f"{sign}P{days}T{seconds}S" if value.seconds or value.microseconds or not days else f"{sign}P{days}"
    )


def _bytes(value: Any) -> str:
    return base64.b64encode(bytes(value)).decode("ascii")


def _mapping(value: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): encode(item) for name, item in value.items()}


def _dataclass(value: Any) -> Any:
    # SQLAlchemy's ranges are dataclasses whose str() is PostgreSQL's text
    if type(value).__str__ is not object.__str__ and hasattr(value, "bounds"):
        return str(value)
    return {field.name: encode(getattr(value, field.name)) for field in dataclasses.fields(value)}


def _multirange(value: Any) -> str:
    return "{" + ",".join(map(str, value)) + "}"


_BY_TYPE: dict[type, Encoder] = {
    int: _integer,
    float: _float,
    decimal.Decimal: _decimal,
    datetime.datetime: _datetime,
    datetime.date: datetime.date.isoformat,
    datetime.time: _time,
    datetime.timedelta: _duration,
    uuid.UUID: str,
    bytes: _bytes,
    bytearray: _bytes,
    memoryview: _bytes,
    list: lambda value: [encode(item) for item in value],
    tuple: lambda value: [encode(item) for item in value],
    set: lambda value: [encode(item) for item in sorted(value, key=str)],
    frozenset: lambda value: [encode(item) for item in sorted(value, key=str)],
    dict: _mapping,
}


def _by_base(value: Any) -> Encoder:
    """An encoder for a value whose exact type has none."""
    if isinstance(value, enum.Enum):
        return lambda member: encode(member.value)
    if type(value).__name__ == "MultiRange":
        return _multirange
    for base, encoder in _BY_TYPE.items():
        if isinstance(value, base):
            return encoder
    if isinstance(value, str):
        return str
    if isinstance(value, Mapping):
        return _mapping
    return _dataclass if dataclasses.is_dataclass(value) else str


def _label(type_: TypeEngine[Any] | None, value: Any) -> Any:
    """The text that the database holds for a member."""
    if not isinstance(value, enum.Enum) or not isinstance(type_, Enum) or type_.enum_class is None:
        return encode(value)
    choose = type_.values_callable
    if choose is None:
        return value.name
    return dict(zip(type_.enum_class, choose(type_.enum_class), strict=False)).get(value, value.name)


def _nested(value: Any, item: Encoder) -> Any:
    if value is None or not isinstance(value, Sequence) or isinstance(value, (str, bytes)):
        return encode(value)
    return [_nested(inner, item) if isinstance(inner, (list, tuple)) else item(inner) for inner in value]


def _is_json(value: Any) -> bool:
    if value is None or type(value) in (bool, str, int):
        return True
    if type(value) is float:
        return math.isfinite(value)
    if type(value) is list:
        return all(_is_json(item) for item in value)
    return type(value) is dict and all(type(k) is str and _is_json(item) for k, item in value.items())


def _timestamp_text(value: datetime.datetime) -> str:
    zoned = value.tzinfo is not None
    plain = value.astimezone(datetime.UTC).replace(tzinfo=None) if zoned else value
    return _trimmed(plain.isoformat(" ")) + ("+00" if zoned else "")


def _trimmed(text: str) -> str:
    return text.rstrip("0") if "." in text else text
