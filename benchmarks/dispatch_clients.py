"""How many clients one worker serves until p99 from commit to client is twice that of the fewest.

One gevent worker behind a dispatcher, one list that all look at. The crowd grows and shrinks in turns:
each size is measured in every round. ``benchmarks.dispatch`` runs it as a process of its own, since gevent
replaces the sockets of it.
"""

# ruff: noqa: E402
from gevent import monkey

monkey.patch_all()

import argparse
import random
import statistics
from contextlib import ExitStack
from itertools import count

import gevent
from gevent.event import Event
from sqlalchemy import create_engine, insert

from benchmarks.crowd import PATIENCE, Arrivals, _live, _write
from benchmarks.latency_models import Base, Ours
from demo.embedded import EmbeddedPostgres, EmbeddedRedis
from demo.rooms import temporary_room
from tests.service.dispatchers import Process
from tests.serving import serve

SIZES = (10, 50, 100, 200, 500, 1000)
PREFIX = "bench"
#: Clients that connect side by side: a storm of them is another benchmark's.
AT_ONCE = 25


class Crowd:
    """Clients that all look at one list; those who came last leave first."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._arrivals = Arrivals(0)
        self._clients: list[gevent.Greenlet] = []
        self._marks = count(1)

    def resize(self, size: int) -> None:
        """Have so many, each with its window."""
        gevent.killall(self._clients[size:])
        del self._clients[size:]
        while len(self._clients) < size:
            self._add(min(AT_ONCE, size - len(self._clients)))

    def measure(self, changes: int) -> tuple[float, float]:
        """p50 and p99 in milliseconds over all clients and changes."""
        self._arrivals = Arrivals(len(self._clients))
        gevent.sleep(0.5)
        latencies = []
        for _ in range(changes):
            gevent.sleep(random.uniform(0.02, 0.08))
            mark = f"mark-{next(self._marks)}."
            self._arrivals.expect(mark)
            committed = _write(self._url, mark, emit=False)
            latencies += [(at - committed) * 1000 for at in self._arrivals.times()]
        return statistics.median(latencies), statistics.quantiles(latencies, n=100)[98]

    def _add(self, count: int) -> None:
        ready = [Event() for _ in range(count)]
        for event in ready:
            self._clients.append(gevent.spawn(self._follow, len(self._clients), event))
        if len(gevent.wait(ready, timeout=PATIENCE)) < count:
            raise SystemExit(f"{count} clients did not connect within {PATIENCE} s")

    # -- a client

    def note(self, client: int, body: bytes) -> None:
        """As :class:`Arrivals` has it, for whichever is the current one."""
        self._arrivals.note(client, body)

    def _follow(self, client: int, ready: Event) -> None:
        _live(self._url, client, self, ready.set)


def run(url: str, sizes: list[int], rounds: int, changes: int) -> None:
    """Print a row for each size, and where p99 is twice the first; the first round warms up."""
    crowd = Crowd(url)
    found: dict[int, list[tuple[float, float]]] = {size: [] for size in sizes}
    for number in range(rounds + 1):
        for size in sizes if number % 2 == 0 else sizes[::-1]:
            crowd.resize(size)
            found[size].append(crowd.measure(changes))
    crowd.resize(0)
    print(f"Medians of {rounds} rounds of {changes} changes\n")
    print("| clients of one worker | p50 ms | p99 ms | times the first | p99 of the rounds |")
    print("|---|---|---|---|---|")
    first, doubled = 0.0, None
    for size, (_, *measured) in found.items():
        p50, p99 = (statistics.median(values) for values in zip(*measured, strict=True))
        first = first or p99
        spread = sorted(each[1] for each in measured)
        print(f"| {size} | {p50:.1f} | {p99:.1f} | {p99 / first:.1f} | {spread[0]:.1f} to {spread[-1]:.1f} |")
        if doubled is None and p99 > 2 * first:
            doubled = size
    print(f"\np99 is twice that of {sizes[0]} clients at {doubled or f'more than {sizes[-1]}'}")


def main() -> None:
    """Measure, on embedded servers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--changes", type=int, default=30, help="changes in a round")
    options = parser.parse_args()
    with ExitStack() as stack:
        server = stack.enter_context(EmbeddedPostgres(temporary_room("sa-notify-bench-")))
        redis = stack.enter_context(EmbeddedRedis(temporary_room("sa-notify-bench-")))
        engine = create_engine(server.url)
        Base.metadata.create_all(engine)
        with engine.begin() as connection:
            connection.execute(insert(Ours), [{"title": "start"}] * 20)
        dispatcher = Process(server.url, redis.url, PREFIX, temporary_room("sa-notify-bench-") / "log")
        stack.callback(dispatcher.end)
        environment = {
            "DATABASE_URL": server.url, "SA_NOTIFY_REDIS_URL": redis.url, "SA_NOTIFY_REDIS_PREFIX": PREFIX,
        }  # fmt: skip
        gunicorn = ("--worker-connections", "3000", "--backlog", "4096")
        url = stack.enter_context(
            serve("benchmarks.crowd_app:app", workers=1, env=environment, options=gunicorn)
        )
        run(url, options.sizes, options.rounds, options.changes)


if __name__ == "__main__":
    main()
