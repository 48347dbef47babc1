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


def parameter_type(value: Any) -> str | None:
    """A type that keeps a value which the server is sent beside a statement that casts it, as by psycopg 3.

    :returns: ``None`` where it is not known.
    """
    kind = type(value)
    if kind is int:
        return "bigint" if abs(value) <= _INT8 else None
    if kind is float:
        return "double precision"
    return "text" if kind is str else literal_type(value)


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
