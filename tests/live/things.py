"""A table with a column of every kind, odd rows in it, and the changes that its own triggers wrote."""

import datetime as dt
import enum
import random
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    CHAR,
    REAL,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Engine,
    Enum,
    Float,
    Integer,
    Interval,
    LargeBinary,
    MetaData,
    Numeric,
    SmallInteger,
    String,
    Table,
    Text,
    Time,
    TypeDecorator,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from sa_notify import realtime
from sa_notify.live.images import images
from tests.live.written import written


class Mood(enum.Enum):
    """In another order than that of the alphabet; names, not values, are stored."""

    SAD = "s"
    GLAD = "g"
    MAD = "m"


class Turned(TypeDecorator[str]):
    """A text that is stored the other way round."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else value[::-1]

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else value[::-1]


class Absent(TypeDecorator[int]):
    """A number of which 0 stands for none."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return 0 if value is None else value

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return value or None


TEXTS = [
    "", "a", "A", "ab", "aB", "abc", "ba", "i", "I", "TITLE", "title", "b%", "b_", "%", "_", "\\", "a\\b",
    "\\%", "'", '"', "o'clock", "a\nb", "\n", "ä", "Ä", "é", "é", "İi", "ı", "ß", "SS", "K", "k", "K", "😀",
    "a😀", "a ", " a", ":x", "%(x)s", "/", "a/b", "null", "true", "ŉ", "Ì", "i̇",
]  # fmt: skip
NUMBERS = [0, 1, -1, 2, 7, 32767, -32768]
WHOLES = [*NUMBERS, 2**31 - 1, -(2**31)]
BIG = [*WHOLES, 2**53 - 1, 2**53, 2**53 + 1, 2**63 - 1, -(2**63)]
DECIMALS = ["0", "-0.00", "1", "1.0", "1.5", "1.50", "-1.5", "0.1", "0.3", "99.99", "12345.67", "NaN"]
FLOATS = [
    "0",
    "-0",
    "1.5",
    "0.1",
    "1e300",
    "-1e-300",
    "NaN",
    "Infinity",
    "-Infinity",
    "9007199254740993",
    "1.1",
]
DATES = [
    "2026-01-31", "2000-02-29", "0001-01-01", "9999-12-31", "infinity", "-infinity", "0044-03-15 BC",
    "12026-01-01", "1970-01-01",
]  # fmt: skip
STAMPS = [
    "2026-01-31 12:00:00", "2026-01-31 12:00:00.5", "2026-01-31 12:00:00.000001", "2000-02-29",
    "infinity",
    "-infinity", "0044-03-15 12:00:00.25 BC", "12026-01-01 00:00:01", "9999-12-31 23:59:59.999999",
]  # fmt: skip
ZONED = [
    "2026-01-31 12:00:00+00", "2026-01-31 13:00:00+01", "2026-01-31 12:00:00.5+00", "infinity",
    "-infinity",
    "0044-03-15 12:00:00+00 BC", "12026-01-01 00:00:01+00", "2026-07-01 00:00:00-03:30",
]  # fmt: skip
TIMES = ["00:00:00", "12:34:56", "12:34:56.5", "23:59:59.999999", "24:00:00"]
SPANS = [
    "1 mon", "30 days", "29 days 24:00:00", "-1 mon", "1 year 2 mons 3 days 04:05:06.5", "00:00:00",
    "-00:00:00.5", "1 mon -30 days", "-1 mons +2 days -01:00:00", "360 days", "36:00:00", "1 day 12:00:00",
]  # fmt: skip
UUIDS = [
    "00000000-0000-0000-0000-00000000000a", "A0000000-0000-0000-0000-000000000001",
    "10000000-0000-0000-0000-000000000000", "f0000000-0000-0000-0000-000000000000",
]  # fmt: skip
UTC = dt.UTC
HALF = dt.timezone(dt.timedelta(hours=-3, minutes=-30))
MOMENTS = [
    dt.datetime.fromisoformat(moment)
    for moment in (
        "2026-01-31 12:00",
        "2026-01-31 12:00:00.5",
        "2000-02-29",
        "9999-12-31 23:59:59.999999",
        "0001-01-01",
    )
]


@dataclass(frozen=True)
class Kind:
    """What is in a column, as SQL's texts, and what it is compared with."""

    type: Any
    stored: list[Any]
    bound: list[Any]


