"""A listing says which rows a SELECT has, and in which order."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, event, given, note, settings, strategies as st
from sqlalchemy import Engine, create_engine, select
from sqlalchemy.exc import DBAPIError, StatementError

from sa_notify.live.dependencies import dependencies
from sa_notify.live.listing import Listing
from sa_notify.live.logic import TRUE
from sa_notify.live.ordering import key_of_row, key_of_values
from sa_notify.live.plan import plan_of
from sa_notify.live.shape import Shape
from tests.live.conditions import PREDICATES
from tests.live.things import KINDS, Rows, things
from tests.live.written import SIZE

SORTED = ["i2", "i4", "i8", "n", "n2", "f", "b", "d", "ts", "tz", "tm", "iv", "u", "us", "absent"]
FEW: Any = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}


@pytest.fixture(scope="module")
def engine(things_url: str, rows: Rows) -> Iterator[Engine]:
    """On the odd things."""
    engine = create_engine(things_url)
    yield engine
    engine.dispose()


def listing_of(statement: Any, engine: Engine) -> Listing | None:
    return plan_of(statement, dependencies(statement, engine.dialect), engine.dialect).listing


@st.composite
def orders(draw: Any) -> list[Any]:
    """Columns in any direction; the key among them, seldom not at the end."""
    names = draw(st.lists(st.sampled_from(SORTED), max_size=3, unique=True))
    columns = [directed(draw, things.c[name]) for name in names]
    columns.insert(
        draw(st.integers(0, len(columns))) if draw(st.integers(0, 4)) == 0 else len(columns),
        directed(draw, things.c.id),
    )
    return columns


def directed(draw: Any, column: Any) -> Any:
    turned = draw(st.sampled_from([column, column.asc(), column.desc()]))
    return draw(st.sampled_from([turned, turned.nulls_first(), turned.nulls_last()]))


@settings(max_examples=80 * SIZE, **FEW)
@given(
    condition=PREDICATES, order=orders(), limit=st.sampled_from([None, 0, 5, 200]), offset=st.integers(0, 9)
)
def test_windows(
    engine: Engine, rows: Rows, condition: Any, order: list[Any], limit: int | None, offset: int
) -> None:
    """What its condition is true for, in its order, from its offset to its limit, is the window."""
    plain = select(things.c.id).where(condition).order_by(*order).limit(limit).offset(offset)
    # with_only_columns: infinite dates can be compared, but psycopg2 can't read them
    statement = plain.with_only_columns(things.c.id, *(things.c[name] for name in SORTED if is_wire(name)))
    listing = listing_of(statement, engine)
    if listing is None:
        assert "(SELECT" in str(statement)
        return
    note(f"{listing.order}")
    event(f"exact: {listing.exact}, order: {listing.order is not None}")
    try:
        with engine.connect() as connection:
            real = list(connection.execute(plain).scalars())
    except (DBAPIError, StatementError):
        assume(False)
    outcomes = {key: listing.condition.outcomes(values) for key, values in rows.items()}
    if not listing.exact or not set(outcomes.values()) <= {1, 2, 4} or listing.order is None:
        return
    order_of = listing.order
    found = sorted(
        (key for key, outcome in outcomes.items() if outcome == TRUE),
        key=lambda key: key_of_values(order_of, rows[key]) or (),
    )
    end = None if listing.limit is None else listing.offset + listing.limit
    assert found[listing.offset : end] == real


def is_wire(name: str) -> bool:
    # a decorated value is another one on the wire, and an interval has lost its months
    return name not in ("absent", "iv")


@pytest.mark.parametrize("name", [name for name in SORTED if is_wire(name)])
def test_rows_on_the_wire(engine: Engine, rows: Rows, name: str) -> None:
    """A row on the wire sorts where the values of its change do."""
    column = things.c[name]
    readable = [
        key
        for key, values in rows.items()
        if not any(word in str(values[f"{name} %"]) for word in ("infinity", "BC", "12026", "24:00"))
    ]
    statement = (
        select(things.c.id, column.label("x")).where(things.c.id.in_(readable)).order_by(column, things.c.id)
    )
    listing = listing_of(statement, engine)
    assert listing is not None
    assert listing.order is not None
    with engine.connect() as connection:
        found = Shape(statement).rows(connection.execute(statement))
    assert len(found) == len(readable) > 20
    for key, row in found:
        expected = key_of_values(listing.order, rows[int(key)])
        known = key_of_row(listing.order, row)
        assert known == expected or (known is None and row["x"] == "00:00:00")


@pytest.mark.parametrize("name", sorted(KINDS))
def test_columns_without_an_order(engine: Engine, rows: Rows, name: str) -> None:
    """Those that Python can't sort, or that rows on the wire have otherwise, have none."""
    statement = select(things.c.id, things.c[name]).order_by(things.c[name], things.c.id)
    listing = listing_of(statement, engine)
    assert listing is not None
    assert (listing.order is not None) == (name in SORTED and is_wire(name))
