from collections.abc import Iterator

import pytest
from flask import Flask

from tests.admin.library import db, make_app
from tests.admin.visitor import Visitor, seed


@pytest.fixture
def app(database_url: str) -> Iterator[Flask]:
    """The library with its books."""
    app = make_app(database_url)
    seed(app)
    yield app
    dispose(app)


@pytest.fixture
def visitor(app: Flask) -> Visitor:
    """Somebody who is not logged in."""
    return Visitor(app)


def dispose(app: Flask) -> None:
    with app.app_context():
        db.engine.dispose()
