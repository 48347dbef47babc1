"""The dispatcher: changes a second, the way from commit to client, clients of a worker.

See :mod:`benchmarks.dispatch_throughput` and :mod:`benchmarks.dispatch_clients`.
"""

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sqlalchemy import create_engine, insert, make_url, text

from benchmarks.alternate import alternate, middle
from benchmarks.dispatch_throughput import DELIVERIES, PREFIX, ROWS, Throughput, create, report
from benchmarks.latency import _once, _round, subscribed
from benchmarks.latency_models import Base, Ours
from demo.embedded import EmbeddedPostgres, EmbeddedRedis
from demo.rooms import temporary_room
from sa_notify.redis.connect import connect
from sa_notify.redis.keys import Keys
from tests.protocol import wait_for
from tests.service.dispatchers import Process
from tests.serving import serve

PARTS = ("throughput", "leg", "clients")


@contextmanager
def _servers() -> Iterator[tuple[EmbeddedPostgres, EmbeddedRedis]]:
    with ExitStack() as stack:
        postgres = stack.enter_context(EmbeddedPostgres(temporary_room("sa-notify-bench-")))
        yield postgres, stack.enter_context(EmbeddedRedis(temporary_room("sa-notify-bench-")))


@contextmanager
def _dispatcher(database_url: str, redis_url: str) -> Iterator[int]:
    """One that leads; its process."""
    log = temporary_room("sa-notify-bench-") / "dispatcher.log"
    dispatcher = Process(database_url, redis_url, PREFIX, Path(log))
    try:
        with connect(redis_url) as client:
            wait_for(lambda: client.exists(Keys(PREFIX).leader), "a dispatcher to lead")
        yield dispatcher.pid
    finally:
        dispatcher.end()


def throughput(rounds: int, changes: int) -> None:
    """Print a row for each size of statement."""
    with _servers() as (postgres, redis):
        engine = create_engine(postgres.url)
        create(engine, *DELIVERIES)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("CREATE DATABASE aside"))
        aside = create_engine(make_url(postgres.url).set(database="aside"))
        create(aside, "notify")
        with _dispatcher(postgres.url, redis.url) as pid:
            assert redis.child
            pids = {"dispatcher": pid, "redis": redis.child.pid}
            measuring = Throughput(engine, aside, redis.url, pids, changes)
            # the dispatcher has the tables captured within 5 s
            time.sleep(7)
            report(measuring, rounds)
            measuring.close()
        for each in (engine, aside):
            each.dispose()


def redis_leg(rounds: int, changes: int) -> None:
    """Print the way from commit to client without and with the dispatcher."""
    with _servers() as (postgres, redis), ExitStack() as stack:
        database_url, redis_url = postgres.url, redis.url
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
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}; medians of {options.rounds} rounds,")
    print(f"{options.changes:,} changes in a transaction, a worker that wants {ROWS:,} single rows\n")
    if "throughput" in options.only:
        throughput(options.rounds, options.changes)
    if "leg" in options.only:
        redis_leg(options.rounds, 200)
    print(flush=True)
    if "clients" in options.only:
        clients = [sys.executable, "-m", "benchmarks.dispatch_clients", "--rounds", str(options.rounds)]
        subprocess.run(clients, check=True)


if __name__ == "__main__":
    main()
