"""What PostgreSQL holds, as browsers get it and as changes name it."""

import dataclasses
import datetime as dt
import enum
import ipaddress
import json
import math
import time
from collections import namedtuple
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import given, strategies as st
from sqlalchemy.dialects import postgresql as pg

from sa_notify.errors import QueryError
from sa_notify.live.values import MAX_SAFE_INTEGER, encode, encoder_for, key_text
from tests.live.node import evaluate

SETTINGS = (
    "SET timezone = 'UTC'",
    "SET datestyle = 'ISO, YMD'",
    "SET intervalstyle = 'postgres'",
    "SET bytea_output = 'hex'",
    "SET extra_float_digits = 1",
)


class Color(enum.Enum):
    RED = "r"
    BLUE = "b"
    CRIMSON = "r"  # noqa: PIE796


class Size(enum.IntEnum):
    SMALL = 1


class Mood(enum.StrEnum):
    CALM = "calm"


@dataclasses.dataclass
class Point:
    x: int
    at: dt.date


Pair = namedtuple("Pair", "one two")  # noqa: PYI024


class AsPoint(sa.types.TypeDecorator[Point]):
    """A value of the application's own, stored as text."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return f"{value.x}@{value.at}"

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        x, at = value.split("@")
        return Point(int(x), dt.date.fromisoformat(at))


class Shouted(sa.types.TypeDecorator[Any]):
    """Passes an enum through."""

    impl = sa.Enum(Color, name="color", native_enum=False)
    cache_ok = True


@pytest.fixture(params=["psycopg2", "psycopg"])
def connection(request: pytest.FixtureRequest, engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection with the settings of the capture functions, on each driver."""
    url = engine.url.set(drivername=f"postgresql+{request.param}")
    own = sa.create_engine(url)
    with own.connect() as connection:
        for setting in SETTINGS:
            connection.exec_driver_sql(setting)
        yield connection
    own.dispose()


def _read(connection: sa.Connection, sql: str, type_: Any) -> tuple[Any, str]:
    """The value as SQLAlchemy gives it, and PostgreSQL's own text of it."""
    column = sa.literal_column(sql, type_)
    row = connection.execute(sa.select(column, sa.literal_column(f"({sql})::text", sa.Text))).one()
    return row[0], row[1]


