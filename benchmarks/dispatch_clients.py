"""How many clients one worker serves until p99 from commit to client is twice that of ten.

One gevent worker behind a dispatcher, one list that all look at; sizes grow until p99 is four times the
first. ``benchmarks.dispatch`` runs it as a process of its own, since gevent replaces the sockets of it.
"""

# ruff: noqa: E402
from gevent import monkey

monkey.patch_all()

import argparse
import statistics
from contextlib import ExitStack
from itertools import count

from sqlalchemy import Engine, create_engine, insert

from benchmarks.crowd import _round
from benchmarks.latency_models import Base, Ours
from demo.embedded import EmbeddedPostgres, EmbeddedRedis
from demo.rooms import temporary_room
from tests.service.dispatchers import Process
from tests.serving import serve

SIZES = (10, 20, 50, 100, 200, 500, 1000, 2000)
PREFIX = "bench"


def run(url: str, engine: Engine, sizes: list[int], rounds: int, changes: int) -> None:
    """Print a row for each size, and where p99 is twice the first."""
    marks, first, doubled = count(1), 0.0, None
    print("| clients of one worker | p50 ms | p99 ms | times the first |")
    print("|---|---|---|---|")
    for size in sizes:
        found = [_round(url, engine, "sa_notify", size, changes, marks)[:2] for _ in range(rounds)]
        p50, p99 = (statistics.median(values) for values in zip(*found, strict=True))
        first = first or p99
        print(f"| {size} | {p50:.1f} | {p99:.1f} | {p99 / first:.1f} |", flush=True)
        if doubled is None and p99 > 2 * first:
            doubled = size
        if p99 > 4 * first:
            break
    print(f"\np99 is twice that of {sizes[0]} clients at {doubled or f'more than {sizes[-1]}'}")


def main() -> None:
    """Measure, on embedded servers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--changes", type=int, default=10, help="changes in a round")
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
        run(url, engine, options.sizes, options.rounds, options.changes)


if __name__ == "__main__":
    main()
