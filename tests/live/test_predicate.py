"""Predicates say of real rows what PostgreSQL says of them."""

import operator
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, note, settings, strategies as st
from sqlalchemy import (
    Boolean,
    Column,
    Engine,
    Unicode,
    and_,
    case,
    cast,
    create_engine,
    false,
    func,
    literal,
    make_url,
    not_,
    null,
    or_,
    select,
    true,
    type_coerce,
)
from sqlalchemy.exc import DBAPIError, StatementError

from sa_notify.live.conditions import Conditions
from sa_notify.live.images import images
from sa_notify.live.logic import FALSE, NULL, TRUE
from sa_notify.live.terms import NOT_KNOWN
from tests.live.things import KINDS, TEXTS, fill, things
from tests.live.written import new_database

OUTCOMES = {True: TRUE, False: FALSE, None: NULL}
COMPARE = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]
NAMES = st.sampled_from(sorted(KINDS))
TEXTLIKE = st.sampled_from(["s", "t", "turned", "cs", "e2", "c"])


def bound(name: str) -> st.SearchStrategy[Any]:
    return st.sampled_from(KINDS[name].bound or [None])


@st.composite
def comparisons(draw: Any) -> Any:
    name, compare = draw(NAMES), draw(st.sampled_from(COMPARE))
    column, value = things.c[name], draw(st.one_of(bound(name), st.none()))
    typed = literal(value, column.type)
    if draw(st.booleans()):
        return compare(typed, column)
    # SQLAlchemy takes neither None nor booleans beside <
    takes = value is not None and (not isinstance(value, bool) or compare in COMPARE[:2])
    return compare(column, value if takes else typed)


@st.composite
def memberships(draw: Any) -> Any:
    name = draw(NAMES)
    values = draw(st.lists(st.one_of(bound(name), st.none()), max_size=4))
    column = things.c[name]
    return column.in_(values) if draw(st.booleans()) else column.not_in(values)


@st.composite
def distinctions(draw: Any) -> Any:
    name = draw(NAMES)
    column, value = things.c[name], draw(st.one_of(bound(name), st.just(null())))
    return draw(st.sampled_from([column.is_distinct_from, column.is_not_distinct_from]))(value)


@st.composite
def spans(draw: Any) -> Any:
    name = draw(NAMES)
    low, high = draw(bound(name)), draw(bound(name))
    symmetric = draw(st.integers(0, 5)) == 0
    found = things.c[name].between(low, high, symmetric=symmetric)
    return not_(found) if draw(st.booleans()) else found


@st.composite
def nulls(draw: Any) -> Any:
    column = things.c[draw(NAMES)]
    return draw(st.sampled_from([column.is_(None), column.is_not(None), column == None]))  # noqa: E711


@st.composite
def pairs(draw: Any) -> Any:
    one, other = draw(st.sampled_from([("i2", "i8"), ("i4", "n"), ("n", "n2"), ("s", "t"), ("t", "turned"),
                                       ("u", "us"), ("ts", "d"), ("f", "i4"), ("f", "n"), ("e2", "s"), ("b", "b"),
                                       ("cs", "t"), ("r", "f"), ("absent", "i8")]))  # fmt: skip
    return draw(st.sampled_from(COMPARE))(things.c[one], things.c[other])


@st.composite
def patterns(draw: Any) -> Any:
    column = things.c[draw(TEXTLIKE)]
    text = draw(st.one_of(st.sampled_from(TEXTS), st.text("aAbBiIkK%_\\ä/\n", max_size=5)))
    escape = draw(st.sampled_from([None, None, "/", "a", ""]))
    kind = draw(st.integers(0, 8))
    if kind < 4:
        method = [column.like, column.not_like, column.ilike, column.not_ilike][kind]
        return method(text, escape=escape)
    if kind < 7:
        found = [column.contains, column.startswith, column.endswith][kind - 4](text, autoescape=draw(st.booleans()))
        return not_(found) if draw(st.booleans()) else found
    if kind == 7:
        return column.icontains(text)
    name = draw(st.sampled_from(["s", "t", "i4", "i8", "n", "u", "b", "e", "d", "f", "c", "iv", "absent"]))
    return cast(things.c[name], Unicode).ilike(f"%{text}%")


@st.composite
def flags(draw: Any) -> Any:
    flag = things.c.b
    found = draw(st.sampled_from([flag, ~flag, flag.is_(True), flag.is_(False), flag.is_not(True), flag == True,  # noqa: E712
                                  flag != False, true(), false(), null(), flag.is_not(False)]))  # noqa: E712  # fmt: skip
    return found


@st.composite
def unknown(draw: Any) -> Any:
    column = things.c[draw(st.sampled_from(["s", "t"]))]
    return draw(st.sampled_from([
        func.length(column) > 1, func.lower(column) == "a", column.collate("C") < "b",
        case((column == "a", True), else_=things.c.b), things.c.i4 + 1 > things.c.i2, things.c.i4.in_([things.c.i2, 5]),
        things.c.i4.in_(select(things.c.i2)), type_coerce(things.c.b, Boolean), column.regexp_match("^a"),
        cast(things.c.i4, Unicode(1)) == "1", func.coalesce(things.c.b, False), (column + "a") == "aa",
    ]))  # fmt: skip


