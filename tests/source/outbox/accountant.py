"""A process that follows the counters in several threads, and accounts for what each was told.

It writes a line when the table stands for all of them. What the table holds in the end comes as a line of
JSON; each thread reads until it was told of that, and its faults go out as another.
"""

import json
import os
import select
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, cast

from sqlalchemy import create_engine

from sa_notify.source.connect import listen_connect
from sa_notify.source.outbox.source import OutboxSource, Wake
from tests.source.outbox.counters import TABLE, Account

_ROOT = Path(__file__).parents[3]
_SECONDS = 20.0


class Accountant:
    """The process, as the test sees it."""

    def __init__(self, url: str, *wakes: Wake) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-m", __name__, url, *wakes],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(_ROOT)},
        )

    def begins(self) -> None:
        """Wait until the table stands for all its threads."""
        assert cast("Any", self._child.stdout).readline() == "stands\n"

    def faults(self, expected: dict[str, int]) -> list[dict[str, int]]:
        """What each thread missed, was told twice or in another order."""
        told, _ = self._child.communicate(json.dumps(expected) + "\n", timeout=2 * _SECONDS)
        assert self._child.returncode == 0
        found: list[dict[str, int]] = json.loads(told)
        return found

    def close(self) -> None:
        self._child.kill()
        self._child.communicate()


class _Thread(threading.Thread):
    """Follows with a source of its own.

    :ivar expected: the latest versions, once they are known.
    """

    def __init__(self, url: str, wake: Wake) -> None:
        super().__init__()
        self.account, self.standing = Account(), threading.Event()
        self.expected: dict[str, int] | None = None
        self._source = OutboxSource(listen_connect(create_engine(url)), wake)

    def run(self) -> None:
        self._source.open()
        while self._source.take([TABLE]) != {TABLE}:
            pass
        self._source.keep([TABLE])
        self.standing.set()
        deadline = float("inf")
        while self.expected is None or self.account.latest != self.expected:
            self.account.add(self._source.read() or self._waited())
            deadline = deadline if self.expected is None else min(deadline, time.monotonic() + _SECONDS)
            assert time.monotonic() < deadline, "not every last version was heard"
        self._source.close()

    def _waited(self) -> list[Any]:
        select.select([self._source.fileno()], [], [], 0.05)
        return []


def main(url: str, *wakes: str) -> None:
    threads = [_Thread(url, cast("Wake", wake)) for wake in wakes]
    for thread in threads:
        thread.daemon = True
        thread.start()
    for thread in threads:
        if not thread.standing.wait(_SECONDS):
            raise SystemExit("the table does not stand")
    sys.stdout.write("stands\n")
    sys.stdout.flush()
    expected = json.loads(sys.stdin.readline())
    for thread in threads:
        thread.expected = expected
    for thread in threads:
        thread.join(2 * _SECONDS)
    sys.stdout.write(json.dumps([thread.account.faults() for thread in threads]))


if __name__ == "__main__":
    main(*sys.argv[1:])
