"""PostgreSQL's queue of notifications fills up behind a session that is stuck: a NOTIFY fails at COMMIT."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg2.errors
import pytest
from sqlalchemy import Engine, create_engine

from tests.protocol import wait_for
from tests.servers import own_postgres
from tests.source.announcing import plain
from tests.source.outbox.conftest import Follow
from tests.source.outbox.outboxes import commit, make_outbox, scalar
from tests.source.outbox.test_doorbell import _asleep

_USAGE = "SELECT pg_notification_queue_usage()"


@pytest.fixture
def small() -> Iterator[Engine]:
    """An outbox on a server whose queue has room for half a megabyte."""
    with own_postgres("sa-notify-queue-", settings=["max_notify_queue_pages=64"]) as server:
        engine = create_engine(server.url)
        make_outbox(engine)
        yield engine
        engine.dispose()


def _fill(engine: Engine, enough: Callable[[], Any]) -> None:
    connection = plain(engine)
    connection.autocommit = True
    with connection.cursor() as cursor:
        while not enough():
            cursor.execute("SELECT pg_notify('other', n || repeat('x', 7000)) FROM generate_series(1, 5) n")
    connection.close()


def test_with_an_outbox_no_write_fails(small: Engine, follow: Follow) -> None:
    """Nobody rings any more before it is full; readers hear everything, and sleep again afterwards."""
    followers = [follow(engine=small), follow(engine=small)]
    writer, stuck = plain(small), plain(small)
    stuck.cursor().execute("LISTEN other")
    stuck.commit()
    stuck.cursor().execute("SELECT 1")
    wait_for(lambda: _asleep(followers[0]), "the keeper to rest")
    _fill(small, lambda: scalar(small, _USAGE) > 0.2)
    wait_for(lambda: not _asleep(followers[0]), "the keeper to stay awake")
    with pytest.raises(psycopg2.errors.ProgramLimitExceeded):
        _fill(small, lambda: False)

    for n in range(20):
        commit(writer, n)
    for follower in followers:
        follower.hears(*range(20))
        assert len(follower.epochs) == 1
    stuck.close()
    wait_for(lambda: scalar(small, _USAGE) < 0.1, "the queue to be read")
    wait_for(lambda: _asleep(followers[0]), "the keeper to rest again")
    commit(writer, "rung")
    for follower in followers:
        follower.hears("rung")
    writer.close()
