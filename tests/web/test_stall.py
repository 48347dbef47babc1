"""A slow query delays nobody else on its worker, whatever the database driver."""

import time

import pytest
from sqlalchemy import Engine, update

from tests.apps.items import Item
from tests.protocol import ProtocolClient, Window, arrived, wait_for
from tests.serving import serve

SLOW = 2.0
ATTEMPTS = 3


def _delay(database: Engine, window: Window, seconds: float) -> float:
    """How long it takes from a commit to its diff, over a while: nine of ten are quicker."""
    took, end = list[float](), time.monotonic() + seconds
    while time.monotonic() < end:
        before = window.diffs
        began = time.monotonic()
        with database.begin() as connection:
            connection.execute(update(Item).where(Item.id == 1).values(title=f"at {began}"))
        wait_for(lambda: window.diffs > before, "the diff")  # noqa: B023
        took.append(time.monotonic() - began)
    return sorted(took)[len(took) * 9 // 10]


def _attempt(database: Engine, client: ProtocolClient, window: Window, n: int) -> float:
    quiet = _delay(database, window, 0.5)
    slow = client.subscribe("slow", seconds=SLOW, n=n)
    beside = _delay(database, window, SLOW - 0.5)
    assert not arrived(slow), "the slow query was still running"
    wait_for(lambda: arrived(slow), "the slow query's own snapshot")
    client.call("unsubscribe", {"id": slow.id})
    return beside - quiet


@pytest.mark.parametrize("driver", ["psycopg2", "psycopg"])
def test_a_slow_query_delays_nobody(database: Engine, driver: str) -> None:
    """2 s of query, less than 100 ms for the others: a worker that is blocked would show 2 s each time."""
    url = database.url.set(drivername=f"postgresql+{driver}").render_as_string(hide_password=False)
    with serve("tests.apps.wsgi_items:app", workers=1, env={"DATABASE_URL": url}) as base_url:
        client = ProtocolClient(base_url)
        window = client.subscribe("page")
        wait_for(lambda: arrived(window), "the snapshot")
        delays = []
        for n in range(1, ATTEMPTS + 1):
            delays.append(_attempt(database, client, window, n))
            if delays[-1] < 0.1:
                break
        client.close()
    # the machine itself may stall once; three times in a row it is the worker
    assert min(delays) < 0.1, delays
