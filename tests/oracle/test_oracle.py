"""Whatever is written, every window equals its SELECT: a short run; `make oracle SIZE=60` is a long one."""

from typing import Any

import pytest

from tests.oracle.lane import DELIVERIES, Report, examples, replay, run
from tests.oracle.script import SMALL

SEED = 4


def _fail_of(report: Report) -> None:
    if report.differences:
        told = [f"{what}\n{script}" for what, script in report.differences]
        pytest.fail("\n".join([*told, *report.lines()]), pytrace=False)


@pytest.mark.parametrize(("name", "script"), examples().items(), ids=list(examples()))
def test_what_once_failed(pg_server: str, name: str, script: dict[str, Any]) -> None:
    """Scripts that found something are played again, whichever way the changes travel."""
    assert replay(pg_server, script, DELIVERIES) == []


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_windows_equal_sql(pg_server: str, delivery: str) -> None:
    """Random queries, random transactions; at rest each window, made of frames alone, is its SELECT."""
    report = run(pg_server, SEED, scripts=4, size=SMALL, deliveries=[delivery], patience=1)
    _fail_of(report)
    # else nothing was proven
    assert report.seen.counts["windows compared"] > 500
    assert report.seen.counts["commits"] > 60
    assert report.seen.verdicts["read"] > 50
    assert report.seen.verdicts["skipped"] > 10
    assert report.seen.verdicts["patched"] > 0
    assert delivery != "notify" or report.seen.counts["looks"] > 20
