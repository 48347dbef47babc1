"""The process of :class:`benchmarks.live_stage.Stage`.

Arguments: the database, the seconds between two proofs, and ``trace`` or nothing.
"""

# ruff: noqa: E402
from gevent import monkey

monkey.patch_all()

import gc
import os
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import gevent
from flask import Flask
from flask_socketio import SocketIO
from sqlalchemy import create_engine

from benchmarks.live_child import serve, wait_until
from benchmarks.live_models import QUERIES, register
from benchmarks.live_stage_frames import Frames
from sa_notify import Dispatcher
from sa_notify.live.actions import Subscriber
from sa_notify.web.context import SavedRequest
from sa_notify.web.live_app import LiveApp
from sa_notify.web.queries import FunctionQuery
from sa_notify.web.runner import Runner

_PATIENCE = 300.0


class Receiving:
    """Stands before a runner's ``receive``: what it was given, and the CPU that it took."""

    def __init__(self) -> None:
        self.changes, self.cpu = 0, 0.0
        original = Runner.receive

        def receive(runner: Runner, changesets: Any) -> None:
            began = time.thread_time()
            original(runner, changesets)
            self.cpu += time.thread_time() - began
            self.changes += sum(len(changeset.changes) for changeset in changesets)

        Runner.receive = receive  # type: ignore[method-assign]


class StageWorker:
    """Answers the commands that :class:`benchmarks.live_stage.Stage` describes."""

    def __init__(self, url: str, proofs: float) -> None:
        self._app = Flask(__name__)
        self._app.config.update(
            SECRET_KEY="benchmark",
            SA_NOTIFY_PROOF_SECONDS=proofs,
            SA_NOTIFY_RECHECK_SECONDS=1e6,
            SA_NOTIFY_MAX_SUBSCRIPTIONS=1_000_000,
        )
        socketio = SocketIO(self._app, async_mode="gevent")
        dispatcher = Dispatcher()
        self._engine = create_engine(url)
        dispatcher.init_app(self._app, socketio, engine=self._engine)
        register(dispatcher)
        self._frames = Frames(socketio.server)
        self._receiving = Receiving()
        self._live: LiveApp = self._app.extensions["sa_notify"]
        self._clients: dict[str, list[str]] = {}
        self._numbers: dict[str, Iterator[int]] = {}
        self._cpu = 0.0

    def connect(self, clients: int, prefix: str) -> None:
        self._clients[prefix] = [f"{prefix}-{n}" for n in range(clients)]
        with self._app.test_request_context("/"):
            for sid in self._clients[prefix]:
                self._live.connected(sid)
                self._numbers[sid] = count(1)

    def subscribe(self, query: str, windows: int, prefix: str, param: str, first: int) -> None:
        before, clients = self._frames.snapshots, self._clients[prefix]
        for n in range(windows):
            params = {param: first + n} if param else {}
            with self._app.test_request_context("/"):
                sid = clients[n % len(clients)]
                self._live.subscribe(
                    Subscriber(sid, next(self._numbers[sid])), {"query": query, "params": params}
                )
            gevent.sleep(0)
        self._until(lambda: self._frames.snapshots - before, windows, "windows were shown")

    def begin(self) -> None:
        self._frames.begin()
        self._receiving.changes, self._receiving.cpu = 0, 0.0
        self._cpu = time.process_time()

    def figures(self) -> dict[str, Any]:
        return {
            "changes": self._receiving.changes, "receiving": self._receiving.cpu,
            "cpu": time.process_time() - self._cpu, "diffs": self._frames.diffs,
        }  # fmt: skip

    def received(self, changes: int) -> None:
        self._until(lambda: self._receiving.changes, changes, "changes were received")

    def updated(self, windows: int) -> float:
        self._until(lambda: len(self._frames.updated), windows, "windows were updated")
        return sorted(self._frames.updated.values())[windows - 1]

    def one_by_one(self, query: str, param: str, windows: int) -> float:
        function = FunctionQuery(
            QUERIES[query], name=query, key=None, total=False, refresh=2.0, token_only=False
        )
        with self._app.test_request_context("/"):
            queries = [function.build({param: n + 1}, SavedRequest({})) for n in range(windows)]
        queries[0].read()
        began = time.perf_counter()
        for each in queries:
            each.read()
        return time.perf_counter() - began

    def memory(self) -> dict[str, int]:
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        traced, _ = tracemalloc.get_traced_memory()
        return {"traced": traced, "resident": pages * os.sysconf("SC_PAGE_SIZE")}

    def rows(self) -> tuple[float, float]:
        return self._frames.sizes()

    def stop(self) -> None:
        self._live.stop()
        self._engine.dispose()

    @staticmethod
    def _until(reached: Callable[[], int], wanted: int, what: str) -> None:
        wait_until(lambda: reached() >= wanted, _PATIENCE, lambda: f"only {reached():,} of {wanted:,} {what}")


def main() -> None:
    """Serve the commands."""
    url, proofs, trace = sys.argv[1:]
    if trace:
        tracemalloc.start()
    worker = StageWorker(url, float(proofs))
    names = (
        "connect",
        "subscribe",
        "begin",
        "figures",
        "received",
        "updated",
        "one_by_one",
        "memory",
        "rows",
    )
    serve({name: getattr(worker, name) for name in names})
    worker.stop()


if __name__ == "__main__":
    main()
