from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Page

from tests.admin.applications import dispose
from tests.admin.desk import empty, make_desk, seed
from tests.browser.desk.pages import Desk
from tests.databases import fresh_database
from tests.serving import serve


@pytest.fixture(scope="session")
def served(pg_server: str) -> Iterator[tuple[str, Flask]]:
    """The desk under gunicorn, for all tests here."""
    with fresh_database(pg_server) as url:
        app = make_desk(url)
        with serve("tests.apps.wsgi_desk:app", workers=1, env={"DATABASE_URL": url}) as base:
            yield base, app
        dispose(app)


@pytest.fixture
def desk(served: tuple[str, Flask], page: Page) -> Desk:
    """The desk with its first content, and an empty page."""
    base, app = served
    empty(app)
    seed(app)
    return Desk(base, app, page)
