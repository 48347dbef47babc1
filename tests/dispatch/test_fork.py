"""A server that forks its workers: each follows on a connection of its own, or on none."""

import contextlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from sa_notify.dispatch.embedded import EmbeddedDispatcher
from sa_notify.source.connect import listen_connect
from sa_notify.source.notify import NotifySource
from sa_notify.web.runtimes import ThreadRuntime
from tests.dispatch.following import Recorder, wait_until
from tests.source.announcing import announce, plain

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


class _Watched(ThreadRuntime):
    """Knows which tasks have ended."""

    def __init__(self) -> None:
        super().__init__()
        self.ended: list[str] = []

    def spawn(self, function: Any, *args: Any) -> None:
        super().spawn(self._watch, function, *args)

    def _watch(self, function: Any, *args: Any) -> None:
        function(*args)
        self.ended.append(function.__name__)


def test_a_task_that_a_fork_copied_touches_nothing(engine: Engine) -> None:
    """Gevent copies tasks into a child: there they end without reading, closing or telling anything."""
    pid, recorder, runtime = [1], Recorder(), _Watched()
    source = NotifySource(listen_connect(engine))
    dispatcher = EmbeddedDispatcher(source, recorder, runtime, getpid=lambda: pid[0])
    dispatcher.ensure_started()
    wait_until(lambda: recorder.following, "an epoch")
    pid[0] = 2
    with contextlib.closing(plain(engine)) as writer:
        announce(writer, "for the parent")
    wait_until(lambda: "_run" in runtime.ended, "the end of the copied task")

    assert (len(recorder.epochs), recorder.losses, recorder.changesets) == (1, 0, [])
    assert [c.key[0] for found in source.read() for c in found.changes if c.key] == ["for the parent"]
    source.close()
