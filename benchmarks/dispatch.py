"""Changes a second through the dispatcher, beside a raw psycopg2 connection that drains notifications.

One transaction holds all changes of a measurement: the time from before its COMMIT until its last change has
arrived, at the drain or at a worker that wants 100,000 single rows. Then what the leg through Redis adds to
the way from commit to client, and what a worker's CPU does for rows that nobody shows.
"""

import argparse
import os
import platform
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Engine, Integer, MetaData, Table, create_engine, insert, text

from benchmarks.alternate import alternate, middle
from benchmarks.latency import _once, _round, subscribed
from benchmarks.latency_models import Base, Ours
from demo.embedded import EmbeddedPostgres, EmbeddedRedis
from demo.rooms import temporary_room
from sa_notify import realtime
from sa_notify.redis.connect import connect
from sa_notify.redis.keys import Keys
from tests.protocol import wait_for
from tests.service.dispatchers import Process
from tests.serving import serve

PREFIX = "bench"
#: A worker wants the rows below; the others are shown by nobody.
ROWS = 100_000
#: Of a statement: what a page, a form or an import writes at once.
SIZES = {"a row each": 1, "100 rows each": 100}
DELIVERIES = ("notify", "outbox")
_DRAIN = "LISTEN sa_notify"


class Drain:
    """A connection that LISTENs and reads, and knows nothing of what it reads."""

    def __init__(self, engine: Engine) -> None:
        self._fairy = engine.raw_connection()
        self._connection: Any = self._fairy.driver_connection
        self._connection.autocommit = True
        self._connection.cursor().execute(_DRAIN)

    def until(self, key: int) -> float:
        """The moment when a payload has come that ends with this key."""
        end = f'"{key}"'
        while True:
            select.select([self._connection], [], [])
            self._connection.poll()
            found, self._connection.notifies = self._connection.notifies, []
            if any(end in notice.payload for notice in found):
                return time.monotonic()


class Worker:
    """A process of its own; see :mod:`benchmarks.dispatch_worker`."""

    def __init__(self, redis_url: str, table: str) -> None:
        command = [sys.executable, "-m", "benchmarks.dispatch_worker", redis_url, PREFIX, table, str(ROWS)]
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._line()

    def expect(self, key: int) -> None:
        assert self._child.stdin
        self._child.stdin.write(f"{key}\n")
        self._child.stdin.flush()
        self._line()

    def came(self) -> tuple[float, float, int]:
        """When, CPU seconds, and how many changes."""
        moment, cpu, changes = self._line().split()
        return float(moment), float(cpu), int(changes)

    def close(self) -> None:
        self._child.communicate()

    def _line(self) -> str:
        assert self._child.stdout
        return self._child.stdout.readline()


def _create(engine: Engine) -> None:
    metadata = MetaData()
    for delivery in DELIVERIES:
        table = Table(delivery, metadata, Column("id", Integer, primary_key=True), Column("n", Integer))
        realtime(table, delivery=delivery)
    metadata.create_all(engine)
    with engine.begin() as connection:
        for name in DELIVERIES:
            fill = f"INSERT INTO {name} SELECT id, 0 FROM generate_series(0, {4 * ROWS}) id"
            connection.execute(text(fill))


class Throughput:
    """Measures with one dispatcher over both deliveries.

    :param changes: of a measurement.
    """

    def __init__(self, engine: Engine, redis_url: str, changes: int) -> None:
        self._engine, self._changes = engine, changes
        self._drain = Drain(engine)
        self._workers = {name: Worker(redis_url, f"public.{name}") for name in DELIVERIES}
        self._last = count(1)

    def measure(self, name: str, task: str) -> tuple[float, float]:
        """Changes a second, and CPU milliseconds of the worker for 1,000 changes."""
        size, shown = next((SIZES[each], task.endswith("shown")) for each in SIZES if task.startswith(each))
        table = "notify" if name == "drain" else name
        last = ROWS - next(self._last)
        # the worker of the other delivery must not wait for a row of this one
        worker = None if name == "drain" else self._workers[table]
        if worker:
            worker.expect(last)
        began = self._write(table, size, last, shown=shown)
        if worker is None:
            return self._changes / (self._drain.until(last) - began), 0.0
        moment, cpu, _ = worker.came()
        return self._changes / (moment - began), cpu * 1e6 / self._changes

    def close(self) -> None:
        for worker in self._workers.values():
            worker.close()

    def _write(self, table: str, size: int, last: int, *, shown: bool) -> float:
        first = 0 if shown else ROWS
        update = text(f"UPDATE {table} SET n = n + 1 WHERE id >= :first AND id < :first + :size")
        with self._engine.connect() as connection:
            for start in range(first, first + self._changes, size):
                connection.execute(update, {"first": start % (4 * ROWS), "size": size})
            connection.execute(update, {"first": last, "size": 1})
            began = time.monotonic()
            connection.commit()
        return began


