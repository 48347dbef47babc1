"""A process of its own that a benchmark asks: a line of JSON each way."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

_ROOT = Path(__file__).parents[1]


class Missed(Exception):
    """Something did not come about; the message says what."""


class Child:
    """Runs a module whose ``main`` calls :func:`serve`; it ends with the block, or with this process.

    :param arguments: of its command line.
    """

    def __init__(self, module: str, *arguments: str) -> None:
        self._module = module
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    def tell(self, command: str, **details: Any) -> None:
        """Send a command; :meth:`answer` gives what came of it."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps([command, details]) + "\n")
        self._process.stdin.flush()

    def answer(self) -> Any:
        """What came of the command told first.

        :raises Missed: when it says that something did not come about, or has ended.
        """
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise Missed(f"{self._module} ended with status {self._process.wait()}; its error is above")
        missed, found = json.loads(line)
        if missed:
            raise Missed(missed)
        return found

    def ask(self, command: str, **details: Any) -> Any:
        """Send a command and wait for what comes of it."""
        self.tell(command, **details)
        return self.answer()


def serve(commands: Mapping[str, Callable[..., Any]]) -> None:
    """Answer commands until standard input ends; other greenlets run meanwhile."""
    import gevent

    threads = gevent.get_hub().threadpool
    while line := threads.apply(sys.stdin.readline):
        command, details = json.loads(line)
        try:
            answer = [None, commands[command](**details)]
        except Missed as missed:
            answer = [str(missed), None]
        print(json.dumps(answer), flush=True)


def wait_until(condition: Callable[[], bool], seconds: float, what: Callable[[], str]) -> None:
    """Wait in a greenlet.

    :param what: says what did not come about.
    :raises Missed: when it is not so after ``seconds``.
    """
    import gevent

    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Missed(f"{what()} after {seconds:.0f} s")
        gevent.sleep(0.005)
