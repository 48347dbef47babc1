"""A rolling deploy: dispatchers and workers of two releases meet in one Redis."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import redis

from sa_notify.errors import SourceLost
from sa_notify.redis.connect import connect
from sa_notify.redis.keys import WIRE, Keys
from sa_notify.service import publisher
from sa_notify.source.service import worker as worker_module
from sa_notify.source.service.source import ServiceSource
from tests.protocol import wait_for
from tests.service.conftest import Start, Work
from tests.service.dispatchers import InThread

Led = Callable[..., dict[str, Any]]
Write = Callable[..., None]


@pytest.fixture
def newer(start: Start, led: Led, monkeypatch: pytest.MonkeyPatch) -> Callable[[], InThread]:
    """Starts a dispatcher of a release whose entries this worker may not understand."""

    def begin() -> InThread:
        monkeypatch.setattr(publisher, "WIRE", WIRE + 1)
        dispatcher = start()
        assert led()["wire"] == WIRE + 1
        return dispatcher

    return begin


def _refused(worker: ServiceSource, named: int) -> None:
    with pytest.raises(SourceLost, match=f"speaks version {named} .* this worker {WIRE}: start the older"):
        worker.open()


def test_another_version_takes_over_and_goes(
    leading: InThread, newer: Callable[[], InThread], start: Start, led: Led, work: Work, write: Write,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The worker is told nothing that it may not understand: it is not live, and is again with its own."""
    worker = work("a")
    leading.stop()
    other = newer()
    worker.is_lost()
    _refused(worker.source, WIRE + 1)
    other.stop()
    monkeypatch.setattr(publisher, "WIRE", WIRE)
    start()
    led()
    worker.open()
    write("a", 1)
    worker.hears("a", 1)


def test_a_newer_worker_refuses_an_older_dispatcher(
    leading: InThread, redis_url: str, client: redis.Redis, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same from the other side; it leaves nothing in Redis, and the dispatcher goes on."""
    monkeypatch.setattr(worker_module, "WIRE", WIRE + 1)
    source = ServiceSource(lambda: connect(redis_url), keys)
    with pytest.raises(SourceLost, match=f"speaks version {WIRE} .* this worker {WIRE + 1}"):
        source.open()
    source.close()
    wait_for(lambda: not client.scard(keys.workers) and not client.keys(f"{keys.base}feed:*"), "no traces")
    assert leading.service.leads


def test_a_dispatcher_that_names_no_version_is_refused(
    redis_url: str, client: redis.Redis, keys: Keys
) -> None:
    """It is of a time before there was one."""
    client.set(keys.leader, json.dumps({"epoch": "e", "term": 1}))
    _refused(ServiceSource(lambda: connect(redis_url), keys), 0)


def test_what_a_worker_does_not_know_is_a_loss(
    leading: InThread, work: Work, client: redis.Redis, keys: Keys
) -> None:
    """A kind of entry that says something to others may concern what this worker shows."""
    worker = work("a")
    epoch = worker.source.epoch
    number = client.incr(keys.told(epoch))
    client.xadd(keys.feed(epoch), {"n": number, "t": "more", "d": "{}"})
    assert "can't be understood" in worker.is_lost()
