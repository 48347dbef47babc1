"""Fixtures of every test room: real servers, one fresh database for each test."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import Engine, create_engine

from demo.embedded import EmbeddedRedis
from demo.rooms import temporary_room
from tests.chromium import launched, opened
from tests.databases import fresh_database
from tests.servers import any_postgres

#: Rooms whose tests start servers and browsers and wait for what they see: one process runs all of a set.
_ONE_BY_ONE = (
    {"dispatch", "faults", "web"},
    {"admin", "admin_proof", "benchmarks", "browser", "demo", "packaging"},
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the room with the shortest tests last: with them, all processes end at the same time."""
    items.sort(key=lambda item: _room(item.nodeid) == "live")


def _room(nodeid: str) -> str:
    return Path(nodeid.partition("::")[0]).parts[1]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Share tests out among processes by their room.

    Not by ``--dist loadgroup``, which does nothing under pytest 9.2 (pytest-xdist's issue 1386).
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByRoom(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            module, _, _ = nodeid.partition("::")
            room = _room(nodeid)
            for together in _ONE_BY_ONE:
                if room in together:
                    return " ".join(sorted(together))
            # modules have servers of their own
            return module if room in ("security", "source") else nodeid

    return ByRoom(config, log)


@pytest.fixture(scope="session")
def pg_server() -> Iterator[str]:
    """The maintenance database's URL: SA_NOTIFY_TEST_DATABASE_URL, else an embedded PostgreSQL 18."""
    with any_postgres("sa-notify-pg-") as url:
        yield url


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """SA_NOTIFY_TEST_REDIS_URL, else an embedded Redis."""
    if given := os.environ.get("SA_NOTIFY_TEST_REDIS_URL"):
        yield given
        return
    room = temporary_room("sa-notify-redis-")
    try:
        with EmbeddedRedis(room) as server:
            yield server.url
    finally:
        shutil.rmtree(room, ignore_errors=True)


@pytest.fixture
def database_url(pg_server: str) -> Iterator[str]:
    """A database for one test."""
    with fresh_database(pg_server) as url:
        yield url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on the test's own database."""
    engine = create_engine(database_url)
    yield engine
    engine.dispose()


# Not for the session: while Playwright's sync API is open, asyncio.run() fails in this thread.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    with launched() as started:
        yield started


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """An empty page with cookies of its own; an error in its scripts fails the test."""
    with opened(browser, request.node.name) as new:
        yield new
