"""All lose their worker at once, and come back: what it costs does not grow with how many they are."""

import os
import signal
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine, insert

from sa_notify.redis.keys import Keys
from tests.apps.items import Base, Item, Owner
from tests.faults.client import LiveClient
from tests.promptly import quickest
from tests.protocol import wait_for
from tests.service.dispatchers import InThread
from tests.serving import serve
from tests.source.outbox.counters import SIZE

CLIENTS = 40 * SIZE
#: What is promised for two thousand, which `make bench-reconnect` measures.
BACK_SECONDS = 20.0
#: Of what is subscribed to, nine in ten are shown what is read for others.
SHARED = 0.9


@pytest.fixture
def server(engine: Engine, database_url: str, redis_url: str, keys: Keys, leading: InThread) -> Iterator[str]:
    """One worker behind a dispatcher."""
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(insert(Owner), [{"id": 0, "name": "0"}])
        connection.execute(
            insert(Item), [{"owner_id": 0, "title": str(n), "priority": n % 7} for n in range(40)]
        )
    environment = {
        "DATABASE_URL": database_url, "SA_NOTIFY_REDIS_URL": redis_url, "SA_NOTIFY_REDIS_PREFIX": keys.prefix,
        # no window is proven while reads are counted
        "SA_NOTIFY_TEST_APP_SA_NOTIFY_PROOF_SECONDS": "3600",
    }  # fmt: skip
    with serve("tests.apps.wsgi_faults:app", workers=1, env=environment) as url:
        yield url


@pytest.fixture
def crowd(server: str) -> Iterator[list[LiveClient]]:
    """Each looks at a list that all look at, and at one of two pages."""
    with ExitStack() as stack:
        clients = []
        for n in range(CLIENTS):
            clients.append(LiveClient(server, [{"limit": 5 + n % 2}], None, n))
            stack.callback(clients[-1].stop)
        yield clients


def _got(url: str) -> str:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return str(answer.read().decode())


def _reads(url: str) -> float:
    families = text_string_to_metric_families(_got(f"{url}/metrics"))
    return sum(
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == "sa_notify_reads_total"
    )


def test_all_are_live_again_soon_and_share_what_is_read(server: str, crowd: list[LiveClient]) -> None:
    """The worker is killed; in its successor there is one reading for all who look at the same."""
    wait_for(lambda: all(client.live for client in crowd), "all to be live", 120)

    def attempt() -> float:
        pid, connections = _got(f"{server}/pid"), [client.connections for client in crowd]
        began = time.monotonic()
        os.kill(int(pid), signal.SIGKILL)
        wait_for(
            lambda: all(
                client.connections > before and client.live
                for client, before in zip(crowd, connections, strict=True)
            ),
            "all to be live again",
            120,
        )
        return time.monotonic() - began

    assert quickest(attempt, BACK_SECONDS) < BACK_SECONDS
    subscriptions = sum(len(client.asked) for client in crowd)
    assert 0 < _reads(server) <= subscriptions * (1 - SHARED)
    assert [fault for client in crowd for fault in client.all_faults()] == []
