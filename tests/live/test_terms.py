"""Which values are compared in Python, and which are left to PostgreSQL."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import (
    ARRAY,
    CHAR,
    JSON,
    REAL,
    Boolean,
    DateTime,
    Enum,
    Float,
    Integer,
    LargeBinary,
    Numeric,
    String,
    Time,
    TypeDecorator,
    Uuid,
)
from sqlalchemy.dialects.postgresql import CITEXT, DOMAIN, HSTORE, INET, MONEY, TSVECTOR
from sqlalchemy.types import NullType, UserDefinedType

from sa_notify.live import moments
from sa_notify.live.logic import FALSE, TRUE, UNKNOWN
from sa_notify.live.patterns import ilike, like
from sa_notify.live.terms import NAN, NOT_KNOWN, terms_of
from tests.live.things import Mood

NOON = dt.datetime.fromisoformat("2026-01-31 12:00")


class Refusing(TypeDecorator[str]):
    """Takes no value at all."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        raise ValueError(value)


class Lowered(TypeDecorator[str]):
    """PostgreSQL compares something else than what it is given."""

    impl = String
    cache_ok = True

    def bind_expression(self, bindparam: Any) -> Any:
        return bindparam.op("||")("x")


class Point(UserDefinedType[Any]):
    def get_col_spec(self, **_: Any) -> str:
        return "POINT"


@pytest.mark.parametrize(
    "type_",
    [
        CHAR(3),
        CITEXT(),
        String(collation="C"),
        DOMAIN("d", String(), collation="de"),
        ARRAY(Integer),
        JSON(),
        LargeBinary(),
        REAL(),
        Float(24),
        Time(timezone=True),
        NullType(),
        Point(),
        Lowered(),
        INET(),
        MONEY(),
        TSVECTOR(),
        HSTORE(),
        DOMAIN("d", CITEXT()),
    ],
)
def test_left_to_postgresql(type_: Any) -> None:
    """Types whose equality Python may not share."""
    assert terms_of(type_) is None


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        (Integer(), True),
        (Integer(), "1"),
        (Integer(), Decimal("1.5")),
        (Numeric(), 1.5),
        (Numeric(12, 2), Decimal("1.495")),
        (Float(), 2**53 + 1),
        (Float(), Decimal("1.5")),
        (Boolean(), "true"),
        (DateTime(), NOON.replace(tzinfo=dt.UTC)),
        (DateTime(timezone=True), NOON),
        (DateTime(), "2026-01-31"),
        (Time(), dt.time(12, tzinfo=dt.UTC)),
        (Uuid(), "no uuid"),
        (Enum(Mood, name="mood"), 5),
        (Refusing(), "a"),
    ],
)
def test_doubtful_values(type_: Any, value: Any) -> None:
    """What a driver or the session's settings may make something else of is not known."""
    terms = terms_of(type_)
    assert terms is not None
    assert terms.of_bind(value, type_) is NOT_KNOWN


def test_values_of_other_types() -> None:
    """A value is compared as its own type has it, where that is as exact."""
    number, real, text = terms_of(Integer()), terms_of(Float()), terms_of(String())
    assert number is not None
    assert real is not None
    assert text is not None
    assert number.of_bind(Decimal("1.5"), Numeric()) == Decimal("1.5")
    assert real.of_bind(3, Integer()) == 3.0
    assert number.of_bind(1.5, Float()) is NOT_KNOWN
    assert text.of_bind(3, Integer()) is NOT_KNOWN
    assert number.of_bind(None, Integer()) is None
    assert real.of_bind(float("nan"), Float()) is NAN


@pytest.mark.parametrize(
    ("type_", "term"),
    [
        (Integer(), 1.5),
        (Integer(), True),
        (Integer(), "1_0"),
        (Integer(), "\u0661"),
        (Integer(), ""),
        (String(), 5),
        (Boolean(), 1),
        (DateTime(), "2026-01-31T12:00:00+00:00"),
        (DateTime(timezone=True), "2026-01-31T12:00:00"),
        (DateTime(timezone=True), "2026-01-31T12:00:00+02:00"),
        (DateTime(), "2026-02-30T12:00:00"),
        (Time(), "12:00:00+02"),
        (Float(), "1.5"),
        (Uuid(), 5),
    ],
)
def test_columns_of_other_types(type_: Any, term: Any) -> None:
    """A column that is not what its model says gives what is not known."""
    terms = terms_of(type_)
    assert terms is not None
    assert terms.of_change(term) is NOT_KNOWN


def test_days_follow_each_other() -> None:
    """There is no year 0, and years past 9999 count on."""
    days = [moments.day_of(text) for text in ("0001-12-31 BC", "0001-01-01", "9999-12-31", "10000-01-01")]
    assert days[1] == 1
    assert (days[1], days[3]) == (days[0] + 1, days[2] + 1)  # type: ignore[operator]
    assert moments.day_of("0001-02-29 BC") is not None
    assert moments.day_of("2026-02-29") is None


def test_a_pattern_takes_no_longer_than_its_text() -> None:
    """Anybody may search for anything: nothing is tried twice. Were it, this would take years."""
    for matcher in (like("%a" * 20 + "%b"), ilike("%a_" * 20 + "b%b"), like("%" * 2000 + "b")):
        assert matcher is not None
        assert matcher("a" * 5000) == FALSE


@pytest.mark.parametrize(
    ("pattern", "text", "outcome"),
    [
        ("title", "TITLE", UNKNOWN),  # in Turkish, I is no i
        ("t_tle", "TITLE", TRUE),
        ("%tle", "TITLE", TRUE),
        ("title", "title", TRUE),
        ("title", "titles", FALSE),
        ("%k%", "\u212a", UNKNOWN),  # the Kelvin sign's lower case is k
        ("%a%", "ä", FALSE),
        ("_", "ä", UNKNOWN),
        ("%i%", "ä", UNKNOWN),
        ("%a", "äa", TRUE),
    ],
)
def test_case_depends_on_the_locale(pattern: str, text: str, outcome: int) -> None:
    """What no locale could see otherwise is known."""
    matcher = ilike(pattern)
    assert matcher is not None
    assert matcher(text) == outcome


def test_patterns_that_are_left_to_postgresql() -> None:
    """Case beyond ASCII, and what PostgreSQL refuses."""
    assert ilike("ä") is None
    assert like("a\\") is None
    assert like("a/", "/") is None
    assert like("a\\", "/") is not None
