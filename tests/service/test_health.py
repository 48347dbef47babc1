"""``/sa_notify/health`` of a worker: whether it is ready to show anything live."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from sa_notify.redis.keys import Keys
from sa_notify.web import running
from tests.apps.items import create_app
from tests.protocol import wait_for
from tests.service.conftest import Start

Led = Callable[..., dict[str, Any]]


@pytest.fixture
def make(
    engine: Engine, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], FlaskClient]]:
    """Makes workers that nobody looks at, behind this Redis."""
    made: list[Flask] = []
    monkeypatch.setattr(running, "BEGIN_SECONDS", 0.2)
    monkeypatch.setenv("SA_NOTIFY_REDIS_PREFIX", keys.prefix)

    def worker(url: str) -> FlaskClient:
        monkeypatch.setenv("SA_NOTIFY_REDIS_URL", url)
        made.append(create_app(engine, async_mode="threading"))
        return made[-1].test_client()

    yield worker
    for app in made:
        app.extensions["sa_notify"].stop()


def test_without_a_dispatcher_it_is_not_ready(
    make: Callable[[str], FlaskClient], redis_url: str, start: Start, led: Led
) -> None:
    """Though nobody has subscribed yet; with one it is, and again not when that has gone."""
    web = make(redis_url)
    answer = web.get("/sa_notify/health")
    assert (answer.status_code, answer.get_json()["live"]) == (503, False)
    dispatcher = start()
    led()
    wait_for(lambda: web.get("/sa_notify/health").status_code == 200, "it to be ready")
    dispatcher.stop()
    wait_for(lambda: web.get("/sa_notify/health").status_code == 503, "it not to be ready")


def test_without_redis_it_is_not_ready(make: Callable[[str], FlaskClient]) -> None:
    """Nor where the URL can't be read."""
    for url in ("redis://127.0.0.1:1/0", "http://nowhere"):
        assert make(url).get("/sa_notify/health").status_code == 503


def test_a_worker_behind_a_dispatcher_is_ready_at_the_first_question(
    make: Callable[[str], FlaskClient],
    redis_url: str,
    start: Start,
    led: Led,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It begins to follow with it, and waits for that for a moment."""
    monkeypatch.setattr(running, "BEGIN_SECONDS", 20.0)
    start()
    led()
    assert make(redis_url).get("/sa_notify/health").status_code == 200
