"""Commit to client callback, beside the floor: raw LISTEN, SELECT by key, emit.

Both run in one gevent worker on one PostgreSQL, in turns; the client is one more process on the same
machine. Times are from just before COMMIT is sent, in milliseconds.
"""

import argparse
import os
import platform
import statistics
import threading
import time
from collections.abc import Callable, Mapping

import socketio
from sqlalchemy import Engine, create_engine, insert, text

from benchmarks.latency_models import Base, Floor, Ours
from demo.embedded import EmbeddedPostgres
from demo.rooms import temporary_room
from tests.serving import serve

ROWS = 20


class Probe:
    """A client that notes when its event comes."""

    def __init__(self, url: str, namespace: str, event: str) -> None:
        self.arrived = threading.Event()
        self.at = 0.0
        self.client = socketio.Client(handle_sigint=False)
        self.client.on(event, self._note, namespace=namespace)
        self.client.connect(url, transports=["websocket"], namespaces=[namespace], wait_timeout=10)

    def _note(self, *data: object) -> None:
        self.at = time.perf_counter()
        self.arrived.set()


def subscribed(url: str, query: str, params: Mapping[str, object]) -> Probe:
    """A client that has its window of a live query, and notes its diffs."""
    probe, snapshot = Probe(url, "/realtime", "diff"), threading.Event()
    probe.client.on("snapshot", lambda _: snapshot.set(), namespace="/realtime")
    request = {"id": 1, "query": query, "params": dict(params)}
    answer = probe.client.call("subscribe", request, namespace="/realtime")
    if not answer["ok"] or not snapshot.wait(10):
        raise SystemExit(f"not subscribed: {answer}")
    return probe


def _once(engine: Engine, table: str, probe: Probe, n: int) -> float:
    probe.arrived.clear()
    with engine.connect() as connection:
        update = text(f"UPDATE {table} SET title = :title WHERE id = :id")
        connection.execute(update, {"title": f"{time.time_ns()}", "id": n % ROWS + 1})
        began = time.perf_counter()
        connection.commit()
    if not probe.arrived.wait(5):
        raise SystemExit(f"no event for {table} within 5 s")
    return (probe.at - began) * 1000


def _round(measure: Callable[[int], float], changes: int, pause: float) -> tuple[float, float]:
    times = []
    for n in range(changes):
        times.append(measure(n))
        time.sleep(pause)
    quantiles = statistics.quantiles(times, n=100)
    return statistics.median(times), quantiles[98]


def run(engine: Engine, base_url: str, rounds: int, changes: int, pause: float) -> None:
    """Print a row for each, and their ratio."""
    ours, floor = subscribed(base_url, "ours", {"limit": ROWS}), Probe(base_url, "/floor", "row")
    probes = {"floor": floor, "ours": ours}
    results: dict[str, list[tuple[float, float]]] = {name: [] for name in probes}
    for number in range(rounds + 1):
        for name in sorted(probes, reverse=number % 2 == 1):
            measured = _round(lambda n, name=name: _once(engine, name, probes[name], n), changes, pause)
            if number:  # the first round warms up
                results[name].append(measured)
    _print(results, rounds, changes)
    for probe in probes.values():
        probe.client.disconnect()


def _print(results: dict[str, list[tuple[float, float]]], rounds: int, changes: int) -> None:
    middle = {
        name: [statistics.median(values) for values in zip(*found, strict=True)]
        for name, found in results.items()
    }
    print(
        f"{os.cpu_count()} cores, Python {platform.python_version()}; medians of {rounds} x {changes} changes"
    )
    print("| commit to client callback, ms | p50 | p99 |\n|---|---|---|")
    labels = {
        "floor": "floor: raw LISTEN, SELECT by key, emit",
        "ours": f"sa_notify: window of {ROWS} rows, diff",
    }
    for name, label in labels.items():
        print(f"| {label} | {middle[name][0]:.2f} | {middle[name][1]:.2f} |")
    ratios = [ours / floor for ours, floor in zip(middle["ours"], middle["floor"], strict=True)]
    print(f"| times the floor | {ratios[0]:.2f} | {ratios[1]:.2f} |")


def main() -> None:
    """Measure, on embedded servers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--changes", type=int, default=200, help="changes in a round")
    parser.add_argument("--pause", type=float, default=0.005, help="seconds between changes")
    options = parser.parse_args()
    with EmbeddedPostgres(temporary_room("sa-notify-bench-")) as server:
        engine = create_engine(server.url)
        Base.metadata.create_all(engine)
        with engine.begin() as connection:
            for table in (Ours, Floor):
                connection.execute(insert(table), [{"title": "start"}] * ROWS)
        environment = {"DATABASE_URL": server.url}
        with serve("benchmarks.latency_app:app", workers=1, env=environment) as base_url:
            run(engine, base_url, options.rounds, options.changes, options.pause)
        engine.dispose()


if __name__ == "__main__":
    main()
