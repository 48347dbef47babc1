"""Two thousand clients that lose their server at once: how long until all are live, at what cost.

Two gevent workers behind one port follow a dispatcher through Redis; both are killed, gunicorn starts others,
and every client comes back as the browser library does, after a pause of chance that grows.
"""

# ruff: noqa: E402
from gevent import monkey

monkey.patch_all()

import argparse
import json
import os
import platform
import random
import signal
import statistics
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

import gevent
from gevent.event import Event
from sqlalchemy import create_engine, insert
from websocket import WebSocket, WebSocketException

from benchmarks.crowd import _socket
from benchmarks.latency_models import Base, Ours
from demo.embedded import EmbeddedPostgres, EmbeddedRedis
from demo.rooms import temporary_room
from tests.service.dispatchers import Process
from tests.serving import serve

#: Distinct lists that the clients look at.
QUERIES = 40
WORKERS = 2
#: What is promised.
GOAL_SECONDS = 20.0
GOAL_SHARED = 0.9
#: Of the browser library: the first pause, and how it grows up to the last.
PAUSES = [0.5, 1, 2, 4]


class Crowd:
    """Clients that keep coming back; notes when each has its window again."""

    def __init__(self, url: str, size: int) -> None:
        self._url, self._size = url, size
        self.expect()
        self._tasks = [gevent.spawn(self._client, n) for n in range(size)]

    def expect(self) -> None:
        """Note again from now on."""
        self.live: dict[int, float] = {}
        self.all_live = Event()

    def stop(self) -> None:
        gevent.killall(self._tasks)

    def _client(self, n: int) -> None:
        failures = 0
        while True:
            try:
                failures = self._follow(n) or 0
            except (OSError, WebSocketException):
                failures += 1
            gevent.sleep(PAUSES[min(failures, len(PAUSES) - 1)] * random.uniform(0.5, 1.5))

    def _follow(self, n: int) -> int | None:
        socket = _socket(self._url, "/realtime")
        try:
            socket.recv()
            asked = {"id": 1, "query": "page", "params": {"offset": n % QUERIES}}
            socket.send(f"42/realtime,1{json.dumps(['subscribe', asked])}")
            while True:
                self._take(n, socket, str(socket.recv()))
        except (OSError, WebSocketException):
            return 0
        finally:
            socket.shutdown()

    def _take(self, n: int, socket: WebSocket, body: str) -> None:
        if body == "2":
            socket.send("3")
        elif '"snapshot"' in body:
            self._note(n)
        elif '"live":false' in body:
            self.live.pop(n, None)

    def _note(self, n: int) -> None:
        self.live.setdefault(n, time.monotonic())
        if len(self.live) == self._size:
            self.all_live.set()


class Round(NamedTuple):
    """Seconds from the kill until half of the clients, and all, were live; reads of live queries."""

    median: float
    last: float
    reads: float


def _reads(url: str) -> dict[int, float]:
    """By worker."""
    found: dict[int, float] = {}
    while len(found) < WORKERS:
        with urllib.request.urlopen(f"{url}/reads") as answer:
            pid, reads = json.loads(answer.read())
            found[pid] = reads
    return found


def _round(crowd: Crowd, url: str) -> Round:
    pids = _reads(url)
    crowd.expect()
    began = time.monotonic()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    if not crowd.all_live.wait(120):
        raise SystemExit(f"{len(crowd.live)} clients are live after 120 s")
    times = [at - began for at in crowd.live.values()]
    return Round(statistics.median(times), max(times), sum(_reads(url).values()))


def _report(found: list[Round], clients: int) -> Iterator[str]:
    yield f"{os.cpu_count()} cores, Python {platform.python_version()}; {clients} clients, {QUERIES} lists,"
    yield f"{WORKERS} workers behind a dispatcher, {len(found)} rounds\n"
    yield "| live again after the kill | median client | last client | reads of live queries |"
    yield "|---|---|---|---|"
    for name, choose in (("median", statistics.median), ("worst", max)):
        median, last, reads = (choose(column) for column in zip(*found, strict=True))
        yield f"| {name} of the rounds | {median:.1f} s | {last:.1f} s | {reads:.0f} |"
    last, shared = max(one.last for one in found), 1 - max(one.reads for one in found) / clients
    yield "\n| goal | measured | |\n|---|---|---|"
    yield f"| all live within {GOAL_SECONDS:.0f} s | {last:.1f} s | {_judged(last <= GOAL_SECONDS)} |"
    told = f"{GOAL_SHARED:.0%} are shown what was read for others"
    yield f"| {told} | {shared:.1%} | {_judged(shared >= GOAL_SHARED)} |"


def _judged(met: bool) -> str:
    return "pass" if met else "FAIL"


def main() -> None:
    """Measure, on embedded servers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with ExitStack() as stack:
        server = stack.enter_context(EmbeddedPostgres(temporary_room("sa-notify-bench-")))
        redis = stack.enter_context(EmbeddedRedis(temporary_room("sa-notify-bench-")))
        engine = create_engine(server.url)
        Base.metadata.create_all(engine)
        with engine.begin() as connection:
            connection.execute(insert(Ours), [{"title": "start"}] * 100)
        log = temporary_room("sa-notify-bench-") / "dispatcher.log"
        dispatcher = Process(server.url, redis.url, "bench", log)
        stack.callback(dispatcher.end)
        environment = {
            "DATABASE_URL": server.url, "SA_NOTIFY_REDIS_URL": redis.url, "SA_NOTIFY_REDIS_PREFIX": "bench",
        }  # fmt: skip
        gunicorn = ("--worker-connections", "3000", "--backlog", "4096")
        serving = serve("benchmarks.crowd_app:app", workers=WORKERS, env=environment, options=gunicorn)
        url = stack.enter_context(serving)
        crowd = Crowd(url, options.clients)
        stack.callback(crowd.stop)
        if not crowd.all_live.wait(120):
            raise SystemExit(f"{len(crowd.live)} of {options.clients} clients connected")
        found = [_round(crowd, url) for _ in range(options.rounds)]
    print("\n".join(_report(found, options.clients)))


if __name__ == "__main__":
    main()