KINDS: Mapping[str, Kind] = {
    "i2": Kind(SmallInteger(), NUMBERS, NUMBERS),
    "i4": Kind(Integer(), WHOLES, [*NUMBERS, Decimal("1.5"), 1.5]),
    "i8": Kind(BigInteger(), BIG, BIG),
    "n": Kind(Numeric(), [*DECIMALS, "Infinity", "123456789012345678901234567890.5"],
              [Decimal(d) for d in DECIMALS] + [1, 0, 1.5]),
    "n2": Kind(Numeric(12, 2), DECIMALS, [Decimal(d) for d in DECIMALS] + [1, Decimal("1.495"), 0.1]),
    "f": Kind(Float(), FLOATS, [*map(float, FLOATS), 1, Decimal("1.5")]),
    "r": Kind(REAL(), [*FLOATS[:2], "1.1", "NaN"], [1.1, 0.0, float("nan")]),
    "b": Kind(Boolean(), [True, False], [True, False]),
    "d": Kind(Date(), DATES, [m.date() for m in MOMENTS] + [MOMENTS[0]]),
    "ts": Kind(DateTime(), STAMPS, [*MOMENTS, dt.date(2000, 2, 29), MOMENTS[0].replace(tzinfo=UTC)]),
    "tz": Kind(DateTime(timezone=True), ZONED,
               [m.replace(tzinfo=UTC) for m in MOMENTS] + [dt.datetime(2026, 7, 1, tzinfo=HALF), MOMENTS[0]]),
    "tm": Kind(Time(), TIMES, [dt.time(), dt.time(12, 34, 56), dt.time(12, 34, 56, 500000), dt.time.max]),
    "iv": Kind(Interval(), SPANS, [*map(dt.timedelta, (30, 0, -30, 1.5)), dt.timedelta(0, -0.5)]),
    "u": Kind(Uuid(), UUIDS, [uuid.UUID(u) for u in UUIDS]),
    "us": Kind(Uuid(as_uuid=False), UUIDS, [*UUIDS, uuid.UUID(UUIDS[0]).hex]),
    "s": Kind(String(40), TEXTS, TEXTS),
    "t": Kind(Text(), TEXTS, TEXTS),
    "e": Kind(Enum(Mood, name="mood"), ["SAD", "GLAD", "MAD"], list(Mood)),
    "e2": Kind(Enum(Mood, native_enum=False, length=10), ["SAD", "GLAD", "MAD"], list(Mood)),
    "turned": Kind(Turned(), TEXTS, TEXTS),
    "absent": Kind(Absent(), NUMBERS, [*NUMBERS, None]),
    "c": Kind(CHAR(5), ["a", "ab", "a b"], ["a", "a ", "ab"]),
    "cs": Kind(String(collation="C"), TEXTS, TEXTS),
    "by": Kind(LargeBinary(), ["\\x00", "\\x61"], [b"a"]),
    "js": Kind(JSONB(), ["null", "1", '"a"'], []),
}  # fmt: skip

metadata = MetaData()
things = Table(
    "Odd things", metadata, Column("id", Integer, primary_key=True),
    *(Column(f"{name} %", kind.type, key=name) for name, kind in KINDS.items()),
)  # fmt: skip
realtime(delivery="outbox", carry=[f"{name} %" for name in KINDS])(things)

ROWS = 150


class Rows(dict[int, Mapping[str, Any]]):
    """Of each row what its change carries. Short, as Hypothesis writes out what a test is given."""

    def __repr__(self) -> str:
        return "..."


def fill(engine: Engine) -> Rows:
    """Create the table with its rows."""
    metadata.create_all(engine)
    with written(engine) as outbox:
        with engine.begin() as connection:
            for at, row in enumerate(odd_rows()):
                marks = ", ".join("%s" for _ in range(len(row) + 1))
                connection.exec_driver_sql(f'INSERT INTO "Odd things" VALUES ({marks})', (at, *row))
        return Rows({int(c.key[0]): images(c, ["id"])[1] or {} for c in outbox.changes() if c.key})


def odd_rows() -> Iterator[list[Any]]:
    """Always the same; a NULL in one of six places."""
    chance = random.Random(7)
    for _ in range(ROWS):
        yield [None if chance.random() < 0.16 else chance.choice(kind.stored) for kind in KINDS.values()]
