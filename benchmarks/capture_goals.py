"""What capture has to reach, whether it did, and why where it did not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks import capture_peers
from benchmarks.capture_results import Results
from benchmarks.capture_variants import CONSTANT, EMPTY, NONE, OURS
from benchmarks.capture_workloads import BULK, SINGLE, SOME, Workload

_SHARE, _BULK, _SOME = 0.85, 1.15, 2.0


@dataclass(frozen=True, slots=True)
class Verdict:
    goal: str
    measured: str
    met: bool
    reason: str = ""


def table(results: Results, workloads: Sequence[Workload]) -> str:
    """A row for each goal."""
    if OURS not in results.variants:
        return ""
    lines = ["| goal | measured | | reason |", "|---|---|---|---|"]
    for workload in workloads:
        for verdict in _verdicts(results, workload):
            met = "pass" if verdict.met else "FAIL"
            lines.append(f"| {verdict.goal} | {verdict.measured} | {met} | {verdict.reason} |")
    return "\n".join(lines)


def _verdicts(results: Results, workload: Workload) -> Iterator[Verdict]:
    name = workload.name
    against_none = results.times(OURS, NONE, name)
    if workload.group == SINGLE and name.endswith("1 client"):
        met = 1 / against_none >= _SHARE
        reason = "" if met else _floor(results, name)
        yield Verdict(
            f"{name}: at least {_SHARE} of no trigger's tps", f"{1 / against_none:.2f}", met, reason
        )
    if workload.group == BULK and EMPTY in results.variants:
        times = results.times(OURS, EMPTY, name)
        yield Verdict(f"{name}: at most {_BULK} times an empty trigger", f"{times:.2f}", times <= _BULK)
    if workload.group == SOME:
        yield Verdict(
            f"{name}: at most {_SOME} times no trigger", f"{against_none:.2f}", against_none <= _SOME
        )
    for peer in capture_peers.NAMES:
        if peer in results.variants:
            yield _ahead(results, workload, peer)


def _floor(results: Results, name: str) -> str:
    if CONSTANT not in results.variants:
        return ""
    share = 1 / results.times(CONSTANT, NONE, name)
    return f"NOTIFY's own floor: a trigger that only sends a constant reaches {share:.2f}"


def _ahead(results: Results, workload: Workload, peer: str) -> Verdict:
    times = results.times(OURS, peer, workload.name)
    reason = "" if times < 1 else _REASONS.get((workload.group, peer), "not explained yet")
    return Verdict(f"{workload.name}: less time than {peer}", f"{times:.2f} of its", times < 1, reason)


_REASONS: dict[tuple[str, str], str] = {}
