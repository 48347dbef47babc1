"""Of several dispatchers one leads; when it goes, hangs or is cut off, another does, within seconds."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from sqlalchemy import Engine, text

from sa_notify.redis.keys import Keys
from tests.protocol import wait_for
from tests.service.conftest import StartProcess, Work
from tests.service.dispatchers import Process
from tests.service.worker import Worker

Led = Callable[..., dict[str, Any]]
Leader = Callable[[], dict[str, Any]]


class Writing:
    """Inserts rows, one a transaction, until it ends.

    :ivar begun: when the transaction of each began.
    """

    def __init__(self, engine: Engine) -> None:
        self.begun: list[float] = []
        self._engine = engine
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._write)
        self._thread.start()

    def end(self) -> None:
        self._ended.set()
        self._thread.join()

    def _write(self) -> None:
        with self._engine.connect() as connection:
            while not self._ended.wait(0.002):
                self.begun.append(time.monotonic())
                connection.execute(text("INSERT INTO a VALUES (:n)"), {"n": len(self.begun)})
                connection.commit()


@pytest.fixture
def writing(engine: Engine, tables: Any) -> Iterator[Writing]:
    writing = Writing(engine)
    yield writing
    writing.end()


@pytest.fixture
def two(start_process: StartProcess, led: Led) -> Callable[[], tuple[Process, Process]]:
    """Starts two dispatchers; the first of them leads."""

    def make() -> tuple[Process, Process]:
        first = start_process()
        assert led()["pid"] == first.pid
        return first, start_process()

    return make


def _follows(worker: Worker, writing: Writing, seconds: float) -> None:
    """It comes back to an epoch within that time, and everything begun after that is heard, once."""
    lost_at = time.monotonic()
    worker.open(seconds)
    assert time.monotonic() - lost_at < seconds
    since = time.monotonic()
    wait_for(lambda: writing.begun[-1] > since + 0.3, "some writes")
    until = len(writing.begun)
    worker.until(lambda: str(until) in worker.heard.get("public.a", []))
    heard = worker.heard["public.a"]
    due = [str(n + 1) for n, at in enumerate(writing.begun[:until]) if at > since]
    assert heard[heard.index(due[0]) : heard.index(due[-1]) + 1] == due
    assert len(heard) == len(set(heard))


def test_a_killed_leader_is_replaced_within_five_seconds(
    two: Callable[[], tuple[Process, Process]], work: Work, writing: Writing, leader: Leader
) -> None:
    """The worker notices, the other leads, nothing is missed."""
    first, second = two()
    worker = work("a")
    killed_at = time.monotonic()
    first.send(signal.SIGKILL)
    worker.is_lost(4.0)
    _follows(worker, writing, 6.0)

    assert leader()["pid"] == second.pid
    assert time.monotonic() - killed_at < 10


def test_an_orderly_end_hands_over_at_once(
    two: Callable[[], tuple[Process, Process]], work: Work, writing: Writing, leader: Leader
) -> None:
    """SIGTERM: status 0, nobody waits for a time-out."""
    first, second = two()
    worker = work("a")
    assert first.end() == 0
    worker.is_lost(1.0)
    _follows(worker, writing, 3.0)

    assert leader()["pid"] == second.pid
    assert "Traceback" not in first.log


def test_a_leader_that_hangs_is_replaced_and_stops_itself(
    two: Callable[[], tuple[Process, Process]], work: Work, writing: Writing, leader: Leader
) -> None:
    """SIGSTOP: 15 s at most; when it comes to, it is fenced and waits in its turn."""
    first, second = two()
    worker = work("a")
    first.send(signal.SIGSTOP)
    worker.is_lost(4.0)
    _follows(worker, writing, 15.0)
    assert leader()["pid"] == second.pid
    first.send(signal.SIGCONT)
    wait_for(lambda: "leads no longer" in first.log or "another dispatcher leads" in first.log, "it to stop")
    worker.turn()

    assert leader()["pid"] == second.pid
    assert worker.changesets


def test_dispatchers_that_come_and_go_lose_nothing(
    start_process: StartProcess, work: Work, writing: Writing, client: redis.Redis, keys: Keys, led: Led
) -> None:
    """Six of them, killed or ended one after the other: each worker has everything since its last epoch."""
    dispatchers = [start_process() for _ in range(2)]
    led()
    worker = work("a")
    for turn in range(4):
        pid = led()["pid"]
        (current,) = [one for one in dispatchers if one.pid == pid]
        dispatchers.append(start_process())
        current.end(signal.SIGKILL if turn % 2 else signal.SIGTERM)
        worker.is_lost(4.0)
        _follows(worker, writing, 8.0)
    assert int(str(client.get(keys.term))) >= 5
