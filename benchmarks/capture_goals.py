"""What capture has to reach, whether it did, and why where it did not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks import capture_peers
from benchmarks.alternate import middle
from benchmarks.capture_results import Results
from benchmarks.capture_variants import CONSTANT, EMPTY, NONE, OURS
from benchmarks.capture_workloads import BULK, LOOPED, SINGLE, SOME, Workload

_SHARE, _BULK, _SOME = 0.85, 1.15, 2.0

_PROTECTED = "we compare every column, and no error of ours reaches the writer: a subtransaction"
_REASONS = {
    (SINGLE, capture_peers.PGPUBSUB): _PROTECTED,
    (LOOPED, capture_peers.PGPUBSUB): _PROTECTED,
    (SINGLE, capture_peers.PGEVENTS): "it sends an integer id alone; " + _PROTECTED,
    (LOOPED, capture_peers.PGEVENTS): "it sends an integer id alone; " + _PROTECTED,
    (SOME, capture_peers.PGEVENTS): "it sends an integer id alone, not which columns changed",
    (
        SINGLE,
        capture_peers.AUDIT,
    ): "it tells nobody: a stored row needs no lock of the whole cluster, a NOTIFY does",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One line: ``met`` decides it, ``reason`` says why where it is not met."""

    goal: str
    measured: str
    met: bool
    reason: str


def table(results: Results, workloads: Sequence[Workload]) -> str:
    """A row for each goal."""
    if OURS not in results.variants:
        return ""
    verdicts = [verdict for workload in workloads for verdict in _verdicts(results, workload)]
    lines = ["| goal | measured | | reason |", "|---|---|---|---|"]
    for verdict in verdicts:
        met, reason = ("pass", "") if verdict.met else ("FAIL", verdict.reason)
        lines.append(f"| {verdict.goal} | {verdict.measured} | {met} | {reason} |")
    return "\n".join(lines)


def _verdicts(results: Results, workload: Workload) -> Iterator[Verdict]:
    name = workload.name
    times = results.times(OURS, NONE, name)
    if workload.group == SINGLE and name.endswith(" 1 client"):
        goal = f"{name}: at least {_SHARE} of no trigger's tps"
        shares = [1 / each for each in results.each(OURS, NONE, name)]
        yield Verdict(goal, _spread(shares), 1 / times >= _SHARE, _floor(results, name))
    if workload.group == BULK and EMPTY in results.variants:
        yield _bulk(results, name)
    if workload.group == SOME:
        measured = _spread(results.each(OURS, NONE, name))
        yield Verdict(
            f"{name}: at most {_SOME} times no trigger", measured, times <= _SOME, _added(results, workload)
        )
    peers = [peer for peer in capture_peers.NAMES if peer in results.variants]
    if peers:
        yield _ahead(results, workload, peers)


def _bulk(results: Results, name: str) -> Verdict:
    each = results.each(OURS, EMPTY, name)
    goal = f"{name}: at most {_BULK} times an empty trigger"
    return Verdict(goal, _spread(each), middle(each) <= _BULK, "")


def _spread(ratios: Sequence[float]) -> str:
    """The median, and how far single rounds were from it."""
    least, most = min(ratios), max(ratios)
    return f"{middle(ratios):.2f}" + (f" ({least:.2f} to {most:.2f})" if len(ratios) > 1 else "")


def _added(results: Results, workload: Workload) -> str:
    rows = workload.changes / workload.commits / 1e6
    before = middle(results.seconds(NONE, workload.name)) / rows
    after = middle(results.seconds(OURS, workload.name)) / rows
    return f"{after - before:.2f} µs more for a row of {before:.2f} µs"


def _floor(results: Results, name: str) -> str:
    floors = {"an empty trigger": EMPTY, "one that sends a constant": CONSTANT}
    known = {told: variant for told, variant in floors.items() if variant in results.variants}
    reached = [
        f"{told} reaches {1 / results.times(variant, NONE, name):.2f}" for told, variant in known.items()
    ]
    return ", ".join(reached)


def _ahead(results: Results, workload: Workload, peers: Sequence[str]) -> Verdict:
    times = {peer: results.times(OURS, peer, workload.name) for peer in peers}
    lost = [peer for peer in peers if times[peer] >= 1]
    reasons = [f"{peer}: {_REASONS.get((workload.group, peer), 'not explained yet')}" for peer in lost]
    measured = ", ".join(f"{ratio:.2f} of {peer}" for peer, ratio in times.items())
    return Verdict(f"{workload.name}: less time than each peer", measured, not lost, "; ".join(reasons))
