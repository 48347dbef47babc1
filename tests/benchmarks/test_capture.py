"""The benchmark of capture runs to its end, takes fair turns and judges honestly."""

import pytest

from benchmarks.alternate import alternate, ratios
from benchmarks.capture import main
from benchmarks.capture_goals import table
from benchmarks.capture_peers import PGEVENTS
from benchmarks.capture_results import Results, Sample
from benchmarks.capture_variants import CONSTANT, EMPTY, NONE, OURS
from benchmarks.capture_workloads import Scale, Workload, workloads


def test_a_quick_run_prints_ratios_messages_and_goals(
    pg_server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run on an installed server measures each variant and counts the messages of a statement."""
    main(
        [
            "--quick",
            "--url",
            pg_server,
            "--variants",
            "constant, sa_notify notify",
            "--only",
            "1 client, 90 rows",
        ]
    )
    lines = capsys.readouterr().out.splitlines()
    counted = lines[next(n for n, line in enumerate(lines) if line.startswith("| NOTIFY messages")) :]
    assert "| UPDATE of one row, 1 client | 0 | 1 | 1 | 1 |" in counted
    assert "| DELETE of 90 rows | 0 | 1 | 1 | 2 |" in counted
    assert [line for line in counted if line.startswith("| UPDATE of 90 rows: at most 2.0 times")]


def test_every_variant_is_first_in_turn() -> None:
    """Over the rounds each variant is measured at each place, with all others beside it."""
    order: list[tuple[str, str]] = []

    def measure(name: str, task: str) -> int:
        order.append((name, task))
        return len(order)

    found = alternate(["a", "b", "c"], ["write"], 3, measure, begin=lambda _: None)
    assert [name for name, _ in order] == ["a", "b", "c", "b", "c", "a", "c", "a", "b"]
    assert found["b"] == [{"write": 2}, {"write": 4}, {"write": 9}]


def test_a_ratio_is_of_its_own_round() -> None:
    """A round in which the whole machine was slow changes no ratio."""
    assert ratios([2.0, 20.0, 3.0], [1.0, 10.0, 1.0]) == [2.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("ours", "verdict"),
    [(1.1, "| 0.91 | pass |  |"), (1.3, "| 0.77 | FAIL | an empty trigger reaches 0.95, one that sends")],
)
def test_a_goal_missed_says_why(ours: float, verdict: str) -> None:
    """The goal for one row at one client passes at 0.85 of the tps, and a miss names the floors."""
    (single,) = _named("UPDATE of one row, 1 client")
    results = _results(single, {NONE: 1.0, EMPTY: 1.05, CONSTANT: 1.2, OURS: ours})
    assert verdict in table(results, [single])


def test_a_lost_race_carries_its_reason() -> None:
    """Where a peer needs less time the line fails and says what the peer leaves out."""
    (single,) = _named("UPDATE of one row, 8 clients")
    results = _results(single, {NONE: 1.0, OURS: 2.0, PGEVENTS: 1.9})
    (line,) = table(results, [single]).splitlines()[2:]
    assert f"1.05 of {PGEVENTS} | FAIL | {PGEVENTS}: it sends an integer id alone" in line


def _named(name: str) -> list[Workload]:
    return [workload for workload in workloads(Scale()) if workload.name == name]


def _results(workload: Workload, seconds: dict[str, float]) -> Results:
    sample = {name: [{workload.name: Sample(took, 0, 0, 0)}] for name, took in seconds.items()}
    return Results(sample)
