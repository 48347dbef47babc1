from collections.abc import Iterator

import pytest
from flask import Flask

from tests.admin.desk import db, make_desk, seed
from tests.admin.visitor import Visitor


@pytest.fixture
def app(database_url: str) -> Iterator[Flask]:
    """The desk with its tasks."""
    app = make_desk(database_url)
    seed(app)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def visitor(app: Flask) -> Visitor:
    """Somebody who has the chores."""
    visitor = Visitor(app)
    visitor.get("/login/CHORE/writer")
    return visitor
