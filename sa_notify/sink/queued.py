"""A thread between a feed and a sink, so that a slow sink delays nobody."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from sa_notify import metrics
from sa_notify.change import ChangeSet
from sa_notify.sink.base import Sink

logger = logging.getLogger(__name__)

#: Changes that may wait for a sink; more, and it begins a new epoch.
WAITING: Final = 100_000
#: After a sink has raised, in seconds; twice as long each time, up to the second.
PAUSES: Final = (0.5, 30.0)


class QueuedSink:
    """The receiver of a feed (:class:`sa_notify.dispatch.receiver.Receiver`) that never waits.

    What comes before an epoch begins is not for it.

    :param name: for logs and metrics.
    :param make: makes the sink, in its thread; tried again when it raises.
    """

    def __init__(self, name: str, make: Callable[[], Sink]) -> None:
        self.name = name
        #: What it wants, once it is made.
        self.tables: frozenset[str] | None = None
        self.made = False
        self._make = make
        self._guard = threading.Condition()
        self._queue: deque[ChangeSet] = deque()
        self._waiting = 0
        self._epoch: str | None = None
        #: The sink must be told that an epoch begins before it gets anything else.
        self._begins = False
        self._closed = False
        self._pause = PAUSES[0]
        self._thread = threading.Thread(target=self._run, name=f"sa_notify-sink-{name}", daemon=True)
        self._thread.start()

    # -- what the feed says

    def begin_epoch(self, epoch: str) -> None:
        with self._guard:
            self._anew(epoch)

    def lost(self) -> None:
        with self._guard:
            self._anew(None)

    def receive(self, changesets: Sequence[ChangeSet]) -> None:
        wanted = [part for changeset in changesets if (part := self._part(changeset)).changes]
        with self._guard:
            if self._epoch is None:
                return
            self._queue.extend(wanted)
            self._waiting += sum(len(changeset.changes) for changeset in wanted)
            if self._waiting > WAITING:
                logger.warning("the sink %s is too slow: it misses changes", self.name)
                self._anew(self._epoch)
            self._guard.notify()

    def close(self, seconds: float = 5.0) -> None:
        """End the thread; what waits is dropped. A sink that is stuck is left to itself after ``seconds``."""
        with self._guard:
            self._closed = True
            self._anew(None)
        self._thread.join(seconds)

    # -- inside

    def _part(self, changeset: ChangeSet) -> ChangeSet:
        if self.tables is None:
            return changeset
        return replace(changeset, changes=tuple(c for c in changeset.changes if c.table in self.tables))

    def _anew(self, epoch: str | None) -> None:
        self._epoch, self._begins = epoch, epoch is not None
        self._queue.clear()
        self._waiting = 0
        self._guard.notify()

    def _run(self) -> None:
        while not self._closed:
            try:
                self._serve()
            except Exception:
                metrics.SINK_FAILURES.labels(self.name).inc()
                logger.exception("the sink %s failed: it misses changes, and goes on soon", self.name)
                self._rest()

    def _rest(self) -> None:
        with self._guard:
            self._anew(self._epoch)
            self._guard.wait_for(lambda: self._closed, self._pause)
            self._pause = min(self._pause * 2, PAUSES[1])

    def _serve(self) -> None:
        """Until it raises or is closed."""
        sink = self._make()
        self.tables, self.made = sink.tables, True
        try:
            while True:
                epoch, taken = self._next()
                if self._closed:
                    return
                if epoch is not None:
                    sink.begin_epoch(epoch)
                if taken:
                    sink.receive(taken)
                    self._pause = PAUSES[0]
                    metrics.SINK_CHANGES.labels(self.name).inc(sum(len(each.changes) for each in taken))
        finally:
            sink.close()

    def _next(self) -> tuple[str | None, list[ChangeSet]]:
        with self._guard:
            self._guard.wait_for(lambda: self._closed or self._begins or self._queue)
            epoch = self._epoch if self._begins else None
            taken = list(self._queue)
            self._begins = False
            self._queue.clear()
            self._waiting = 0
            return epoch, taken
