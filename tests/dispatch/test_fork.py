"""A server that forks its workers: each follows on a connection of its own, or on none."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

_ROOT = Path(__file__).parents[2]


def _forked(colour: str, url: str, started: str) -> dict[str, Any]:
    # a process with threads is warned about forking, which is the point here
    command = [sys.executable, "-W", "ignore", "-m", "tests.dispatch.forking", colour, url, started]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    seen: dict[str, Any] = json.loads(done.stdout)
    assert seen["child"] is not None, done.stderr[-3000:]
    return seen


@pytest.mark.parametrize("colour", ["threads", "gevent"])
def test_a_parent_that_has_not_started(colour: str, database_url: str) -> None:
    """A parent holds no connection before it starts; its child starts one of its own."""
    seen = _forked(colour, database_url, "unstarted")

    assert seen["before"] == 0
    assert seen["child"] == {"before": 0, "following": 1, "keys": ["from the child"]}
    assert seen["parent"] == {"epochs": 1, "losses": 0, "keys": ["afterwards"]}


@pytest.mark.parametrize("colour", ["threads", "gevent"])
def test_a_parent_that_follows(colour: str, database_url: str) -> None:
    """A child takes nothing from its parent's connection, and its end does not break it."""
    seen = _forked(colour, database_url, "started")

    assert seen["child"] == {"before": 1, "following": 2, "keys": ["from the child"]}
    assert seen["parent"] == {"epochs": 1, "losses": 0, "keys": ["from the child", "afterwards"]}
