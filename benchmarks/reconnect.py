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
from contextlib import ExitStack

import gevent
from gevent.event import Event
from sqlalchemy import Engine, create_engine, insert
from websocket import WebSocketException

from benchmarks.crowd import _socket, _transactions
from benchmarks.latency_models import Base, Ours
from demo.embedded import EmbeddedPostgres, EmbeddedRedis
from demo.rooms import temporary_room
from tests.service.dispatchers import Process
from tests.serving import serve

#: Distinct lists that the clients look at.
QUERIES = 40
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
                body = str(socket.recv())
                if body == "2":
                    socket.send("3")
                elif '"snapshot"' in body:
                    self._note(n)
        except (OSError, WebSocketException):
            return 0
        finally:
            socket.shutdown()

    def _note(self, n: int) -> None:
        self.live.setdefault(n, time.monotonic())
        if len(self.live) == self._size:
            self.all_live.set()


def _round(crowd: Crowd, url: str, engine: Engine, workers: int) -> tuple[float, float, int]:
    pids = set[str]()
    while len(pids) < workers:
        with urllib.request.urlopen(f"{url}/pid") as answer:
            pids.add(answer.read().decode())
    before = _transactions(engine)
    crowd.expect()
    began = time.monotonic()
    for pid in pids:
        os.kill(int(pid), signal.SIGKILL)
    if not crowd.all_live.wait(120):
        raise SystemExit(f"{len(crowd.live)} clients are live after 120 s")
    times = [at - began for at in crowd.live.values()]
    return statistics.median(times), max(times), _transactions(engine) - before


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
        serving = serve("benchmarks.crowd_app:app", workers=2, env=environment, options=gunicorn)
        url = stack.enter_context(serving)
        crowd = Crowd(url, options.clients)
        stack.callback(crowd.stop)
        if not crowd.all_live.wait(120):
            raise SystemExit(f"{len(crowd.live)} of {options.clients} clients connected")
        found = [_round(crowd, url, engine, 2) for _ in range(options.rounds)]
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}; {options.clients} clients,")
    print(f"{QUERIES} lists, two workers, medians of {options.rounds} rounds\n")
    print("| | median client | last client | transactions of the database |\n|---|---|---|---|")
    p50, worst, transactions = (statistics.median(column) for column in zip(*found, strict=True))
    print(f"| live again after the kill | {p50:.1f} s | {worst:.1f} s | {transactions:.0f} |")


if __name__ == "__main__":
    main()
