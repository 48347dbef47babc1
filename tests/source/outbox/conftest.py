"""Followers of an outbox in a database of the test's own."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine

from sa_notify.source.connect import listen_connect
from sa_notify.source.outbox.source import OutboxSource, Wake
from tests.servers import Postgres, own_postgres
from tests.source.outbox.outboxes import Follower, execute, make_outbox

Follow = Callable[..., Follower]


@pytest.fixture
def outbox(engine: Engine) -> Engine:
    """An engine on a database that has one."""
    make_outbox(engine)
    return engine


@pytest.fixture
def follow(outbox: Engine) -> Iterator[Follow]:
    """Makes open followers, which are closed when the test ends."""
    with contextlib.ExitStack() as stack:

        def make(wake: Wake = "notify", engine: Engine = outbox, **options: Any) -> Follower:
            follower = Follower(OutboxSource(listen_connect(engine), wake, **options))
            stack.callback(follower.close)
            follower.open()
            return follower

        yield make


@pytest.fixture(scope="session")
def own_server() -> Iterator[Postgres]:
    """A server that a test may kill and start again; transactions may be prepared on it."""
    with own_postgres("sa-notify-outbox-", settings=["max_prepared_transactions=5"]) as server:
        yield server


@pytest.fixture
def own_engine(own_server: Postgres) -> Iterator[Engine]:
    """An engine on it, where an outbox stands."""
    engine = create_engine(own_server.url)
    make_outbox(engine)
    yield engine
    execute(engine, "DROP SCHEMA sa_notify CASCADE")
    engine.dispose()
