"""Delivery by the outbox beside NOTIFY: what a slow disk makes of it, how late it is, how fast it is read.

Variants have copies of one database and are measured in turns; medians of all rounds are printed.
"""

import argparse
import os
from collections.abc import Callable, Sequence

from benchmarks import capture_report, delivery_latency, delivery_reading
from benchmarks.alternate import alternate, middle
from benchmarks.capture import run as run_capture
from benchmarks.capture_server import Databases, server
from benchmarks.capture_site import Site
from benchmarks.capture_table import UPDATE_ONE
from benchmarks.capture_variants import NONE, OURS, UNWATCHED, WATCHED, own
from benchmarks.capture_workloads import SINGLE, Scale, Workload, pgbench

#: A flush of 2 ms, whatever the disk: the first of a group waits so long before it flushes.
SLOW_DISK = "-c commit_delay=2000 -c commit_siblings=0"


def slow_disk(rows: int, transactions: int) -> list[Workload]:
    """Single-row updates while each flush takes 2 ms."""
    found = []
    for clients in (1, 8, 64):
        each = max(1, transactions // (64 // min(clients, 8)))
        name = f"UPDATE of one row, 2 ms flush, {clients} client{'s' if clients > 1 else ''}"
        run = pgbench(UPDATE_ONE, clients, each, rows, SLOW_DISK)
        found.append(Workload(name, SINGLE, run, each * clients, each * clients))
    return found


def latencies(databases: Databases, rounds: int, changes: int) -> str:
    """From COMMIT sent to handler called, of a writer in this process."""
    variants = {variant.name: variant for variant in own() if variant.name in (OURS, WATCHED)}
    sites = {
        name: Site(variant, databases.copy(100 + number))
        for number, (name, variant) in enumerate(variants.items())
    }
    tasks = {task.name: task for task in delivery_latency.tasks(changes)}
    found = alternate(
        list(sites),
        list(tasks),
        rounds,
        lambda name, task: delivery_latency.measure(sites[name], tasks[task]),
        begin=_told(rounds),
    )
    lines = [capture_report.row(["COMMIT sent to handler, ms", *(f"{n}: p50 | p99" for n in sites)])]
    lines.append("|---" + "|---:|---:" * len(sites) + "|")
    for task in tasks:
        cells = [
            f"{middle([figures[task][n] for figures in found[name]]):.2f}" for name in sites for n in (0, 1)
        ]
        lines.append(capture_report.row([task, *cells]))
    return "\n".join(lines)


def _told(rounds: int) -> Callable[[int], None]:
    return lambda number: print(f"round {number} of {rounds}, load {os.getloadavg()[0]:.1f}", flush=True)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="an installed PostgreSQL, as a superuser; by default an embedded one")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=20_000, help="rows of the table")
    parser.add_argument("--transactions", type=int, default=4_000, help="of 64 clients, in one round")
    parser.add_argument("--changes", type=int, default=500, help="whose latency is measured, in one round")
    parser.add_argument("--quick", action="store_true", help="see that it runs: sizes too small to mean much")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print tables in Markdown."""
    options = _options(arguments)
    if options.quick:
        options.rounds, options.rows, options.transactions, options.changes = 1, 2_000, 128, 20
    chosen = slow_disk(options.rows, options.transactions)
    variants = [variant for variant in own() if variant.name in (NONE, OURS, UNWATCHED, WATCHED)]
    with server(options.url) as url, Databases(url, options.rows) as databases:
        print(capture_report.heading(databases.settings(), Scale(rows=options.rows), options.rounds))
        print(latencies(databases, options.rounds, options.changes), "\n", flush=True)
        print(delivery_reading.table(), "\n", flush=True)
        results = run_capture(databases, variants, chosen, options.rounds)
        print(capture_report.shares(results, chosen))


if __name__ == "__main__":
    main()
