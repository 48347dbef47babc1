"""Predicates say of real rows what PostgreSQL says of them."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, note, settings, strategies as st
from sqlalchemy import Engine, and_, create_engine, make_url, or_, select
from sqlalchemy.exc import DBAPIError, StatementError

from sa_notify.live.conditions import Conditions
from sa_notify.live.logic import FALSE, NULL, TRUE
from sa_notify.live.terms import NOT_KNOWN
from tests.live.conditions import PREDICATES, needs
from tests.live.things import Rows, things
from tests.live.written import SIZE

OUTCOMES = {True: TRUE, False: FALSE, None: NULL}


@pytest.fixture(scope="module", params=["psycopg2", "psycopg"])
def things_engine(request: pytest.FixtureRequest, things_url: str, rows: Any) -> Iterator[Engine]:
    """One of the drivers: they send values in ways of their own."""
    engine = create_engine(make_url(things_url).set(drivername=f"postgresql+{request.param}"))
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


@settings(max_examples=90 * SIZE, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(condition=PREDICATES)
# SQLAlchemy writes no parentheses: NOT (b IS true) is what PostgreSQL reads
@example(condition=(~things.c.b).is_(True))
@example(condition=(~things.c.b).is_(False))
@example(condition=(~things.c.b).is_not(True))
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


@settings(max_examples=50 * SIZE, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(needs(), min_size=1, max_size=3), other=PREDICATES, either=st.booleans())
def test_what_is_needed(
    things_engine: Engine, rows: Rows, parts: list[Any], other: Any, either: bool
) -> None:
    """Where a predicate is true, so is each of its points and intervals: of OR what all have."""
    condition = and_(or_(*parts), other) if either else and_(*parts)
    truth = answers(things_engine, condition)
    assume(truth is not None)
    assert truth is not None
    predicate = Conditions(things).of(condition)
    for key, values in rows.items():
        if truth[key] == TRUE:
            check_necessary(predicate, values)


@settings(max_examples=30 * SIZE, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
