"""Questions to the native thread from those who wait for its answers."""

from collections import deque
from collections.abc import Iterator
from typing import Final

from sa_notify.errors import SourceLost
from sa_notify.source.native import native

#: How long tables are waited for.
TAKE_SECONDS: Final = 1.0


class Ticket:
    """One question: for these tables, or whether PostgreSQL answers when it names none.

    :param until: give an answer by then, in seconds of ``time.monotonic()``.
    :param whole: all of their changes are wanted.
    """

    def __init__(self, tables: frozenset[str], until: float, *, whole: bool = True) -> None:
        self.tables, self.whole = tables, whole
        self.until = until
        self._answer: frozenset[str] | None = None
        self._answered = native("_thread", "allocate_lock")()
        self._answered.acquire()

    def answer(self, tables: frozenset[str] | None) -> None:
        """These of its tables stand; ``None``: there will be no answer. The first answer counts."""
        if self._answered.locked():
            self._answer = tables
            self._answered.release()

    def wait(self) -> frozenset[str]:
        """The answer.

        :raises SourceLost: when there is none.
        """
        self._answered.acquire()
        if self._answer is None:
            raise SourceLost("not open in this process")
        return self._answer


class Tickets:
    """Those that wait; put from any thread, taken by one."""

    def __init__(self) -> None:
        self._guard = native("_thread", "allocate_lock")()
        self._waiting: deque[Ticket] = deque()
        self._closed = False

    def put(self, ticket: Ticket) -> None:
        """Ask; after :meth:`close` there is no answer."""
        with self._guard:
            if not self._closed:
                self._waiting.append(ticket)
                return
        ticket.answer(None)

    def take(self) -> Iterator[Ticket]:
        """Those that came since."""
        while self._waiting:
            yield self._waiting.popleft()

    def close(self) -> None:
        """Answer nobody any more."""
        with self._guard:
            self._closed = True
        for ticket in self.take():
            ticket.answer(None)