@contextmanager
def _servers() -> Iterator[tuple[str, str]]:
    with ExitStack() as stack:
        postgres = stack.enter_context(EmbeddedPostgres(temporary_room("sa-notify-bench-")))
        redis = stack.enter_context(EmbeddedRedis(temporary_room("sa-notify-bench-")))
        yield postgres.url, redis.url


@contextmanager
def _dispatcher(database_url: str, redis_url: str) -> Iterator[None]:
    log = temporary_room("sa-notify-bench-") / "dispatcher.log"
    dispatcher = Process(database_url, redis_url, PREFIX, Path(log))
    try:
        with connect(redis_url) as client:
            wait_for(lambda: client.exists(Keys(PREFIX).leader), "a dispatcher to lead")
        yield
    finally:
        dispatcher.end()


def throughput(rounds: int, changes: int) -> None:
    """Print a row for each size of statement."""
    names, tasks = (
        ["drain", "notify", "outbox"],
        [f"{size}, {kind}" for size in SIZES for kind in ("shown", "not")],
    )
    with _servers() as (database_url, redis_url):
        engine = create_engine(database_url)
        _create(engine)
        with _dispatcher(database_url, redis_url):
            measuring = Throughput(engine, redis_url, changes)
            # the dispatcher has the tables captured within 5 s
            time.sleep(7)
            found = alternate(names, tasks, rounds + 1, measuring.measure, begin=lambda _: None)
            measuring.close()
        engine.dispose()
    print("| changes a second, of the drain | drain | NOTIFY | outbox | worker's CPU, ms for 1,000 changes |")
    print("|---|---|---|---|---|")
    for task in tasks:
        middles = {name: middle([each[task][0] for each in found[name][1:]]) for name in names}
        cpu = middle([each[task][1] for each in found["outbox"][1:]])
        shares = " | ".join(
            f"{middles[name]:,.0f}"
            + (f" ({middles[name] / middles['drain']:.2f})" if name != "drain" else "")
            for name in names
        )
        print(f"| {task.replace(', not', ', shown by nobody')} | {shares} | {cpu:.1f} |")


def redis_leg(rounds: int, changes: int) -> None:
    """Print the way from commit to client without and with the dispatcher."""
    with _servers() as (database_url, redis_url), ExitStack() as stack:
        engine = create_engine(database_url)
        Base.metadata.create_all(engine)
        with engine.begin() as connection:
            connection.execute(insert(Ours), [{"title": "start"}] * 20)
        stack.enter_context(_dispatcher(database_url, redis_url))
        service = {"SA_NOTIFY_REDIS_URL": redis_url, "SA_NOTIFY_REDIS_PREFIX": PREFIX}
        probes = {}
        for name, more in {"embedded": {}, "through Redis": service}.items():
            environment = {"DATABASE_URL": database_url, **more}
            url = stack.enter_context(serve("benchmarks.latency_app:app", workers=1, env=environment))
            probes[name] = subscribed(url, "ours", {"limit": 20})

        def measure(name: str, _: str) -> tuple[float, float]:
            return _round(lambda n: _once(engine, "ours", probes[name], n), changes, 0.005)

        found = alternate(list(probes), ["all"], rounds + 1, measure, begin=lambda _: None)
        for probe in probes.values():
            probe.client.disconnect()
        engine.dispose()
    print("\n| commit to client, ms | p50 | p99 |\n|---|---|---|")
    for name, each in found.items():
        p50, p99 = (middle([one["all"][n] for one in each[1:]]) for n in (0, 1))
        print(f"| {name} | {p50:.2f} | {p99:.2f} |")


def main() -> None:
    """Measure, on embedded servers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--changes", type=int, default=20_000, help="in a transaction")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}; medians of {options.rounds} rounds,")
    print(f"{options.changes:,} changes in a transaction, a worker that wants {ROWS:,} single rows\n")
    throughput(options.rounds, options.changes)
    redis_leg(options.rounds, 200)


if __name__ == "__main__":
    main()
