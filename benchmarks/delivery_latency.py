"""How long a committed change takes to whoever follows a source."""

import os
import select
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import create_engine

from benchmarks.capture_site import WATCHED_TABLE, Site
from benchmarks.capture_table import UPDATE_ONE, UPDATE_SET
from benchmarks.capture_workloads import pgbench_program
from sa_notify.source.connect import listen_connect
from sa_notify.source.notify import NotifySource
from sa_notify.source.outbox.source import OutboxSource

_PATIENCE = 10.0
_WRITERS = 16
#: Rows that the other writers leave alone, so that nobody waits for a row.
_OWN_ROWS = 100


@dataclass(frozen=True, slots=True)
class Task:
    """One load.

    :param pause: seconds between two changes.
    :param busy: others write as fast as they can.
    """

    name: str
    changes: int
    pause: float
    busy: bool = False


def tasks(changes: int) -> list[Task]:
    """What is measured."""
    return [
        Task("a change every 100 ms", max(1, changes // 5), 0.1),
        Task("a change every 20 ms", changes, 0.02),
        Task("one change after another", changes, 0.0),
        Task(f"beside {_WRITERS} writers without a pause", changes, 0.005, busy=True),
    ]


def measure(site: Site, task: Task) -> tuple[float, float]:
    """p50 and p99 of one round, in ms."""
    with _arrivals(site) as arrivals, site.writer() as cursor, _busy(site, task):
        for n in range(_OWN_ROWS):
            arrivals.once(cursor, n)
        times = []
        for n in range(task.changes):
            times.append(arrivals.once(cursor, n % _OWN_ROWS))
            time.sleep(task.pause)
    return statistics.median(times), statistics.quantiles(times, n=100)[98]


class _Arrivals:
    """Follows in a thread of this process, as a worker's task would."""

    def __init__(self, source: NotifySource | OutboxSource) -> None:
        self._source = source
        self._key, self._at = "", 0.0
        self._arrived = threading.Event()
        self._over = False

    def once(self, cursor: Any, row: int) -> float:
        """Change a row; the ms from the statement, which commits, to its arrival."""
        self._arrived.clear()
        self._key = str(row + 1)
        began = time.perf_counter()
        cursor.execute(f"{UPDATE_SET} WHERE id = {row + 1}")
        if not self._arrived.wait(_PATIENCE):
            raise SystemExit(f"a change did not arrive within {_PATIENCE} s")
        return (self._at - began) * 1000

    def follow(self) -> None:
        waiting = select.poll()
        waiting.register(self._source.fileno(), select.POLLIN)
        while not self._over:
            for changeset in self._source.read():
                if any(change.key == (self._key,) for change in changeset.changes):
                    self._at = time.perf_counter()
                    self._arrived.set()
            waiting.poll(100)

    def stop(self) -> None:
        self._over = True


@contextmanager
def _arrivals(site: Site) -> Iterator[_Arrivals]:
    connect = listen_connect(create_engine(site.url))
    source = OutboxSource(connect) if site.variant.watched else NotifySource(connect)
    source.open()
    if isinstance(source, OutboxSource):
        source.keep([WATCHED_TABLE])
        source.take([WATCHED_TABLE])
    arrivals = _Arrivals(source)
    thread = threading.Thread(target=arrivals.follow)
    thread.start()
    try:
        yield arrivals
    finally:
        arrivals.stop()
        thread.join()
        source.close()


@contextmanager
def _busy(site: Site, task: Task) -> Iterator[None]:
    if not task.busy:
        yield
        return
    script = UPDATE_ONE.replace("random(1,", f"random({_OWN_ROWS + 1},")
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        options = f"-n -M prepared -c {_WRITERS} -j 2 -T 600 -D rows=2000 -f {file.name}"
        process = subprocess.Popen(
            [pgbench_program(), *options.split()],
            env={**os.environ, **site.environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield
        finally:
            process.kill()
            process.wait()
