"""Threads and waiting that stay native where gevent has replaced the standard library."""

import importlib
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any


def native(module: str, name: str) -> Any:
    """What the standard library calls so, whatever gevent put in its place."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None:
        return getattr(importlib.import_module(module), name)
    return monkey.get_original(module, name)


class NativeThread:
    """One thread of the operating system. The process does not wait for it when it ends.

    :param target: must not raise.
    """

    def __init__(self, target: Callable[[], None]) -> None:
        self._target = target
        self._running = native("_thread", "allocate_lock")()

    def start(self) -> None:
        """Begin."""
        self._running.acquire()
        try:
            native("_thread", "start_new_thread")(self._run, ())
        except BaseException:
            self._running.release()
            raise

    def join(self, seconds: float) -> bool:
        """Wait until it has ended; whether it has."""
        if ended := self._running.acquire(timeout=seconds):
            self._running.release()
        return bool(ended)

    def _run(self) -> None:
        try:
            self._target()
        finally:
            _free_hub()
            self._running.release()


def _free_hub() -> None:
    """Give back what gevent has opened for this thread: two descriptors, if a driver or socket waited by it.

    gevent asks for it of whoever ends a thread (``gevent.hub.Hub.destroy``).
    """
    if gevent := sys.modules.get("gevent"):
        with suppress(Exception):  # as when the interpreter ends
            gevent.get_hub().destroy(destroy_loop=True)


class Guard:
    """A lock for what native threads share.

    A forked child, in which nobody would ever give it back, passes freely: it has one thread.
    """

    def __init__(self) -> None:
        self._lock = native("_thread", "allocate_lock")()
        self._pid = os.getpid()

    def __enter__(self) -> None:
        if self._pid == os.getpid():
            self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        if self._pid == os.getpid():
            self._lock.release()


class Signal:
    """Wakes one native thread that waits; remembered while nobody does."""

    def __init__(self) -> None:
        self._unset = native("_thread", "allocate_lock")()
        self._unset.acquire()
        self._guard = native("_thread", "allocate_lock")()

    def set(self) -> None:
        """Wake it; from any thread."""
        with self._guard:
            if self._unset.locked():
                self._unset.release()

    def wait(self, seconds: float) -> bool:
        """Until :meth:`set`, whose mark is taken away: ``True``; ``False`` after ``seconds``."""
        return bool(self._unset.acquire(timeout=seconds))
