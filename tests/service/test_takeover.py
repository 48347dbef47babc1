"""Of several dispatchers one leads; when it goes, hangs or is cut off, another does, within seconds."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import redis
from sqlalchemy import Engine, make_url, text

from sa_notify.errors import SourceLost
from sa_notify.redis.keys import Keys
from sa_notify.source.service import feed
from tests.link import Link
from tests.promptly import quickest
from tests.protocol import DEADLINE, wait_for
from tests.service.conftest import StartProcess, Work
from tests.service.dispatchers import Process
from tests.service.worker import Worker

#: What is promised for a leader that is killed and for one that hangs, and what is left when it ends in
#: order: its own last words, the other's next try, an epoch.
TAKEOVER_SECONDS, HANGING_SECONDS, ORDERLY_SECONDS = 5.0, 15.0, 4.0

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
def silence() -> float:
    """As it is."""
    return feed.SILENT_SECONDS


class Wired:
    """A dispatcher with links of its own to PostgreSQL and Redis."""

    def __init__(self, process: Process, links: tuple[Link, Link]) -> None:
        self.process, self._links = process, links

    def stop(self) -> None:
        self.process.send(signal.SIGSTOP)

    def cut_off(self) -> None:
        """Its network swallows all that either side says."""
        for link in self._links:
            link.hang()

    def come_to(self) -> None:
        """Whatever it was, it is over; what was swallowed comes late."""
        self.process.send(signal.SIGCONT)
        for link in self._links:
            link.resume()


class Pair:
    """A dispatcher that leads, and one that waits for its turn; starts what is missing."""

    def __init__(self, start: Callable[[], Wired], leader: Leader) -> None:
        self._start, self._leader = start, leader
        self._running: list[Wired] = []

    def get(self) -> tuple[Wired, Wired]:
        while len(self._running) < 2:
            self._running.append(self._start())
            wait_for(self._ready, "it to lead or to wait")
        first, second = self._running
        assert self._leader()["pid"] == first.process.pid
        return first, second

    def forget(self, wired: Wired) -> None:
        """It has ended."""
        self._running.remove(wired)

    def _ready(self) -> bool:
        newest, leads = self._running[-1].process, self._leader()
        return "waits for its turn" in newest.log or (leads.get("pid"), bool(leads.get("epoch"))) == (
            newest.pid, True,
        )  # fmt: skip


@pytest.fixture
def pair(start_process: StartProcess, leader: Leader, database_url: str, redis_url: str) -> Iterator[Pair]:
    with ExitStack() as stack:

        def linked(url: str) -> tuple[Link, str]:
            made = make_url(url)
            link = stack.enter_context(Link(made.host or "127.0.0.1", made.port or 0))
            through = made.set(host="127.0.0.1", port=link.port)
            return link, through.render_as_string(hide_password=False)

        def start() -> Wired:
            (postgres, database), (redis_link, redis_) = linked(database_url), linked(redis_url)
            return Wired(start_process(database, redis_), (postgres, redis_link))

        yield Pair(start, leader)


def _follows(worker: Worker, writing: Writing) -> None:
    """It comes back to an epoch that lasts, and everything begun after that is heard, once.

    A new leader may answer a worker's question before it tells all that they have missed something.
    """
    deadline = time.monotonic() + DEADLINE
    while True:
        worker.open()
        try:
            _hears_everything(worker, writing)
        except SourceLost:
            assert time.monotonic() < deadline
        else:
            return


def _hears_everything(worker: Worker, writing: Writing) -> None:
    since = time.monotonic()
    wait_for(lambda: writing.begun[-1] > since + 0.3, "some writes")
    until = len(writing.begun)
    worker.until(lambda: str(until) in worker.heard.get("public.a", []))
    heard = worker.heard["public.a"]
    due = [str(n + 1) for n, at in enumerate(writing.begun[:until]) if at > since]
    assert heard[heard.index(due[0]) : heard.index(due[-1]) + 1] == due
    assert len(heard) == len(set(heard))


def _replaced(
    pair: Pair, worker: Worker, writing: Writing, leader: Leader, end: Callable[[Wired], object]
) -> float:
    """Seconds from the end of the one that leads until the worker hears everything from the other."""
    first, second = pair.get()
    ended_at = time.monotonic()
    end(first)
    pair.forget(first)
    worker.is_lost()
    _follows(worker, writing)
    took = time.monotonic() - ended_at
    assert leader()["pid"] == second.process.pid
    return took


def test_a_killed_leader_is_replaced_within_five_seconds(
    pair: Pair, work: Work, writing: Writing, leader: Leader
) -> None:
    """The worker notices, the other leads, nothing is missed."""
    pair.get()
    worker = work("a")

    def attempt() -> float:
        return _replaced(pair, worker, writing, leader, lambda one: one.process.send(signal.SIGKILL))

    assert quickest(attempt, TAKEOVER_SECONDS) < TAKEOVER_SECONDS


def test_an_orderly_end_hands_over_at_once(pair: Pair, work: Work, writing: Writing, leader: Leader) -> None:
    """SIGTERM: status 0, nobody waits for a time-out."""
    pair.get()
    worker = work("a")

    def end(one: Wired) -> None:
        assert one.process.end() == 0
        assert "Traceback" not in one.process.log

    assert quickest(lambda: _replaced(pair, worker, writing, leader, end), ORDERLY_SECONDS) < ORDERLY_SECONDS


@pytest.mark.parametrize("hang", [Wired.stop, Wired.cut_off], ids=["stopped", "cut off"])
def test_a_leader_that_hangs_is_replaced_and_stops_itself(
    pair: Pair, work: Work, writing: Writing, leader: Leader, hang: Callable[[Wired], None]
) -> None:
    """15 s at most, for everything; when it comes to, it tells nobody anything and waits in its turn."""
    pair.get()
    worker = work("a")

    def attempt() -> float:
        first, second = pair.get()
        took = _replaced(pair, worker, writing, leader, hang)
        first.come_to()
        log = first.process
        wait_for(lambda: "leads no longer" in log.log or "another dispatcher leads:" in log.log, "it to stop")
        _follows(worker, writing)
        assert leader()["pid"] == second.process.pid
        log.end(signal.SIGKILL)
        return took

    assert quickest(attempt, HANGING_SECONDS) < HANGING_SECONDS


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
        worker.is_lost()
        _follows(worker, writing)
    assert int(str(client.get(keys.term))) >= 5
