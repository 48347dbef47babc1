"""Parts of the fault lane that a run without violations does not show to work."""

import subprocess
import sys
import time
from pathlib import Path

import psycopg2
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from tests.faults.clock import Clock
from tests.faults.known import Known
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
