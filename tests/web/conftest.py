"""Fixtures of the web tests."""

import pytest
from sqlalchemy import Engine, insert

from tests.apps.items import Base, Item, Owner, Unheard

OWNERS = 4


@pytest.fixture
def database(engine: Engine) -> Engine:
    """The application's tables and triggers, with some rows."""
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(insert(Owner), [{"id": n, "name": f"owner {n}"} for n in range(OWNERS)])
        rows = [{"owner_id": n % OWNERS, "title": f"item {n}", "priority": n % 7} for n in range(40)]
        connection.execute(insert(Item), rows)
        connection.execute(insert(Unheard), [{"n": 1}])
    return engine
