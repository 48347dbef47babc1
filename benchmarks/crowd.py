"""A list that a thousand browsers look at, beside what one would write otherwise.

sa_notify, a plain Flask-SocketIO app that emits from the request that writes, and clients that ask every
second; in turns, on one gevent worker and one PostgreSQL. Times are from just before COMMIT is sent.
"""

# ruff: noqa: E402
from gevent import monkey

monkey.patch_all()

import argparse
import http.client
import os
import platform
import random
import statistics
import time
import urllib.request
from collections.abc import Callable
from itertools import count
from typing import Protocol
from urllib.parse import urlsplit

import gevent
from gevent.event import Event
from sqlalchemy import Engine, create_engine, insert, text
from websocket import WebSocket, create_connection

from benchmarks.latency_models import Base, Ours
from demo.embedded import EmbeddedPostgres
from demo.rooms import temporary_room
from tests.serving import serve

PATIENCE = 30.0


class Notes(Protocol):
    """Takes in what comes."""

    def note(self, client: int, body: bytes) -> None: ...


class Arrivals:
    """When each of the crowd saw the mark that is looked for."""

    def __init__(self, size: int) -> None:
        self._size = size
        self.expect("")

    def expect(self, mark: str) -> None:
        self._mark, self._seen, self._complete = mark.encode(), {}, Event()

    def note(self, client: int, body: bytes) -> None:
        if self._mark and self._mark in body and client not in self._seen:
            self._seen[client] = time.monotonic()
            if len(self._seen) == self._size:
                self._complete.set()

    def times(self) -> list[float]:
        if not self._complete.wait(PATIENCE):
            raise SystemExit(f"{len(self._seen)} of {self._size} clients saw {self._mark.decode()}")
        return list(self._seen.values())


def _socket(url: str, namespace: str) -> WebSocket:
    socket = create_connection(f"ws{url[4:]}/socket.io/?EIO=4&transport=websocket", timeout=PATIENCE)
    socket.recv()
    socket.send(f"40{namespace},")
    return socket


def _listen(client: int, socket: WebSocket, arrivals: Notes) -> None:
    while True:
        body = socket.recv()
        if body == "2":
            socket.send("3")
        arrivals.note(client, body.encode() if isinstance(body, str) else body)


def _live(url: str, client: int, arrivals: Notes, ready: Callable[[], None]) -> None:
    socket = _socket(url, "/realtime")
    socket.recv()
    socket.send('42/realtime,1["subscribe",{"id":1,"query":"board","params":{}}]')
    while '"snapshot"' not in str(socket.recv()):
        pass
    ready()
    _listen(client, socket, arrivals)


def _plain(url: str, client: int, arrivals: Arrivals, ready: Callable[[], None]) -> None:
    socket = _socket(url, "/plain")
    socket.recv()
    ready()
    _listen(client, socket, arrivals)


def _poll(url: str, client: int, arrivals: Arrivals, ready: Callable[[], None]) -> None:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)
    ready()
    gevent.sleep(random.random())
    while True:
        began = time.monotonic()
        connection.request("GET", "/items")
        arrivals.note(client, connection.getresponse().read())
        gevent.sleep(max(0.0, began + 1 - time.monotonic()))


WAYS = {"sa_notify": _live, "emit from the request": _plain, "ask every second": _poll}


_TRANSACTIONS = text(
    "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()"
)


def _transactions(engine: Engine) -> int:
    """All that the database has run, whoever asked: reads of pages, of the feed, and writes."""
    # sessions tell of their transactions once a second
    gevent.sleep(2)
    with engine.connect() as connection:
        return int(connection.scalar(_TRANSACTIONS) or 0)


def _write(url: str, mark: str, emit: bool) -> float:
    request = urllib.request.Request(f"{url}/write/{mark}{'?emit=1' if emit else ''}", method="POST")
    with urllib.request.urlopen(request) as answer:
        return float(answer.read())


def _round(
    url: str, engine: Engine, way: str, crowd: int, changes: int, marks: "count[int]"
) -> tuple[float, float, float]:
    """p50 and p99 in milliseconds over all clients and changes, and transactions a second."""
    arrivals, waiting, ready = Arrivals(crowd), [crowd], Event()

    def one_ready() -> None:
        waiting[0] -= 1
        if not waiting[0]:
            ready.set()

    tasks = [gevent.spawn(WAYS[way], url, client, arrivals, one_ready) for client in range(crowd)]
    if not ready.wait(4 * PATIENCE):
        raise SystemExit(f"{waiting[0]} of {crowd} clients did not connect")
    gevent.sleep(1)
    before, began, latencies = _transactions(engine), time.monotonic(), []
    for _ in range(changes):
        gevent.sleep(random.uniform(0.5, 1.5))
        mark = f"mark-{next(marks)}"
        arrivals.expect(mark)
        committed = _write(url, mark, emit=way == "emit from the request")
        latencies += [(at - committed) * 1000 for at in arrivals.times()]
    transactions = (_transactions(engine) - before) / (time.monotonic() - began)
    gevent.killall(tasks)
    return statistics.median(latencies), statistics.quantiles(latencies, n=100)[98], transactions


def run(url: str, engine: Engine, crowd: int, rounds: int, changes: int) -> None:
    """Measure in turns, and print a row for each."""
    found: dict[str, list[tuple[float, float, float]]] = {way: [] for way in WAYS}
    marks = count(1)
    for number in range(rounds):
        for way in list(WAYS)[number % 3 :] + list(WAYS)[: number % 3]:
            found[way].append(_round(url, engine, way, crowd, changes, marks))
    middle = {way: [statistics.median(v) for v in zip(*them, strict=True)] for way, them in found.items()}
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}; {crowd} clients,")
    print(f"about one change a second; medians of {rounds} rounds of {changes} changes\n")
    print("| one list, one change | p50 ms | p99 ms | transactions of the database a second |")
    print("|---|---|---|---|")
    for way, (p50, p99, transactions) in middle.items():
        print(f"| {way} | {p50:.1f} | {p99:.1f} | {transactions:.1f} |")
    pairs = zip(middle["ask every second"], middle["sa_notify"], strict=True)
    print("| asking, times ours |", " | ".join(f"{asking / ours:.0f}" for asking, ours in pairs), "|")


def main() -> None:
    """Measure, on embedded servers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--changes", type=int, default=10, help="changes in a round")
    options = parser.parse_args()
    with EmbeddedPostgres(temporary_room("sa-notify-bench-")) as server:
        engine = create_engine(server.url)
        Base.metadata.create_all(engine)
        with engine.begin() as connection:
            connection.execute(insert(Ours), [{"title": "start"}] * 20)
        environment = {"DATABASE_URL": server.url}
        gunicorn = ("--worker-connections", "3000")
        with serve("benchmarks.crowd_app:app", workers=1, env=environment, options=gunicorn) as base_url:
            run(base_url, engine, options.clients, options.rounds, options.changes)


if __name__ == "__main__":
    main()
