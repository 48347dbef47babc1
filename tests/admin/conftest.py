from collections.abc import Iterator

import pytest
from flask import Flask

from tests.admin.visitor import Visitor, furnished


@pytest.fixture
def app(database_url: str) -> Iterator[Flask]:
    """The library with its books."""
    with furnished(database_url) as app:
        yield app


@pytest.fixture
def visitor(app: Flask) -> Visitor:
    """Somebody who is not logged in."""
    return Visitor(app)
