"""How PostgreSQL types the values that a driver sends."""

import datetime as dt
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

#: The place where a string stands decides its type.
UNTYPED = ""

_INT4, _INT8 = 2**31 - 1, 2**63 - 1


def literal_type(value: Any) -> str | None:
    """The type of a value that a driver writes into the statement as a literal, as psycopg2 does.

    :returns: :data:`UNTYPED` for strings; ``None`` where it is not known.
    """
    found = _LITERALS.get(type(value))
    return found(value) if found else None


def parameter_type(value: Any, *, cast: bool) -> str | None:
    """The type of a value that the server is sent beside the statement, as by psycopg 3.

    :param cast: the statement casts it: any type will do that keeps the value.
    :returns: :data:`UNTYPED` for strings that are not cast; ``None`` where it is not known.
    """
    kind = type(value)
    if kind is int:
        return "bigint" if cast and abs(value) <= _INT8 else None
    if kind is str:
        return "text" if cast else UNTYPED
    return _PARAMETERS.get(kind) or literal_type(value)


def _integer(value: int) -> str | None:
    # a negative number is the positive one with an operator before it
    if abs(value) <= _INT4:
        return "integer"
    return "bigint" if abs(value) <= _INT8 else None


def _decimal(value: Decimal) -> str | None:
    if not value.is_finite():
        return None
    digits = str(value)
    return "numeric" if "." in digits or "E" in digits else _integer(int(value))


_LITERALS: dict[type, Callable[[Any], str | None]] = {
    bool: lambda _: "boolean",
    int: _integer,
    float: lambda value: "numeric" if math.isfinite(value) else None,
    Decimal: _decimal,
    str: lambda _: UNTYPED,
    UUID: lambda _: "uuid",
    dt.date: lambda _: "date",
    dt.datetime: lambda value: "timestamp" if value.tzinfo is None else "timestamptz",
    dt.time: lambda value: "time" if value.tzinfo is None else None,
    dt.timedelta: lambda _: "interval",
}

_PARAMETERS: dict[type, str] = {float: "double precision", Decimal: "numeric"}
