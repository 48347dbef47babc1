"""The three ways to wait on a source, so that one suite runs in each.

gevent replaces the standard library for the whole process: its suite runs in a process of its own
(``tests/source/test_gevent.py``), which sets ``SA_NOTIFY_TEST_COLOURS``.
"""

import asyncio
import functools
import os
import time
from collections.abc import Callable
from typing import Any, Protocol

from sa_notify.change import ChangeSet
from sa_notify.dispatch.follow import _readable
from sa_notify.source.base import Source
from sa_notify.web.runtimes import GeventRuntime, ThreadRuntime

DEADLINE = 30.0
COLOURS = os.environ.get("SA_NOTIFY_TEST_COLOURS", "threads,asyncio").split(",")


class Colour(Protocol):
    def call(self, function: Callable[[], Any]) -> Any: ...

    def readable(self, fileno: int, seconds: float) -> bool: ...


class _Threads:
    def __init__(self) -> None:
        self._runtime = ThreadRuntime()

    def call(self, function: Callable[[], Any]) -> Any:
        return self._runtime.call_apart(function)

    def readable(self, fileno: int, seconds: float) -> bool:
        return self._runtime.wait_readable(fileno, seconds)


class _Gevent(_Threads):
    def __init__(self) -> None:
        self._runtime = GeventRuntime()


class _Asyncio:
    def call(self, function: Callable[[], Any]) -> Any:
        return asyncio.run(asyncio.to_thread(function))

    def readable(self, fileno: int, seconds: float) -> bool:
        return asyncio.run(_readable(fileno, seconds))


_MAKERS: dict[str, Callable[[], Colour]] = {"threads": _Threads, "gevent": _Gevent, "asyncio": _Asyncio}


@functools.cache  # each GeventRuntime has threads of its own, whose hubs keep descriptors for good
def colour_named(name: str) -> Colour:
    return _MAKERS[name]()


class Reader:
    """Follows a source by its contract: open and ping beside the loop, wait only after an empty read."""

    def __init__(self, source: Source, colour: Colour) -> None:
        self.source = source
        self._colour = colour

    def open(self) -> str:
        self._colour.call(self.source.open)
        return self.source.epoch

    def call(self, function: Callable[[], Any]) -> Any:
        """Something else that must be done beside the loop."""
        return self._colour.call(function)

    def ping(self) -> list[ChangeSet]:
        return self._colour.call(self.source.ping)

    def until(self, enough: Callable[[list[ChangeSet]], bool]) -> list[ChangeSet]:
        """Read until there is enough; fails when there never is."""
        read: list[ChangeSet] = []
        deadline = time.monotonic() + DEADLINE
        while not enough(read):
            assert time.monotonic() < deadline, f"only this arrived: {read[-5:]}"
            read += self.source.read() or self._waited()
        return read

    def _waited(self) -> list[ChangeSet]:
        self._colour.readable(self.source.fileno(), 1.0)
        return []