LEAVES = st.one_of(
    comparisons(), comparisons(), memberships(), distinctions(), spans(), nulls(), pairs(), patterns(), flags(),
    unknown(),
)  # fmt: skip


def branches(inner: Any) -> Any:
    several = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        several.map(lambda parts: and_(*parts)),
        several.map(lambda parts: or_(*parts)),
        inner.map(not_),
        inner.map(lambda part: part.is_(None)),
        inner.map(lambda part: part.is_(True)),
        inner.map(lambda part: part.is_not(False)),
    )


PREDICATES = st.recursive(LEAVES, branches, max_leaves=6)


@pytest.fixture(scope="module")
def database(pg_server: str) -> Iterator[str]:
    """The things, for all tests of the module."""
    with new_database(pg_server, "things") as url:
        yield url


class Rows(dict[int, Mapping[str, Any]]):
    """Hypothesis writes out what a test is given."""

    def __repr__(self) -> str:
        return "..."


@pytest.fixture(scope="module")
def rows(database: str) -> Rows:
    """Of each row what its change carries."""
    engine = create_engine(database)
    found = Rows({key: images(change, ["id"])[1] or {} for key, change in fill(engine).items()})
    engine.dispose()
    return found


@pytest.fixture(scope="module", params=["psycopg2", "psycopg"])
def things_engine(request: pytest.FixtureRequest, database: str, rows: Any) -> Iterator[Engine]:
    """One of the drivers: they send values in ways of their own."""
    engine = create_engine(make_url(database).set(drivername=f"postgresql+{request.param}"))
    yield engine
    engine.dispose()


def answers(engine: Engine, condition: Any) -> dict[int, int] | None:
    """What PostgreSQL says of each row; ``None`` where it refuses."""
    try:
        with engine.connect() as connection:
            found = connection.execute(select(things.c.id, condition.label("answer")))
            return {key: OUTCOMES[answer] for key, answer in found}
    except (DBAPIError, StatementError):
        return None


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(condition=PREDICATES)
def test_postgresql_agrees(things_engine: Engine, rows: Rows, condition: Any) -> None:
    """Its answer is always among the outcomes, and the only one where the predicate says that it is exact."""
    truth = answers(things_engine, condition)
    assume(truth is not None)
    assert truth is not None
    note(str(condition.compile(dialect=things_engine.dialect)))
    predicate = Conditions(things).of(condition)
    for key, values in rows.items():
        outcomes = predicate.outcomes(values)
        assert outcomes & truth[key], (key, truth[key], outcomes, {c: values[c] for c in predicate.columns})
        if predicate.exact and "ILIKE" not in str(condition.compile(dialect=things_engine.dialect)):
            assert outcomes == truth[key], (key, {c: values[c] for c in predicate.columns})
        if truth[key] == TRUE:
            check_necessary(predicate, values)


def check_necessary(predicate: Any, values: Mapping[str, Any]) -> None:
    """What an index would find the row by."""
    for points in predicate.points:
        assert points.terms.of_change(values[points.column]) in points.values
    for span in predicate.intervals:
        value = span.terms.of_change(values[span.column])
        assert value is not NOT_KNOWN
        assert span.low is None or value > span.low or (span.low_inclusive and value == span.low)
        assert span.high is None or value < span.high or (span.high_inclusive and value == span.high)


@st.composite
def needs(draw: Any) -> Any:
    """Conditions that an index finds rows by, beside others."""
    name = draw(st.sampled_from(["i2", "i4", "n", "b", "d", "u", "absent", "e"]))
    kind, column = KINDS[name], things.c[name]
    low, high = draw(bound(name)), draw(bound(name))
    return draw(st.sampled_from([
        column == literal(low, column.type), column.in_([low, high, None]), column.is_not_distinct_from(low),
        column.between(literal(low, column.type), literal(high, column.type)), column > literal(low, column.type),
        literal(high, column.type) >= column, column <= literal(kind.bound[0], column.type),
    ]))  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(needs(), min_size=1, max_size=3), other=PREDICATES, either=st.booleans())
def test_what_is_needed(things_engine: Engine, rows: Rows, parts: list[Any], other: Any, either: bool) -> None:
    """Where a predicate is true, so is each of its points and intervals: of OR what all have."""
    condition = and_(or_(*parts), other) if either else and_(*parts)
    truth = answers(things_engine, condition)
    assume(truth is not None)
    assert truth is not None
    predicate = Conditions(things).of(condition)
    for key, values in rows.items():
        if truth[key] == TRUE:
            check_necessary(predicate, values)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(condition=PREDICATES, data=st.data())
def test_missing_values(things_engine: Engine, rows: Rows, condition: Any, data: Any) -> None:
    """What a change does not carry is any value."""
    truth = answers(things_engine, condition)
    assume(truth is not None)
    assert truth is not None
    predicate = Conditions(things).of(condition)
    missing = data.draw(st.sets(st.sampled_from(sorted(predicate.columns) or ["id"])))
    for key, values in rows.items():
        known = {name: value for name, value in values.items() if name not in missing}
        assert predicate.outcomes(known) & truth[key]
