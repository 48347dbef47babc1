from collections.abc import Iterator

import pytest
from flask import Flask

from tests.admin.applications import dispose
from tests.admin.desk import empty, make_desk, seed
from tests.admin.visitor import Visitor
from tests.databases import fresh_database


@pytest.fixture(scope="session")
def desk(pg_server: str) -> Iterator[Flask]:
    """One application for all tests here."""
    with fresh_database(pg_server) as url:
        app = make_desk(url)
        yield app
        dispose(app)


@pytest.fixture
def app(desk: Flask) -> Flask:
    """The desk with its tasks."""
    empty(desk)
    seed(desk)
    return desk


@pytest.fixture
def visitor(app: Flask) -> Visitor:
    """Somebody who has the chores."""
    visitor = Visitor(app)
    visitor.get("/login/CHORE/writer")
    return visitor
