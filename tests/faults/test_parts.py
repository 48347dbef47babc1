"""Parts of the fault lane that a run without violations does not show to work."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from tests.faults.clock import Clock
from tests.faults.delays import Delays
from tests.faults.known import Known
from tests.faults.published import Published
from tests.faults.truth import deadlocks

_LOG = """\
2026-11-28 04:23:26.802 UTC [19977] ERROR:  deadlock detected
2026-11-28 04:23:26.802 UTC [19977] DETAIL:  Process 19977 waits for ShareLock; blocked by 1.
\tProcess 19977: UPDATE items SET done = true
\tProcess 1: SELECT items.id
\tFROM items
2026-11-28 04:23:26.802 UTC [19977] HINT:  See server log for query details.
2026-11-28 04:23:31.665 UTC [20780] ERROR:  deadlock detected
2026-11-28 04:23:31.665 UTC [20780] DETAIL:  Process 20780 waits.
2026-11-28 04:23:31.665 UTC [20780] HINT:  See server log for query details.
"""


def test_deadlocks_are_found_in_the_log() -> None:
    """Each with the statements of both."""
    first, second = deadlocks(_LOG)
    assert "UPDATE items" in first and first.endswith("FROM items")
    assert second == "Process 20780 waits."


def test_a_wall_clock_can_be_moved(tmp_path: Path) -> None:
    """That of a process which is started so, back and forth; what only counts on goes on."""
    clock = Clock(tmp_path / "clock")
    asked = "import time\nwhile input() != 'end': print(time.time(), time.monotonic(), flush=True)"
    with subprocess.Popen(
        [sys.executable, "-c", asked],
        env=clock.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdin is not None and child.stdout is not None
        for moved in (0.0, 3600.0, -3600.0, 0.0):
            clock.move(moved)
            print(file=child.stdin, flush=True)
            wall, counted = map(float, child.stdout.readline().split())
            assert abs(wall - time.time() - moved) < 60 and abs(counted - time.monotonic()) < 60
        print("end", file=child.stdin, flush=True)


def _changeset(epoch: str, position: int, xid: int, *rows: tuple[int, int]) -> dict[str, Any]:
    changes = [{"table": "t", "op": "update", "key": [str(key)], "values": value} for key, value in rows]
    return {"epoch": epoch, "position": position, "xid": str(xid), "changes": changes}


def _published(*entries: tuple[str, int, dict[str, Any]]) -> list[str]:
    published = Published()
    for feed, at, changeset in entries:
        published.take(feed, at, "changes", [changeset])
    published.end()
    return published.violations


def test_what_two_publishers_say_is_noticed() -> None:
    """Another transaction, or something else of a row, in one position; an epoch that outlives another."""
    one, other = _changeset("e", 1, 7, (1, 1), (2, 2)), _changeset("e", 1, 7, (2, 2), (3, 3))
    later = _changeset("f", 1, 8, (1, 1))
    assert _published(("a", 1, one), ("b", 1, other), ("a", 2, later), ("b", 3, later)) == []
    assert _published(("a", 1, one), ("a", 2, _changeset("e", 1, 8, (4, 4)))) == [
        "('e', 1) is of several transactions"
    ]
    assert _published(("a", 1, one), ("b", 1, _changeset("e", 1, 7, (2, 0)))) == [
        "('e', 1) says different things of a row"
    ]
    assert _published(("a", 1, one), ("a", 2, later), ("b", 3, other)) == [
        "epoch e goes on although another has begun"
    ]


def test_writers_that_wait_are_noticed() -> None:
    """A twentieth is allowed, and what the machine does by itself."""
    assert not Delays(0.010, 0.0204).too_long(1.0)
    assert Delays(0.010, 0.0206).too_long(1.0)
    assert not Delays(0.010, 0.0206).too_long(2.0)


def test_what_a_function_of_ours_raises_is_no_excuse(engine: Engine) -> None:
    """A writer's own mistake is known; the same inside something of ours is not."""
    known = Known("42703", "price")
    body = "BEGIN PERFORM price FROM pg_class; END"
    with engine.begin() as connection:
        connection.execute(text(f"CREATE FUNCTION sa_notify_x() RETURNS void LANGUAGE plpgsql AS '{body}'"))
    for statement, explained in (("SELECT price FROM pg_class", True), ("SELECT sa_notify_x()", False)):
        with engine.connect() as connection, pytest.raises(DBAPIError) as raised:
            connection.execute(text(statement))
        assert isinstance(raised.value.orig, psycopg2.errors.UndefinedColumn)
        assert known.explains(raised.value) is explained
