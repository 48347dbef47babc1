"""The tables, in Markdown."""

import os
import platform
from collections.abc import Callable, Iterable, Sequence

from benchmarks import capture_goals, capture_peers
from benchmarks.capture_results import Results
from benchmarks.capture_variants import NONE
from benchmarks.capture_workloads import SINGLE, Scale, Workload


def heading(settings: str, scale: Scale, rounds: int) -> str:
    """Where and how it was measured."""
    return (
        f"{os.cpu_count()} cores, {_memory()} GB, {platform.machine()}, Python {platform.python_version()}; "
        f"clients, listener and server share them\n"
        f"{settings}\n"
        f"{capture_peers.versions()}\n"
        f"medians of {rounds} round{'s' if rounds > 1 else ''}; table of {scale.rows:,} rows\n"
    )


def _memory() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9)


def tables(results: Results, workloads: Sequence[Workload]) -> str:
    """Throughput, times, WAL, messages and goals."""
    single = [workload for workload in workloads if workload.group == SINGLE]
    others = [workload for workload in workloads if workload.group != SINGLE]
    parts = [
        _table("share of no trigger's tps, more is better", results, single, _share(results)),
        _table("times of no trigger, less is better", results, others, _times(results)),
        _table("WAL bytes of a changed row", results, workloads, _figure(results, "wal", "{:,.0f}")),
        _table(
            "NOTIFY messages of a transaction", results, workloads, _figure(results, "messages", "{:,.6g}")
        ),
        _table("their bytes", results, workloads, _figure(results, "size", "{:,.0f}")),
        capture_goals.table(results, workloads),
    ]
    return "\n\n".join(part for part in parts if part)


def shares(results: Results, workloads: Sequence[Workload]) -> str:
    """Throughput alone."""
    return _table("share of no trigger's tps, more is better", results, workloads, _share(results))


def row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _table(
    title: str, results: Results, workloads: Sequence[Workload], cell: Callable[[str, Workload], str]
) -> str:
    if not workloads:
        return ""
    variants = results.variants
    lines = [row([title, *variants]), f"|---{'|---:' * len(variants)}|"]
    lines += [row([work.name, *(cell(variant, work) for variant in variants)]) for work in workloads]
    return "\n".join(lines)


def _share(results: Results) -> Callable[[str, Workload], str]:
    def cell(variant: str, workload: Workload) -> str:
        if variant == NONE:
            return f"{1 / results.figure(variant, workload.name, 'seconds'):,.0f}/s"
        return f"{1 / results.times(variant, NONE, workload.name):.2f}"

    return cell


def _times(results: Results) -> Callable[[str, Workload], str]:
    def cell(variant: str, workload: Workload) -> str:
        if variant == NONE:
            return f"{results.figure(variant, workload.name, 'seconds') * 1000:,.4g} ms"
        return f"{results.times(variant, NONE, workload.name):.2f}"

    return cell


def _figure(results: Results, name: str, form: str) -> Callable[[str, Workload], str]:
    return lambda variant, workload: form.format(results.figure(variant, workload.name, name))
