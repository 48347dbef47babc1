"""Sources over a database of the test's own."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2.extensions
import psycopg2.extras
import pytest
from psycopg2.extensions import connection as Connection
from sqlalchemy import Engine

from sa_notify.capture.outbox import create_outbox
from sa_notify.source.base import Source
from sa_notify.source.connect import listen_connect
from sa_notify.source.notify import NotifySource
from sa_notify.source.outbox.source import OutboxSource, Wake
from tests.source.announcing import THROUGH_OUTBOX, plain
from tests.source.colours import COLOURS, Reader, colour_named
from tests.source.serviced import serviced


def _outbox(engine: Engine, wake: Wake = "notify") -> Source:
    with engine.begin() as connection:
        for statement in create_outbox():
            connection.execute(statement)
    return OutboxSource(listen_connect(engine), wake)


def _through_outbox(engine: Engine, wake: Wake = "notify") -> Source:
    THROUGH_OUTBOX.add(str(engine.url.database))
    return _outbox(engine, wake)


SOURCES: dict[str, Callable[[Engine], Source]] = {
    "notify": lambda engine: NotifySource(listen_connect(engine)),
    "outbox beside notify": _outbox,
    "outbox": _through_outbox,
    "outbox by polling": lambda engine: _through_outbox(engine, "poll"),
}


@pytest.fixture(params=["blocking", "wait callback"])
def driver(request: pytest.FixtureRequest) -> Iterator[str]:
    """psycopg2 as it comes, and as psycogreen and the like set it up for the whole process."""
    if request.param == "wait callback":
        psycopg2.extensions.set_wait_callback(psycopg2.extras.wait_select)
    yield request.param
    psycopg2.extensions.set_wait_callback(None)


@pytest.fixture(params=[*SOURCES, "service"])
def source(
    request: pytest.FixtureRequest, engine: Engine, driver: str, redis_url: str, tmp_path: Path
) -> Iterator[Source]:
    with contextlib.ExitStack() as stack:
        if request.param == "service":
            if driver != "blocking":
                pytest.skip("a worker has no psycopg2 connection")
            source = stack.enter_context(serviced(engine, redis_url, tmp_path))
        else:
            source = SOURCES[request.param](engine)
        yield source
        source.close()


@pytest.fixture(params=COLOURS)
def reader(request: pytest.FixtureRequest, source: Source) -> Reader:
    return Reader(source, colour_named(request.param))


@pytest.fixture
def connections(engine: Engine) -> Iterator[Callable[[], Connection]]:
    """Makes connections that are closed when the test ends."""
    with contextlib.ExitStack() as stack:
        yield lambda: stack.enter_context(contextlib.closing(plain(engine)))


@pytest.fixture
def writer(connections: Callable[[], Connection]) -> Connection:
    return connections()