UTC_2026 = "timestamptz '2026-01-01 01:00:00.120+01'"
CASES: list[tuple[str, Any, Any]] = [
    ("7::int", sa.Integer(), 7),
    ("9007199254740991::bigint", sa.BigInteger(), 9007199254740991),
    ("9007199254740992::bigint", sa.BigInteger(), "9007199254740992"),
    ("-9007199254740992::bigint", sa.BigInteger(), "-9007199254740992"),
    ("true", sa.Boolean(), True),
    ("false", sa.Boolean(), False),
    ("1.50::numeric(10,2)", sa.Numeric(10, 2), "1.50"),
    ("1e20::numeric", sa.Numeric(), "100000000000000000000"),
    ("1e-9::numeric", sa.Numeric(), "0.000000001"),
    ("'NaN'::numeric", sa.Numeric(), "NaN"),
    ("0.1::float8", sa.Double(), 0.1),
    ("'NaN'::float8", sa.Double(), "NaN"),
    ("'Infinity'::float8", sa.Double(), "Infinity"),
    ("'-Infinity'::float8", sa.Double(), "-Infinity"),
    ("'a\"é'::text", sa.Text(), 'a"é'),
    ("'ab'::char(5)", sa.CHAR(5), "ab   "),
    ("date '0900-02-03'", sa.Date(), "0900-02-03"),
    ("time '01:02:03.450'", sa.Time(), "01:02:03.450000"),
    ("timetz '01:02:03+05:30'", sa.Time(timezone=True), "01:02:03+05:30"),
    ("timetz '01:02:03-03'", sa.Time(timezone=True), "01:02:03-03:00"),
    ("timestamp '2026-01-01 00:00:00'", sa.DateTime(), "2026-01-01T00:00:00"),
    ("timestamp '2026-01-01 00:00:00.5'", sa.DateTime(), "2026-01-01T00:00:00.500000"),
    (UTC_2026, sa.DateTime(timezone=True), "2026-01-01T00:00:00.120000+00:00"),
    ("interval '1 day 02:03:04.5'", sa.Interval(), "P1DT2H3M4.5S"),
    ("interval '-2 days -00:00:01'", sa.Interval(), "-P2DT1S"),
    ("interval '0'", sa.Interval(), "PT0S"),
    ("interval '3 days'", pg.INTERVAL(), "P3D"),
    ("uuid 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", sa.Uuid(), "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    (
        "uuid 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'",
        pg.UUID(as_uuid=False),
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
    ),
    (
        "'a0eebc999c0b4ef8bb6d6bb9bd380a11'::char(32)",
        sa.Uuid(native_uuid=False),
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
    ),
    ("'\\x00ff'::bytea", sa.LargeBinary(), "AP8="),
    ("'RED'::text", sa.Enum(Color), "RED"),
    ("'b'::text", sa.Enum(Color, values_callable=lambda kind: [member.value for member in kind]), "b"),
    ("'BLUE'::text", Shouted(), "BLUE"),
    ("'x'::text", sa.Enum("x", "y"), "x"),
    ("'3@2026-01-02'::text", AsPoint(), {"x": 3, "at": "2026-01-02"}),
    ("array[1,null,3]", sa.ARRAY(sa.Integer), [1, None, 3]),
    ("array[[1,2],[3,4]]", pg.ARRAY(sa.BigInteger, dimensions=2), [[1, 2], [3, 4]]),
    ("array['a b','','NULL','q\"','b\\']", pg.ARRAY(sa.Text), ["a b", "", "NULL", 'q"', "b\\"]),
    ("array[1.50]::numeric[]", pg.ARRAY(sa.Numeric), ["1.50"]),
    ("array['RED']::text[]", pg.ARRAY(sa.Enum(Color, native_enum=False)), ["RED"]),
    (
        """'{"a": [1, 2.5, null, true, "x"], "b": {}}'::jsonb""",
        pg.JSONB(),
        {"a": [1, 2.5, None, True, "x"], "b": {}},
    ),
    ("'[1e999]'::json", sa.JSON(), ["Infinity"]),
    ("int4range(1, 5)", pg.INT4RANGE(), "[1,5)"),
    ("int4range(null, 5)", pg.INT4RANGE(), "(,5)"),
    ("int4range(1, 1)", pg.INT4RANGE(), "empty"),
    ("numrange(1.5, 2.50, '(]')", pg.NUMRANGE(), "(1.5,2.50]"),
    ("daterange('2026-01-01', null)", pg.DATERANGE(), "[2026-01-01,)"),
    (
        "tstzrange('2026-01-01 00:00+00', '2026-01-02 00:00:00.5+00')",
        pg.TSTZRANGE(),
        '["2026-01-01 00:00:00+00","2026-01-02 00:00:00.5+00")',
    ),
    ("inet '192.168.0.1'", pg.INET(), "192.168.0.1"),
    ("inet '192.168.0.1/24'", pg.INET(), "192.168.0.1/24"),
    ("inet '::1'", pg.INET(), "::1"),
    ("cidr '10.0.0.0/8'", pg.CIDR(), "10.0.0.0/8"),
    ("macaddr '08:00:2b:01:02:03'", pg.MACADDR(), "08:00:2b:01:02:03"),
    ("B'101'::bit(3)", pg.BIT(3), "101"),
]


@pytest.mark.parametrize(("sql", "type_", "wire"), CASES, ids=[case[0] for case in CASES])
def test_every_type_as_the_wire_and_as_a_key(
    connection: sa.Connection, sql: str, type_: Any, wire: Any
) -> None:
    """The wire has what the contract says; the key's text is PostgreSQL's own, letter by letter."""
    value, text = _read(connection, sql, type_)

    encoded = encode(value, type_)
    assert json.dumps(encoded) == json.dumps(wire)
    assert json.loads(json.dumps(encoded, allow_nan=False)) == encoded
    if not isinstance(type_, sa.JSON) or isinstance(type_, pg.JSONB):
        assert key_text(value, type_) == text


FLOATS = [0.0, -0.0, 1.0, 100000.0, 1e6, 999999.0, 1234567.0, 1e14, 1e15, 123456789012345.6, 0.0001, 0.00001]
FLOATS += [1e20, 1.5e-7, -2.5e300, 5e-324, 123456.0, math.pi]


@pytest.mark.parametrize("sql_type", ["float8", "float4"])
def test_floats_as_keys(connection: sa.Connection, sql_type: str) -> None:
    """Digits and exponents are PostgreSQL's."""
    type_ = sa.REAL() if sql_type == "float4" else sa.Double()
    for number in FLOATS:
        if sql_type == "float4" and not 1e-37 < abs(number or 1) < 1e37:
            continue
        value, text = _read(connection, f"'{number!r}'::{sql_type}", type_)
        if sql_type == "float4" and connection.dialect.driver == "psycopg" and len(text) > 12:
            continue
        assert key_text(value, type_) == text
        if sql_type == "float4":
            assert key_text(value, sa.Float(24)) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_float_keys_read_back(number: float) -> None:
    """The text is of this number and no other."""
    assert repr(float(key_text(number, sa.Double()))) == repr(number)


