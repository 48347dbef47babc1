"""Kinds of columns: their types, and the few values that they take, chosen to be mistaken for each other."""

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Double,
    Enum,
    Float,
    Integer,
    Interval,
    Numeric,
    String,
    Text,
    Time,
)
from sqlalchemy.dialects.postgresql import ARRAY, CHAR, JSONB, UUID as PGUUID
from sqlalchemy.types import TypeEngine

#: Of an ICU collation that ignores case, where the server has ICU.
LOOSE = "oracle_loose"


@dataclass(frozen=True)
class Kind:
    """One kind of column, which is also its name.

    :param type: makes the column's type.
    :param values: as PostgreSQL reads them.
    :param python: what a query binds for such a text.
    :param unbound: texts that no query binds, because drivers can't say them.
    :param exact: values that are equal are the same value, so that DISTINCT and GROUP BY have one answer.
    :param ordered: it makes sense to compare with < and >.
    :param text: LIKE and text functions apply.
    """

    type: Callable[[], TypeEngine[Any]]
    values: tuple[str, ...]
    python: Callable[[str], Any] = str
    unbound: tuple[str, ...] = ()
    exact: bool = False
    ordered: bool = True
    text: bool = False

    @property
    def bound(self) -> tuple[str, ...]:
        """Texts that a query may bind."""
        return tuple(value for value in self.values if value not in self.unbound)


_WORDS = (
    *("", "a", "A", "b", "ab", "aB", "a%", "a_b", "é", "É", "ß"),
    *("\\", "q'\"", "x\ny", "z😀", " a", "a ", "10", "9"),
)
_INFINITE = ("infinity", "-infinity")


def _moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


KINDS: dict[str, Kind] = {
    "n": Kind(Integer, ("-1", "0", "1", "2", "3"), int, exact=True),
    "flag": Kind(Boolean, ("true", "false"), lambda text: text == "true", exact=True),
    "s": Kind(Text, _WORDS, exact=True, text=True),
    "big": Kind(
        BigInteger,
        ("0", "1", "9007199254740991", "9007199254740992", "9007199254740993", "-9223372036854775808"),
        int,
        exact=True,
    ),
    "num": Kind(Numeric, ("0", "1", "1.0", "1.00", "-1.5", "0.1", "NaN", "100000000000000000000.5"), Decimal),
    "money": Kind(lambda: Numeric(8, 2), ("0", "0.10", "1", "99999.99", "-0.01"), Decimal, exact=True),
    "d": Kind(
        Date,
        ("2024-02-29", "1999-12-31", "9999-12-31", *_INFINITE),
        dt.date.fromisoformat,
        _INFINITE,
        exact=True,
    ),
    "ts": Kind(
        lambda: DateTime(timezone=True),
        (
            "2024-01-01 00:00:00+00:00",
            "2024-01-01 01:00:00+01:00",
            "2024-01-01 00:00:00.123456+00:00",
            "2023-12-31 23:59:59.999999+00:00",
            *_INFINITE,
        ),
        _moment,
        _INFINITE,
        exact=True,
    ),
    "at": Kind(
        DateTime,
        ("2024-01-01 00:00:00", "2024-01-01 00:00:00.000001", "0001-01-01 00:00:00"),
        _moment,
        exact=True,
    ),
    "clock": Kind(Time, ("00:00:00", "23:59:59.999999", "12:00:00"), dt.time.fromisoformat, exact=True),
    "iv": Kind(
        Interval,
        ("1 month", "30 days", "720:00:00", "-1 day", "0"),
        lambda text: {"1 month": dt.timedelta(30), "-1 day": dt.timedelta(-1), "0": dt.timedelta(0)}.get(
            text, dt.timedelta(30)
        ),
    ),
    "uid": Kind(
        lambda: PGUUID(as_uuid=True),
        (
            "00000000-0000-0000-0000-000000000000",
            "a0000000-0000-0000-0000-00000000000a",
            "A0000000-0000-0000-0000-00000000000B",
        ),
        UUID,
        exact=True,
    ),
    "e": Kind(lambda: Enum("low", "mid", "high", name="oracle_level"), ("low", "mid", "high"), exact=True),
    "j": Kind(
        JSONB,
        ('{"a": 1}', '{"a": 1.0}', '{"a": "1"}', '{"b": null, "a": [1]}', "[]", "null", '"x"', "1", "true"),
        json.loads,
        ("null",),
    ),
    "xs": Kind(
        lambda: ARRAY(Integer),
        ("{}", "{1}", "{1,NULL}", "{2,1}", "{NULL}"),
        lambda text: [None if item == "NULL" else int(item) for item in text.strip("{}").split(",") if item],
        exact=True,
    ),
    "f": Kind(Double, ("0", "-0", "1.5", "NaN", "Infinity", "-Infinity", "1e300", "0.1", "5e-324"), float),
    "r": Kind(lambda: Float(24), ("0", "0.1", "-0", "16777217", "NaN"), float),
    "ch": Kind(lambda: CHAR(4), ("a", "a   ", "b", "", "ab"), text=True),
    "vc": Kind(lambda: String(3), ("", "a", "a  ", "abc", "É"), exact=True, text=True),
    "cc": Kind(lambda: Text(collation="C"), _WORDS, exact=True, text=True),
    "ci": Kind(lambda: Text(collation=LOOSE), ("a", "A", "b", "ab", "AB", "é", "É", "e"), text=True),
}

#: Values that PostgreSQL, Python or both take for equal, though they may look different.
TWINS: dict[str, tuple[str, ...]] = {
    "num": ("1", "1.0", "1.00"),
    "f": ("0", "-0"),
    "r": ("0", "-0"),
    "iv": ("1 month", "30 days", "720:00:00"),
    "j": ('{"a": 1}', '{"a": 1.0}', "1", "true", '{"a": "1"}'),
    "ch": ("a", "a   "),
    "vc": ("a", "a  "),
    "ci": ("a", "A"),
    "s": ("a", "A", "a "),
    "ts": ("2024-01-01 00:00:00+00:00", "2024-01-01 01:00:00+01:00"),
    "big": ("9007199254740992", "9007199254740993"),
}

#: Every table has these; of the others each schema has some.
ALWAYS = ("n", "flag", "s")


def literal(kind: str, value: str | None) -> str:
    """A value in SQL."""
    if value is None:
        return "NULL"
    quoted = value.replace("'", "''")
    return f"'{quoted}'"
