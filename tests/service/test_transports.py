"""Polling behind a dispatcher, where a proxy keeps each client on one worker: here each has an address."""

from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest
import redis
from sqlalchemy import Engine, insert, text

from sa_notify.redis.keys import Keys
from sa_notify.redis.overview import clients
from tests.apps.items import Base, Owner
from tests.protocol import ProtocolClient, arrived, wait_for
from tests.service.dispatchers import InThread
from tests.serving import serve


@pytest.fixture
def workers(
    engine: Engine, database_url: str, redis_url: str, keys: Keys, leading: InThread
) -> Iterator[list[str]]:
    """Their URLs: one with gevent, one with threads."""
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(insert(Owner), [{"id": 1, "name": "old"}])
    environment = {
        "DATABASE_URL": database_url, "SA_NOTIFY_REDIS_URL": redis_url, "SA_NOTIFY_REDIS_PREFIX": keys.prefix,
    }  # fmt: skip
    app, threads = "tests.apps.items:create_app()", {**environment, "ASYNC_MODE": "threading"}
    with ExitStack() as stack:
        yield [
            stack.enter_context(serve("tests.apps.wsgi_items:app", workers=1, env=environment)),
            stack.enter_context(
                serve(app, workers=1, worker_class="gthread", env=threads, options=("--threads", "20"))
            ),
        ]


def test_who_polls_follows_and_leaves(
    workers: list[str], engine: Engine, client: redis.Redis, keys: Keys
) -> None:
    """A window, each change of it, and nothing left in Redis afterwards."""
    with ExitStack() as stack:
        windows = []
        for url in workers:
            polling = stack.enter_context(closing(ProtocolClient(url, transport="polling")))
            windows.append(polling.subscribe("owners"))
        wait_for(lambda: all(map(arrived, windows)), "the windows")
        with engine.begin() as connection:
            connection.execute(text("UPDATE owners SET name = 'new'"))
        wait_for(
            lambda: all((window.rows or [("", {})])[0][1]["name"] == "new" for window in windows),
            "the change",
        )
        assert [window.faults for window in windows] == [[], []]
        assert len(clients(client, keys)) == 2
    wait_for(lambda: not clients(client, keys), "both to be gone")
