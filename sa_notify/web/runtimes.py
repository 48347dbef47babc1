"""The two colours that Flask-SocketIO runs in."""

import heapq
import itertools
import logging
import os
import select
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from sa_notify.dispatch.runtime import Runtime
from sa_notify.errors import SetupError

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: Reads that run at a time: fewer than the five connections that a pool of SQLAlchemy keeps.
READERS = 4


def runtime_for(async_mode: str) -> Runtime:
    """The runtime that goes with Flask-SocketIO's ``async_mode``.

    In a process whose threads gevent has replaced, that is gevent whatever the mode says: "threads"
    are greenlets there, and a blocking call would stop them all.

    :raises SetupError: for a mode that sa_notify does not run in.
    """
    if async_mode in ("gevent", "gevent_uwsgi") or (async_mode == "threading" and _threads_are_greenlets()):
        return GeventRuntime()
    if async_mode == "threading":
        return ThreadRuntime()
    raise SetupError(f"async_mode={async_mode!r} is not served: use SocketIO(app, async_mode='gevent')")


def _threads_are_greenlets() -> bool:
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("threading"))


class ThreadRuntime:
    """Tasks are daemon threads."""

    def __init__(self) -> None:
        self._reading = threading.BoundedSemaphore(READERS)
        self._alarm = _Alarm(self.spawn)

    def spawn(self, function: Callable[..., Any], *args: Any) -> None:
        threading.Thread(target=_logged, args=(function, *args), daemon=True).start()

    def call(self, function: Callable[..., T], *args: Any) -> T:
        with self._reading:
            return function(*args)

    def call_apart(self, function: Callable[..., T], *args: Any) -> T:
        return function(*args)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def monotonic(self) -> float:
        return time.monotonic()

    def wait_readable(self, fileno: int, seconds: float) -> bool:
        # select() takes no descriptor above 1023
        waiting = select.poll()
        waiting.register(fileno, select.POLLIN)
        events = waiting.poll(seconds * 1000)
        if events and events[0][1] & select.POLLNVAL:
            raise OSError(f"descriptor {fileno} is closed")
        return bool(events)

    def lock(self) -> AbstractContextManager[Any]:
        return threading.RLock()

    def later(self, seconds: float, function: Callable[..., Any], *args: Any) -> None:
        self._alarm.set(time.monotonic() + seconds, function, args)


class _Alarm:
    """One thread that starts tasks when they are due; it begins with the first."""

    def __init__(self, spawn: Callable[..., None]) -> None:
        self._spawn = spawn
        self._due: list[tuple[float, int, Callable[..., Any], tuple[Any, ...]]] = []
        self._turn = itertools.count()
        self._changed = threading.Condition()
        self._pid = 0

    def set(self, moment: float, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        with self._changed:
            heapq.heappush(self._due, (moment, next(self._turn), function, args))
            self._changed.notify()
            if self._pid != os.getpid():
                # the first in this process: threads do not survive a fork
                self._pid = os.getpid()
                self._spawn(self._run)

    def _run(self) -> None:
        while True:
            function, args = self._next()
            self._spawn(function, *args)

    def _next(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        with self._changed:
            while not self._due or self._due[0][0] > time.monotonic():
                self._changed.wait(self._due[0][0] - time.monotonic() if self._due else None)
            _, _, function, args = heapq.heappop(self._due)
            return function, args


class GeventRuntime:
    """Tasks are greenlets; what blocks runs in native threads, whatever the database driver."""

    def __init__(self) -> None:
        import gevent
        import gevent.lock
        import gevent.socket
        import gevent.threadpool

        self._gevent = gevent
        self._pools: tuple[int, Any, Any] | None = None

    def spawn(self, function: Callable[..., Any], *args: Any) -> None:
        self._gevent.spawn(_logged, function, *args)

    def call(self, function: Callable[..., T], *args: Any) -> T:
        return _in_thread(self._threads()[1], function, args)

    def call_apart(self, function: Callable[..., T], *args: Any) -> T:
        return _in_thread(self._threads()[2], function, args)

    def _threads(self) -> tuple[int, Any, Any]:
        """This process's pools: one that was used before a fork waits for ever after it."""
        if self._pools is None or self._pools[0] != os.getpid():
            pool = self._gevent.threadpool.ThreadPool
            # the feed opens, pings and closes one at a time, its second thread is for a stop meanwhile;
            # interest is told one at a time, and asked for in the two lanes of live.standing
            self._pools = os.getpid(), pool(READERS), pool(5)
        return self._pools

    def sleep(self, seconds: float) -> None:
        self._gevent.sleep(seconds)

    def monotonic(self) -> float:
        return time.monotonic()

    def wait_readable(self, fileno: int, seconds: float) -> bool:
        try:
            self._gevent.socket.wait_read(fileno, timeout=seconds)
        except TimeoutError:
            return False
        return True

    def lock(self) -> AbstractContextManager[Any]:
        lock: AbstractContextManager[Any] = self._gevent.lock.RLock()
        return lock

    def later(self, seconds: float, function: Callable[..., Any], *args: Any) -> None:
        self._gevent.spawn_later(seconds, _logged, function, *args)


def _in_thread(pool: Any, function: Callable[..., T], args: tuple[Any, ...]) -> T:
    # gevent prints the traceback of a task that raises, also when its caller takes the exception
    result, error = pool.spawn(_caught, function, args).get()
    if error is not None:
        try:
            raise error
        finally:
            # a traceback that holds its own frame would keep the caller's locals alive
            del error
    return result  # type: ignore[no-any-return]


def _caught(function: Callable[..., T], args: tuple[Any, ...]) -> tuple[T, None] | tuple[None, BaseException]:
    try:
        return function(*args), None
    except BaseException as error:  # noqa: BLE001
        return None, error


def _logged(function: Callable[..., Any], *args: Any) -> None:
    try:
        function(*args)
    except Exception:
        logger.exception("a background task failed: %s", getattr(function, "__qualname__", function))
