"""Whatever is written, every window equals its SELECT: a short run; `make oracle SIZE=60` is a long one."""

import random
from collections import Counter
from typing import Any

import pytest

from tests.oracle.features import NAMES, features
from tests.oracle.lane import DELIVERIES, SCRIPTS, Report, drawn, examples, replay, run
from tests.oracle.script import SMALL, schema_of

SEED = 4


def _fail_of(report: Report) -> None:
    if report.differences:
        told = [f"{what}\n{script}" for what, script in report.differences]
        pytest.fail("\n".join([*told, *report.lines()]), pytrace=False)


@pytest.mark.parametrize(("name", "script"), examples().items(), ids=list(examples()))
def test_what_once_failed(pg_server: str, name: str, script: dict[str, Any]) -> None:
    """Scripts that found something are played again, whichever way the changes travel."""
    assert replay(pg_server, script, DELIVERIES) == []


def test_everything_is_drawn() -> None:
    """Types, operators, joins, orders, pages, groups, writes, comings and goings."""
    found = Counter[str]()
    for number in range(12):
        schema = schema_of(random.Random(number))
        drawn(schema, SMALL, number, lambda script: found.update(features(script)), count=SCRIPTS)
    assert NAMES - found.keys() == set()


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_windows_equal_sql(pg_server: str, delivery: str) -> None:
    """Random queries, random transactions; at rest each window, made of frames alone, is its SELECT."""
    report = run(pg_server, SEED, scripts=SCRIPTS, size=SMALL, deliveries=[delivery], patience=1)
    _fail_of(report)
    # else nothing was proven
    assert report.seen.counts["windows compared"] > 500
    assert report.seen.counts["commits"] > 60
    assert report.seen.verdicts["read"] > 50
    assert report.seen.verdicts["skipped"] > 10
    assert report.seen.verdicts["patched"] > 0
    assert delivery != "notify" or report.seen.counts["looks"] > 20
    assert report.seen.verdicts["counted"] > 0 or delivery == "notify"  # whose messages carry no values
    assert report.seen.counts["skips audited"] > 100