def test_a_multirange(connection: sa.Connection) -> None:
    """As PostgreSQL's text, from drivers that know multiranges and from others."""
    value, text = _read(connection, "int4multirange(int4range(1,3), int4range(5,9))", pg.INT4MULTIRANGE())

    assert (
        encode(value, pg.INT4MULTIRANGE()) == key_text(value, pg.INT4MULTIRANGE()) == text == "{[1,3),[5,9)}"
    )
    assert encode([pg.Range(1, 3)], pg.INT4MULTIRANGE()) == "{[1,3)}"
    assert encode([], pg.INT4MULTIRANGE()) == "{}"
    assert encode(None, pg.INT4MULTIRANGE()) is None


def test_an_hstore(connection: sa.Connection) -> None:
    """An object of texts."""
    assert encode({"a": "1", "b": None}, pg.HSTORE()) == {"a": "1", "b": None}
    assert key_text({"a": "1", 'b"': None}, pg.HSTORE()) == '"a"=>"1", "b\\""=>NULL'


def test_a_domain_is_its_base_type(connection: sa.Connection) -> None:
    """And a variant what it is on PostgreSQL."""
    domain = pg.DOMAIN("shade", sa.Enum(Color))
    variant = sa.String().with_variant(pg.ARRAY(sa.Numeric), "postgresql")

    assert encode(Color.RED, domain) == key_text(Color.RED, domain) == "RED"
    assert encode([Decimal(1)], variant) == ["1"]


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        (None, None),
        (Color.RED, "r"),
        (Size.SMALL, 1),
        (Mood.CALM, "calm"),
        (Pair(1, Decimal("2.0")), {"one": 1, "two": "2.0"}),
        ((1, b"x"), [1, "eA=="]),
        ({3, 1, 2}, [1, 2, 3]),
        ({"b", 1, None, "a"}, ["a", "b", 1, None]),
        (frozenset("ba"), ["a", "b"]),
        ({1: dt.date(2026, 1, 1), Color.RED: 2}, {"1": "2026-01-01", "r": 2}),
        (memoryview(b"\x00"), "AA=="),
        (bytearray(b"\x00"), "AA=="),
        (Decimal("1E+3"), "1000"),
        (Decimal("-Infinity"), "-Infinity"),
        (ipaddress.ip_address("10.0.0.1"), "10.0.0.1"),
        (sa.quoted_name("x", True), "x"),
        (10**30, str(10**30)),
        (pg.Range(dt.date(2026, 1, 1), dt.date(2026, 1, 2), bounds="[]"), "[2026-01-01,2026-01-02]"),
        (dt.timedelta(days=1, microseconds=1), "P1DT0.000001S"),
        (dt.datetime(1, 1, 1, tzinfo=dt.UTC), "0001-01-01T00:00:00+00:00"),
    ],
)
def test_values_of_unknown_type(value: Any, wire: Any) -> None:
    """What a decorator or an untyped expression returns is encoded as what it is, in plain JSON types."""
    encoded = encode(value)

    assert json.dumps(encoded) == json.dumps(wire)
    assert type(encoded) is type(wire)


def test_times_are_in_utc_wherever_the_server_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """The zone of the process plays no part."""
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        moment = dt.datetime(2026, 1, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=1)))
        assert encode(moment) == "2026-01-01T00:00:00+00:00"
        assert key_text(moment, sa.DateTime(timezone=True)) == "2026-01-01 00:00:00+00"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_nothing_without_a_text_of_its_own_is_sent() -> None:
    """A memory address would change with each reading."""
    with pytest.raises(QueryError, match="__str__"):
        encode(object())


@given(
    st.integers() | st.floats() | st.decimals() | st.binary() | st.text() | st.timedeltas() | st.datetimes()
)
def test_anything_survives_json(value: Any) -> None:
    """JSON that every browser reads, with the same value again after another reading."""
    encoded = encode(value)

    assert json.loads(json.dumps(encoded, allow_nan=False)) == encoded == encode(value)


def test_browsers_read_the_same_numbers() -> None:
    """No integer arrives rounded."""
    numbers = [MAX_SAFE_INTEGER, -MAX_SAFE_INTEGER, MAX_SAFE_INTEGER + 1, 2**63 - 1, -(2**63)]
    encoded = [encode(number, sa.BigInteger()) for number in numbers]

    assert evaluate("values => values.map(String)", encoded) == [str(number) for number in numbers]


def test_encoders_are_reusable() -> None:
    """One encoder serves all rows of a column, NULLs among them."""
    encoder = encoder_for(sa.ARRAY(sa.Uuid()))

    uuid = UUID(int=1)
    assert [encoder(None), encoder([uuid, None])] == [None, [str(uuid), None]]
