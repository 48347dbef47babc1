"""Read together, each query has byte for byte what it has alone."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

from sa_notify.live.dependencies import dependencies
from sa_notify.live.query import Asked, Query, Reading
from sa_notify.live.shape import Shape, prepare, total_statement
from sa_notify.web.reader import CoverageCache, Source, StatementReader
from sa_notify.web.shared import shared_by
from tests.databases import fresh_database
from tests.live.shapes import ALONE, SHARED
from tests.live.gadgets import Base, Dog, Group, Odd, things


@pytest.fixture(scope="module")
def database(pg_server: str) -> Iterator[Engine]:
    with fresh_database(pg_server) as url:
        made = create_engine(url)
        Base.metadata.create_all(made)
        with Session(made) as session:
            session.execute(text("ALTER TABLE things ALTER padded TYPE char(5)"))
            session.add_all(Group(id=n, name=f"group {n}") for n in range(4))
            session.flush()
            session.add_all(things())
            session.add_all(Odd(x=n % 3, y=f"y{n}", name=f"n{n % 2}", notes="long") for n in range(12))
            session.add_all(Dog(id=n) for n in range(4))
            session.commit()
        yield made
        made.dispose()


@pytest.fixture(scope="module", params=["psycopg2", "psycopg"])
def reading(database: Engine, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An engine on the rows, by each driver."""
    made = create_engine(database.url.set(drivername=f"postgresql+{request.param}"))
    yield made
    made.dispose()


def query(engine: Engine, statement: Any, *, key: Sequence[str] | None = None, total: bool = False) -> Query:
    """As a registered function makes it."""
    statement = prepare(statement)
    shape, found = Shape(statement, key=key), dependencies(statement, engine.dialect)
    counting = total_statement(statement) if total else None
    source = Source(engine, CoverageCache(), statement, shape, found, counting)
    return Query("q", object(), StatementReader(source), 2.0, shared_by(source))


def told(reading: Any) -> Any:
    assert isinstance(reading, Reading)
    return repr(reading.rows), reading.total, reading.tables, reading.doubts


def together(queries: Sequence[Query]) -> list[Any]:
    """They are of one template; anyone of them may be asked."""
    shared = [one.shared for one in queries]
    assert len({one.template for one in shared if one}) == 1
    assert shared[-1] is not None
    return list(shared[-1].together([Asked(one) for one in queries]))


@pytest.mark.parametrize("name", SHARED)
def test_together_is_as_alone(reading: Engine, name: str) -> None:
    """Rows, their order, keys and values, totals, tables."""
    values, make = SHARED[name]
    for total in (False, True):
        queries = [query(reading, make(value), total=total) for value in values]
        found = together(queries)
        assert [told(one) for one in found] == [told(one.read()) for one in queries]
        assert any(one.rows for one in found)
        assert len({repr(one.rows) for one in found}) > 1, "the values make no difference"


@pytest.mark.parametrize("name", ALONE)
def test_what_is_not_surely_the_same_is_read_alone(reading: Engine, name: str) -> None:
    """Nothing has the template of another value's."""
    values, make = ALONE[name]
    queries = [query(reading, make(value)) for value in values]
    templates = [one.shared.template if one.shared else object() for one in queries]
    assert len(set(templates)) == len(values)
