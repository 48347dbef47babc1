"""Reads what waits to be read: in few lanes, queries of one template together."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from sa_notify import metrics
from sa_notify.change import Key
from sa_notify.dispatch.runtime import Runtime
from sa_notify.errors import NotTogether
from sa_notify.live.query import Asked, Query, Reading, Rows
from sa_notify.web.failures import is_passing, sqlstate
from sa_notify.web.runtimes import READERS
from sa_notify.web.waiting import Request, Waiting

logger = logging.getLogger(__name__)

#: Seconds that answers may keep other tasks waiting.
TURN_SECONDS = 0.005

#: What fewer queries at a time may be spared: a timeout of statements, and limits of the server.
_TOO_MUCH = ("57014", "53", "54")


class Answers(Protocol):
    """Who is told what was read."""

    def wanted(self, key: str) -> bool:
        """Whether anybody still wants it."""
        ...

    def finished(self, key: str, reading: Reading, seconds: float) -> None:
        """The whole result, which took so long to read."""
        ...

    def rows(self, key: str, rows: Rows, seconds: float) -> None:
        """The rows that were asked for."""
        ...

    def failed(self, key: str, query: Query, error: Exception) -> None:
        """Nothing could be read."""
        ...


class Desk:
    """Reads queries; each request is answered once, unless nobody wants the query any more.

    A query is read by one lane at a time. What fails together is halved until those that fail are
    alone: a query fails by its own error, or because the database is away. Rows that can't be read by
    their keys are answered by a reading of all.

    :param lanes: how many reads run at a time.
    """

    def __init__(self, runtime: Runtime, answers: Answers, lanes: int = READERS) -> None:
        self._runtime = runtime
        self._answers = answers
        self._lanes = lanes
        self._lock = runtime.lock()
        self._waiting = Waiting(lanes)
        self._open = 0
        self._busy = 0.0

    @property
    def busy(self) -> float:
        """Seconds that reads have taken up to now; it only grows."""
        return self._busy

    def put(self, key: str, query: Query, keys: tuple[Key, ...] | None = None) -> None:
        """Have a query read, or rows of it; nothing begins before :meth:`begin`.

        :param keys: of the root table's rows that are wanted; ``None``: the whole result.
        """
        if keys is not None and query.shared is None:
            keys = None
        with self._lock:
            self._waiting.put(Request(key, query, keys))

    def begin(self) -> None:
        """Read what waits."""
        with self._lock:
            if self._open >= self._lanes or not self._waiting.ready:
                return
            self._open += 1
        self._runtime.spawn(self._lane)

    def _lane(self) -> None:
        while requests := self._take():
            self.begin()
            try:
                self._serve(requests)
            except BaseException:
                with self._lock:
                    self._open -= 1
                raise

    def _serve(self, requests: list[Request]) -> None:
        spent = [0.0]
        try:
            self._run([request for request in requests if self._answers.wanted(request.key)], spent)
        finally:
            with self._lock:
                self._waiting.done(requests, spent[0])

    def _take(self) -> list[Request]:
        with self._lock:
            requests = self._waiting.take()
            if not requests:
                self._open -= 1
            return requests

    def _run(self, requests: Sequence[Request], spent: list[float]) -> None:
        if not requests:
            return
        try:
            answers, seconds = self._timed(_reader(requests), spent)
        except Exception as error:  # noqa: BLE001  # whatever a query does, its subscribers are told
            self._failed(requests, error, spent)
        else:
            self._tell(requests, answers, seconds / len(requests))

    def _timed(
        self, read: Callable[[], Sequence[Reading | Rows]], spent: list[float]
    ) -> tuple[Sequence[Reading | Rows], float]:
        took: list[float] = []

        def timed() -> Sequence[Reading | Rows]:
            began = self._runtime.monotonic()  # not before a thread is free
            try:
                return read()
            finally:
                took.append(self._runtime.monotonic() - began)

        try:
            return self._runtime.call(timed), sum(took)
        finally:
            spent[0] += sum(took)
            metrics.DATABASE_SECONDS.inc(sum(took))
            with self._lock:
                self._busy += sum(took)

    # -- answers

    def _tell(self, requests: Sequence[Request], answers: Sequence[Reading | Rows], seconds: float) -> None:
        since = self._runtime.monotonic()
        _count(requests, seconds)
        for request, answer in zip(requests, answers, strict=True):
            if isinstance(answer, Rows):
                _safely(self._answers.rows, request.key, answer, seconds)
            else:
                _safely(self._answers.finished, request.key, answer, seconds)
            if self._runtime.monotonic() - since > TURN_SECONDS:
                self._runtime.sleep(0)
                since = self._runtime.monotonic()

    def _failed(self, requests: Sequence[Request], error: Exception, spent: list[float]) -> None:
        if len(requests) == 1 and requests[0].keys is None:
            self._tell_failure(requests, error)
        elif isinstance(error, NotTogether):
            for part in _apart(requests):
                self._run(part, spent)
        elif is_passing(error) and not (sqlstate(error) or "").startswith(_TOO_MUCH):
            self._tell_failure(requests, error)
        elif len(requests) == 1:
            self._run([_whole(requests[0])], spent)
        else:
            middle = len(requests) // 2
            for part in (requests[:middle], requests[middle:]):
                self._run(part, spent)

    def _tell_failure(self, requests: Sequence[Request], error: Exception) -> None:
        for request in requests:
            metrics.READS.labels(request.query.name, "failed").inc()
            _safely(self._answers.failed, request.key, request.query, error)


def _reader(requests: Sequence[Request]) -> Callable[[], Sequence[Reading | Rows]]:
    first = requests[0]
    shared = first.query.shared
    if shared is None or (len(requests) == 1 and first.keys is None):
        return lambda: [first.query.read()]
    asked = [Asked(request.query, request.keys) for request in requests]
    return lambda: shared.together(asked)


def _count(requests: Sequence[Request], seconds: float) -> None:
    for name, count in Counter(request.query.name for request in requests).items():
        metrics.READS.labels(name, "done").inc(count)
        histogram = metrics.READ_SECONDS.labels(name)
        for _ in range(count):
            histogram.observe(seconds)


def _apart(requests: Sequence[Request]) -> list[Sequence[Request]]:
    """What is read instead: all of what was asked for by keys, or else each query alone."""
    single = [_whole(request) for request in requests if request.keys is not None]
    rest = [request for request in requests if request.keys is None]
    if single:
        return [single, rest]
    return [[request] for request in rest]


def _whole(request: Request) -> Request:
    return Request(request.key, request.query)


def _safely(function: Callable[..., Any], *arguments: Any) -> None:
    """Tell one; a failure of it is nobody else's."""
    try:
        function(*arguments)
    except Exception:
        logger.exception("what was read could not be told")
