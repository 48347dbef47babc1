"""``--http``: metrics for Prometheus, health for whoever watches."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine, create_engine

from sa_notify.cli.main import main
from sa_notify.errors import SetupError
from sa_notify.redis.keys import Keys
from sa_notify.service.http import serving
from tests.protocol import wait_for
from tests.service.conftest import Start
from tests.service.dispatchers import InThread


def _get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def _value(port: int, name: str) -> float:
    families = text_string_to_metric_families(_get(port, "/metrics")[1])
    return next(sample.value for family in families for sample in family.samples if sample.name == name)


def test_health_tells_who_leads_and_follows(leading: InThread, start: Start) -> None:
    """One that waits for its turn is healthy too."""
    with serving("127.0.0.1:0", leading.service.health) as port:
        assert port is not None
        status, body = _get(port, "/health")
        assert (status, json.loads(body)) == (200, {"healthy": True, "leads": True, "follows": True})
        assert _get(port, "/other")[0] == 404
    with serving("127.0.0.1:0", start().service.health) as port:
        assert port is not None
        wait_for(lambda: _get(port, "/health")[0] == 200, "it to wait for its turn")
        assert json.loads(_get(port, "/health")[1]) == {"healthy": True, "leads": False, "follows": False}


@pytest.mark.parametrize("away", ["postgresql", "redis"])
def test_one_that_could_not_lead_is_not_healthy(
    engine: Engine, redis_url: str, client: object, keys: Keys, away: str
) -> None:
    """Whether another leads or not: the standby that everybody counts on is none."""
    other = create_engine(engine.url.set(port=1)) if away == "postgresql" else engine
    dispatcher = InThread(other, "redis://127.0.0.1:1/0" if away == "redis" else redis_url, keys)
    try:
        for _ in range(3):
            assert not dispatcher.service.health()["healthy"]
            time.sleep(0.2)  # whatever it tries meanwhile
    finally:
        dispatcher.stop()


def test_a_leader_that_can_not_follow_is_not_healthy() -> None:
    """503, so that somebody looks."""
    with serving("127.0.0.1:0", lambda: {"healthy": False}) as port:
        assert port is not None
        assert _get(port, "/health")[0] == 503


def test_what_is_published_is_counted(
    leading: InThread, work: Callable[..., Any], write: Callable[..., None]
) -> None:
    """And that this process leads, and how full the queue of notifications is."""
    worker = work("a")
    with serving("127.0.0.1:0", leading.service.health) as port:
        assert port is not None
        before = _value(port, "sa_notify_dispatcher_changes_total")
        write("a", 1, 2, 3)
        worker.hears("a", 1, 2, 3)
        wait_for(lambda: _value(port, "sa_notify_dispatcher_changes_total") == before + 3, "the count")
        assert _value(port, "sa_notify_dispatcher_leads") == 1
        assert _value(port, "sa_notify_dispatcher_following") == 1
        assert _value(port, "sa_notify_notify_queue_ratio") == 0
        leading.stop()
        assert _value(port, "sa_notify_dispatcher_leads") == 0
        assert _value(port, "sa_notify_dispatcher_following") == 0


@pytest.mark.parametrize("address", ["9464", "localhost:many", "localhost:70000"])
def test_an_address_that_can_not_be_read_is_refused(address: str, database_url: str) -> None:
    """At start, with an example."""
    told = CliRunner().invoke(
        main, ["dispatch", "--url", database_url, "--redis", "redis://x", "--http", address]
    )
    assert told.exit_code == 2
    assert "write 127.0.0.1:9464" in told.output


def test_an_address_that_is_taken_is_refused() -> None:
    """At start."""
    with serving("127.0.0.1:0", dict) as port:
        taken = serving(f"127.0.0.1:{port}", dict)
        with pytest.raises(SetupError, match="in use"), taken:
            raise AssertionError
