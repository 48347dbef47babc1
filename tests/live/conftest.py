"""A few rows of every kind of model."""

from collections.abc import Iterator

import pytest
from sqlalchemy import (
    Engine,
    create_engine,
    insert,
)
from sqlalchemy.orm import (
    Session,
)

from tests.live.models import (
    Animal,
    Cat,
    Dog,
    Old,
    Owner,
    Place,
    Puppy,
    State,
    Task,
    metadata,
    plain_table,
)
from tests.live.things import Rows, fill
from tests.live.written import new_database


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A few rows of everything."""
    metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([Owner(id=1, name="Ann"), Owner(id=2, name="Bob"), Owner(id=3, name="Cy")])
        session.add_all([Task(id=1, title="a", owner_id=1), Task(id=2, title="b", owner_id=1)])
        session.add_all([Task(id=3, title="c", owner_id=2, state=State.DONE), Task(id=4, title="d")])
        session.add_all([Place(1, "a"), Place(1, 'q"')])
        session.add_all([Old(id=1), Animal(id=1, kind="animal", name="x"), Dog(id=2, kind="dog", name="y")])
        session.add_all([Cat(id=3, kind="cat", name="z"), Puppy(id=4, kind="puppy", name="p", age=1)])
        session.flush()
        session.execute(insert(plain_table), [{"code": "k", "n": 1}, {"code": "l", "n": None}])
        session.commit()
    with Session(engine) as session:
        yield session


@pytest.fixture(scope="session")
def things_url(pg_server: str) -> Iterator[str]:
    """A database for odd things."""
    with new_database(pg_server) as url:
        yield url


@pytest.fixture(scope="session")
def rows(things_url: str) -> Rows:
    """Its odd things, as their changes carry them."""
    engine = create_engine(things_url)
    found = fill(engine)
    engine.dispose()
    return found
