"""A database with two tables, names of one's own in Redis, dispatchers, and workers that follow them."""

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from sqlalchemy import Column, Engine, Integer, MetaData, Table, Text, insert

from sa_notify import realtime
from sa_notify.redis.connect import connect
from sa_notify.redis.keys import Keys
from sa_notify.sink.discovery import Named
from sa_notify.source.service import feed
from sa_notify.source.service.source import ServiceSource
from tests.protocol import wait_for
from tests.service.dispatchers import InThread, Process
from tests.service.worker import Worker

Start = Callable[..., InThread]
StartProcess = Callable[..., Process]
Work = Callable[..., Worker]


@pytest.fixture
def silence() -> float:
    """Seconds after which a dispatcher that says nothing is lost; a busy machine may stall for some."""
    return 20.0


@pytest.fixture(autouse=True)
def patient(silence: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers of tests that are about other things take their time."""
    monkeypatch.setattr(feed, "SILENT_SECONDS", silence)


@pytest.fixture
def tables(engine: Engine) -> dict[str, Table]:
    """``a`` and ``b``, with an id and a text."""
    metadata = MetaData()
    found = {}
    for name in "ab":
        found[name] = Table(name, metadata, Column("id", Integer, primary_key=True), Column("text", Text))
        realtime(found[name])
    metadata.create_all(engine)
    return found


@pytest.fixture
def write(engine: Engine, tables: dict[str, Table]) -> Callable[..., None]:
    """Inserts rows with these ids, in one transaction."""

    def insert_rows(table: str, *ids: int) -> None:
        with engine.begin() as connection:
            connection.execute(insert(tables[table]), [{"id": id_, "text": "new"} for id_ in ids])

    return insert_rows


@pytest.fixture
def keys() -> Keys:
    return Keys(f"test-{uuid.uuid4().hex[:8]}")


@pytest.fixture
def client(redis_url: str, keys: Keys) -> Iterator[redis.Redis]:
    """To look with; what is left under the names is taken away in the end."""
    with connect(redis_url) as client:
        yield client
        for name in client.scan_iter(f"{keys.base}*"):
            client.delete(name)


@pytest.fixture
def leader(client: redis.Redis, keys: Keys) -> Callable[[], dict[str, Any]]:
    """What the dispatcher that leads says of itself; empty where none does."""

    def look() -> dict[str, Any]:
        return json.loads(str(client.get(keys.leader) or "{}"))

    return look


@pytest.fixture
def start(
    engine: Engine, tables: dict[str, Table], redis_url: str, client: redis.Redis, keys: Keys
) -> Iterator[Start]:
    """Starts dispatchers in this process."""
    started: list[InThread] = []

    def make(*sinks: Named) -> InThread:
        started.append(InThread(engine, redis_url, keys, sinks))
        return started[-1]

    yield make
    for each in started:
        each.stop()


@pytest.fixture
def leading(start: Start, led: Callable[..., dict[str, Any]]) -> InThread:
    """A dispatcher that leads."""
    dispatcher = start()
    led()
    return dispatcher


@pytest.fixture
def start_process(
    database_url: str,
    tables: dict[str, Table],
    redis_url: str,
    client: redis.Redis,
    keys: Keys,
    tmp_path: Path,
) -> Iterator[StartProcess]:
    """Starts dispatchers as processes, with other URLs where they are given."""
    started: list[Process] = []

    def make(database_url: str = database_url, redis_url: str = redis_url) -> Process:
        log = tmp_path / f"dispatcher-{len(started)}.log"
        prefix = keys.base.strip("{}:")
        started.append(Process(database_url, redis_url, prefix, log))
        return started[-1]

    yield make
    for each in started:
        each.end()


@pytest.fixture
def work(redis_url: str, keys: Keys) -> Iterator[Work]:
    """Makes workers that follow the dispatcher and want these tables."""
    made: list[Worker] = []

    def make(*wanted: str, **options: Any) -> Worker:
        made.append(Worker(ServiceSource(lambda: connect(redis_url), keys, **options), wanted))
        made[-1].open()
        return made[-1]

    yield make
    for each in made:
        each.source.close()


@pytest.fixture
def led(leader: Callable[[], dict[str, Any]]) -> Callable[[float], dict[str, Any]]:
    """Waits until a dispatcher leads and follows the database."""

    def wait(seconds: float = 30.0) -> dict[str, Any]:
        wait_for(lambda: leader().get("epoch"), "a dispatcher that leads", seconds)
        return leader()

    return wait
