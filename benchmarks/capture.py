"""What capture costs the writer, beside no trigger, the floors and the triggers of other packages.

Every variant has a copy of the same database. In each round every variant is measured once, in an order
that rotates; ratios are of one round, and medians of all rounds are printed.
"""

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import replace

from benchmarks import capture_peers, capture_report
from benchmarks.alternate import alternate
from benchmarks.capture_ear import Ear
from benchmarks.capture_results import Results, Sample
from benchmarks.capture_server import Databases, server
from benchmarks.capture_site import Site
from benchmarks.capture_variants import NONE, Variant, own
from benchmarks.capture_workloads import Scale, Workload, workloads

_QUICK = Scale(rows=2_000, transactions=40, some=90, repeats=3, looped=100, clients=(1, 2))


def measure(site: Site, workload: Workload, ear: Ear) -> Sample:
    """One workload on a table like new, in a new session."""
    with site.turn(ear):
        site.restore()
        ear.count(site.cursor)
        before = site.wal()
        seconds = workload.run(site)
        wal = site.wal() - before
        heard = ear.count(site.cursor)
    return Sample(
        seconds=seconds,
        wal=wal / workload.changes,
        messages=heard.messages / workload.commits,
        size=heard.size / workload.commits,
    )


def run(
    databases: Databases, variants: Sequence[Variant], chosen: Sequence[Workload], rounds: int
) -> Results:
    """Measure all of it."""
    sites = {variant.name: Site(variant, databases.copy(number)) for number, variant in enumerate(variants)}
    tasks = {workload.name: workload for workload in chosen}
    with Ear() as ear:
        return Results(
            alternate(
                list(sites),
                list(tasks),
                rounds,
                lambda name, task: measure(sites[name], tasks[task], ear),
                begin=_told(rounds),
            )
        )


def _told(rounds: int) -> Callable[[int], None]:
    def begin(number: int) -> None:
        print(f"round {number} of {rounds}, load {os.getloadavg()[0]:.1f}", flush=True)

    return begin


def _matching(words: str, text: str) -> bool:
    return not words or any(word.strip().lower() in text.lower() for word in words.split(","))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="an installed PostgreSQL, as a superuser; by default an embedded one")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, help="rows of the table and of a bulk statement")
    parser.add_argument("--transactions", type=int, help="transactions of one client in a round")
    parser.add_argument("--only", default="", help="workloads whose names have one of these, after commas")
    parser.add_argument("--variants", default="", help="variants likewise; no trigger is always there")
    parser.add_argument("--quick", action="store_true", help="see that it runs: sizes too small to mean much")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print tables in Markdown."""
    options = _options(arguments)
    scale = _QUICK if options.quick else Scale()
    given = {name: getattr(options, name) for name in ("rows", "transactions") if getattr(options, name)}
    scale = replace(scale, **given)
    chosen = [workload for workload in workloads(scale) if _matching(options.only, workload.name)]
    variants = [
        variant
        for variant in [*own(), *capture_peers.installed()]
        if variant.name == NONE or _matching(options.variants, variant.name)
    ]
    rounds = 1 if options.quick else options.rounds
    with server(options.url) as url, Databases(url, scale.rows) as databases:
        print(capture_report.heading(databases.settings(), scale, rounds))
        results = run(databases, variants, chosen, rounds)
        print(capture_report.tables(results, chosen))


if __name__ == "__main__":
    main()
