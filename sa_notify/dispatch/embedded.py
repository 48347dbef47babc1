"""The follower that lives in a web process, in whatever colour that runs."""

import logging
import os
import random
from collections.abc import Callable
from typing import Any

from sa_notify.dispatch.backoff import CAP_SECONDS, Backoff
from sa_notify.dispatch.feed import ANSWER_SECONDS, Call, Feed, Step, Wait
from sa_notify.dispatch.receiver import Receiver
from sa_notify.dispatch.runtime import Runtime
from sa_notify.source.base import Source

logger = logging.getLogger(__name__)


class EmbeddedDispatcher:
    """Follows a source in one background task of this process, and tells a receiver.

    Nothing is connected before :meth:`ensure_started`. A forked child starts a task of its own when
    asked, and leaves its parent's connection alone.

    :param getpid: tells processes apart.
    :param jitter: numbers in [0, 1) that spread reconnections out.
    :param slowest: seconds between two tries, at most.
    """

    def __init__(
        self,
        source: Source,
        receiver: Receiver,
        runtime: Runtime,
        *,
        getpid: Callable[[], int] = os.getpid,
        jitter: Callable[[], float] = random.random,
        slowest: float = CAP_SECONDS,
    ) -> None:
        self._source = source
        self._receiver = receiver
        self._runtime = runtime
        self._getpid = getpid
        self._jitter, self._slowest = jitter, slowest
        self._lock = runtime.lock()
        self._wanted = False
        self._task_pid: int | None = None

    def ensure_started(self) -> None:
        """Follow, unless this process does so already; from any task or thread, as often as you like."""
        if self._wanted and self._task_pid == self._getpid():
            return
        with self._lock:
            self._wanted = True
            if self._task_pid == self._getpid():
                return
            self._task_pid = self._getpid()
        self._runtime.spawn(self._run, self._task_pid)

    def stop(self) -> None:
        """Follow no longer: the receiver soon hears that the feed is lost, the connection is given back."""
        with self._lock:
            self._wanted = False
            if self._task_pid == self._getpid():
                self._source.interrupt()

    # -- the task

    def _run(self, pid: int) -> None:
        try:
            while self._goes_on(pid):
                self._follow(pid)
        except BaseException:
            with self._lock:
                self._ended(pid)
            raise

    def _goes_on(self, pid: int) -> bool:
        """Whether the task is wanted; if not, it is over in the same moment."""
        with self._lock:
            if self._wanted and self._mine(pid):
                return True
            self._ended(pid)
            return False

    def _ended(self, pid: int) -> None:
        if self._task_pid == pid:
            self._task_pid = None

    def _mine(self, pid: int) -> bool:
        # under gevent a fork copies the parent's tasks, which would read from its socket
        return self._getpid() == pid

    def _follow(self, pid: int) -> None:
        backoff = Backoff(self._jitter, cap=self._slowest)
        feed = Feed(self._source, self._receiver, backoff, self._runtime.monotonic)
        steps = feed.steps()
        step = next(steps)
        while True:
            try:
                advance, outcome = steps.send, self._perform(step)
            except Exception as error:  # noqa: BLE001  (the feed decides what it means)
                advance, outcome = steps.throw, error
            if not (self._wanted and self._mine(pid)):
                break
            step = advance(outcome)
        if self._mine(pid):
            feed.give_up()
            self._call(Call(self._source.close, ANSWER_SECONDS))

    def _perform(self, step: Step) -> Any:
        if isinstance(step, Call):
            return self._call(step)
        if isinstance(step, Wait):
            return self._runtime.wait_readable(step.fileno, step.seconds)
        return self._runtime.sleep(step.seconds)

    def _call(self, step: Call) -> Any:
        pending = [step]
        self._runtime.later(step.seconds, self._interrupt_if, pending)
        try:
            return self._runtime.call_apart(step.function)
        finally:
            pending.clear()

    def _interrupt_if(self, pending: list[Call]) -> None:
        if pending:
            logger.warning("PostgreSQL did not answer within %s s", pending[0].seconds)
            self._source.interrupt()
