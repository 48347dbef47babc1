"""A process of :class:`benchmarks.live_crowd.Crowd`. Argument: the server's URL."""

# ruff: noqa: E402
from gevent import monkey

monkey.patch_all()

import json
import re
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import Any

import gevent
from gevent.pool import Pool
from websocket import WebSocket, WebSocketException

from benchmarks.crowd import _socket
from benchmarks.live_child import Missed, serve, wait_until
from benchmarks.live_frames import text_frames

_PATIENCE = 300.0
#: Connections that are made at a time: all at once would wait in the server's backlog.
_AT_A_TIME = 50
_MOMENT = re.compile(rb'"(\d{10}\.\d{6})"')


class CrowdWorker:
    """Answers the commands that :class:`benchmarks.live_crowd.Crowd` describes."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._sockets: list[WebSocket] = []
        self._note: Callable[[int, bytes], None] = lambda client, body: None
        self._lost = 0
        self._joined = 0

    def connect(self, clients: int, query: str, windows: int, param: str, first: int) -> None:
        def one(n: int) -> WebSocket:
            socket = self._subscribed(query, windows, param, first + n * windows)
            # at once: a client that answers no ping while others connect is dropped
            gevent.spawn(self._listen, n, socket)
            return socket

        try:
            self._sockets = Pool(_AT_A_TIME).map(one, range(clients))
        except (OSError, WebSocketException) as error:
            raise Missed(f"one of {clients:,} clients did not get its window: {error}") from error

    def join(self, namespace: str) -> None:
        self._joined = 0
        for socket in self._sockets:
            socket.send(f"40{namespace},")
        self._until(lambda: self._joined, "clients joined")

    def expect(self, mark: str) -> None:
        self._arrived: dict[int, float] = {}
        encoded = mark.encode()

        def note(client: int, body: bytes) -> None:
            if encoded in body:
                self._arrived.setdefault(client, time.monotonic())

        self._note = note

    def arrived(self) -> float:
        self._until(lambda: len(self._arrived), "clients got the change")
        return max(self._arrived.values())

    def watch(self) -> None:
        self._newest: dict[int, float] = {}
        self._lags: dict[int, list[float]] = defaultdict(list)
        self._began, self._cpu = time.monotonic(), time.process_time()
        self._note = self._note_lag

    def caught_up(self, moment: str) -> None:
        def count() -> int:
            return sum(newest >= float(moment) for newest in self._newest.values())

        self._until(count, f"clients saw the last change ({self._lost:,} were cut off)")

    def lags(self) -> dict[str, Any]:
        self._note = lambda client, body: None
        busy = (time.process_time() - self._cpu) / (time.monotonic() - self._began)
        every = sorted(lag for lags in self._lags.values() for lag in lags)
        quantiles = statistics.quantiles(every, n=100)
        return {
            "seconds": [(at, statistics.median(lags)) for at, lags in sorted(self._lags.items())],
            "p50": quantiles[49], "p95": quantiles[94], "p99": quantiles[98],
            "frames": len(every) / len(self._sockets), "lost": self._lost, "busy": busy,
        }  # fmt: skip

    # -- inside

    def _subscribed(self, query: str, windows: int, param: str, first: int) -> WebSocket:
        socket = _socket(self._url, "/realtime")
        socket.recv()
        for n in range(windows):
            asked = {"id": n + 1, "query": query, "params": {param: first + n} if param else {}}
            socket.send(f"42/realtime,{n + 1}{json.dumps(['subscribe', asked])}")
        waiting = windows
        while waiting:
            body = str(socket.recv())
            if body == "2":
                socket.send("3")
            waiting -= '["snapshot"' in body
        return socket

    def _listen(self, client: int, socket: WebSocket) -> None:
        socket.settimeout(None)
        with suppress(OSError, WebSocketException):
            for body in text_frames(socket.sock):
                if body == b"2":
                    socket.send("3")
                elif body.startswith(b"40"):
                    self._joined += 1
                else:
                    self._note(client, body)
        self._lost += 1

    def _note_lag(self, client: int, body: bytes) -> None:
        newest = _newest(body)
        if newest is None:
            return
        now = time.time()
        before = self._newest.get(client)
        if before is not None:
            # whatever is new in this frame was written after the newest of the frame before it
            self._lags[int(now)].append(now - before)
        self._newest[client] = newest

    def _until(self, count: Callable[[], int], what: str) -> None:
        size = len(self._sockets)
        wait_until(lambda: count() >= size, _PATIENCE, lambda: f"only {count():,} of {size:,} {what}")


@lru_cache(maxsize=64)
def _newest(body: bytes) -> float | None:
    """The latest moment among a frame's titles; clients get the same text, which is read once."""
    return max(map(float, _MOMENT.findall(body)), default=None)


def main() -> None:
    """Serve the commands."""
    worker = CrowdWorker(sys.argv[1])
    names = ("connect", "join", "expect", "arrived", "watch", "caught_up", "lags")
    serve({name: getattr(worker, name) for name in names})


if __name__ == "__main__":
    main()
