"""Changes a second through the dispatcher, beside a raw psycopg2 connection that drains notifications.

One transaction holds all changes of a measurement: the time from before its COMMIT until the last has come,
at the drain or at a worker that wants 100,000 single rows. The drain has a database of its own: neither hears
what is meant for the other.
"""

import json
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Column, Connection, Engine, Integer, MetaData, Table, text

from benchmarks.alternate import alternate, middle
from sa_notify import realtime

PREFIX = "bench"
#: A worker wants the rows below; the others are shown by nobody.
ROWS = 100_000
#: Of a statement: what a page, a form or an import writes at once.
SIZES = {"a row each": 1, "100 rows each": 100}
TASKS = [f"{size}, {kind}" for size in SIZES for kind in ("shown", "shown by nobody")]
DELIVERIES = ("notify", "outbox")
#: The drains, and the deliveries through the dispatcher.
NAMES = ("drain", "json.loads", *DELIVERIES)
PROCESSES = ("dispatcher", "redis", "worker")
_WRITES = """
DO $$ BEGIN
  FOR i IN {first}..{last} BY {size} LOOP
    UPDATE {table} SET n = n + 1 WHERE id >= i AND id < i + {size};
  END LOOP;
  UPDATE {table} SET n = n + 1 WHERE id = {end};
END $$
"""


class Measured(NamedTuple):
    """Changes a second, and CPU milliseconds for 1,000 changes by process."""

    rate: float
    cpu: Mapping[str, float]


class Drain:
    """A connection that LISTENs and reads.

    :param parses: each payload, as JSON; else it knows nothing of what it reads.
    """

    def __init__(self, engine: Engine, *, parses: bool) -> None:
        self._fairy = engine.raw_connection()
        self._connection: Any = self._fairy.driver_connection
        self._connection.autocommit = True
        self._connection.cursor().execute("LISTEN sa_notify")
        self._parses = parses

    def until(self, key: int) -> float:
        """The moment when a payload has come that ends with this key."""
        end = f'"{key}"'
        while True:
            select.select([self._connection], [], [])
            self._connection.poll()
            found, self._connection.notifies = self._connection.notifies, []
            if self._parses:
                for notice in found:
                    json.loads(notice.payload)
            if any(end in notice.payload for notice in found):
                return time.monotonic()

    def close(self) -> None:
        """Listen no longer: a connection that nobody reads holds the server's queue up."""
        self._connection.cursor().execute("UNLISTEN *")
        self._fairy.close()


class Worker:
    """A process of its own; see :mod:`benchmarks.dispatch_worker`."""

    def __init__(self, redis_url: str, table: str) -> None:
        command = [sys.executable, "-m", "benchmarks.dispatch_worker", redis_url, PREFIX, table, str(ROWS)]
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._line()

    @property
    def pid(self) -> int:
        return self._child.pid

    def expect(self, key: int) -> None:
        assert self._child.stdin
        self._child.stdin.write(f"{key}\n")
        self._child.stdin.flush()
        self._line()

    def came(self) -> float:
        """When."""
        return float(self._line())

    def close(self) -> None:
        self._child.communicate()

    def _line(self) -> str:
        assert self._child.stdout
        return self._child.stdout.readline()


def create(engine: Engine, *deliveries: str) -> None:
    """A table of each delivery, of its name, with four times the rows that are wanted."""
    metadata = MetaData()
    for delivery in deliveries:
        table = Table(delivery, metadata, Column("id", Integer, primary_key=True), Column("n", Integer))
        realtime(table, delivery=delivery)
    metadata.create_all(engine)
    with engine.begin() as connection:
        for name in deliveries:
            fill = f"INSERT INTO {name} SELECT id, 0 FROM generate_series(0, {4 * ROWS}) id"
            connection.execute(text(fill))


class Throughput:
    """Measures with one dispatcher over both deliveries.

    :param engine: of the database that the dispatcher follows.
    :param aside: of the drain's.
    :param pids: of dispatcher and Redis.
    :param changes: of a measurement.
    """

    def __init__(
        self, engine: Engine, aside: Engine, redis_url: str, pids: Mapping[str, int], changes: int
    ) -> None:
        self._engine, self._aside, self._changes = engine, aside, changes
        self._pids = pids
        self._workers = {name: Worker(redis_url, f"public.{name}") for name in DELIVERIES}
        self._last = count(1)

    def measure(self, name: str, task: str) -> Measured:
        """One transaction."""
        size = next(SIZES[each] for each in SIZES if task.startswith(each))
        last, shown = ROWS - next(self._last), task.endswith("shown")
        if name in DELIVERIES:
            return self._through_dispatcher(name, size, last, shown=shown)
        drain = Drain(self._aside, parses=name == "json.loads")
        with self._written(self._aside, "notify", size, last, shown=shown) as connection:
            began = time.monotonic()
            connection.commit()
        rate = self._changes / (drain.until(last) - began)
        drain.close()
        return Measured(rate, {})

    def close(self) -> None:
        for worker in self._workers.values():
            worker.close()

    # -- inside

    def _through_dispatcher(self, name: str, size: int, last: int, *, shown: bool) -> Measured:
        worker = self._workers[name]
        pids = {**self._pids, "worker": worker.pid}
        worker.expect(last)
        with self._written(self._engine, name, size, last, shown=shown) as connection:
            before = {each: _seconds(pid) for each, pid in pids.items()}
            began = time.monotonic()
            connection.commit()
        rate = self._changes / (worker.came() - began)
        cpu = {each: _seconds(pid) - before[each] for each, pid in pids.items()}
        return Measured(rate, {each: seconds * 1e6 / self._changes for each, seconds in cpu.items()})

    @contextmanager
    def _written(
        self, engine: Engine, table: str, size: int, last: int, *, shown: bool
    ) -> Iterator[Connection]:
        """A transaction that has made the changes."""
        first = 0 if shown else ROWS
        end = first + self._changes - 1
        with engine.connect() as connection:
            connection.execute(text(_WRITES.format(table=table, first=first, last=end, size=size, end=last)))
            yield connection


def _seconds(pid: int) -> float:
    """CPU that a process has used so far, which the kernel counts in nanoseconds for each thread."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(each.read_text().split()[0]) for each in threads) / 1e9


def report(measuring: Throughput, rounds: int) -> None:
    """Print a row for each size of statement; the first round warms up."""
    found = alternate(NAMES, TASKS, rounds + 1, measuring.measure, begin=lambda _: None)
    print("| changes a second, of the drain | drain | drain, json.loads | NOTIFY | outbox |")
    print("|---|---|---|---|---|")
    for task in TASKS:
        rates = {name: middle([each[task].rate for each in found[name][1:]]) for name in NAMES}
        shares = " | ".join(f"{rates[name]:,.0f} ({rates[name] / rates['drain']:.2f})" for name in NAMES[1:])
        print(f"| {task} | {rates['drain']:,.0f} | {shares} |")
    print(f"\n| CPU, ms for 1,000 changes: NOTIFY / outbox | {' | '.join(PROCESSES)} |\n|---|---|---|---|")
    for task in TASKS:
        cells = [
            " / ".join(
                f"{middle([e[task].cpu[process] for e in found[name][1:]]):.1f}" for name in DELIVERIES
            )
            for process in PROCESSES
        ]
        print(f"| {task} | {' | '.join(cells)} |")
