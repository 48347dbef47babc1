"""What the native thread hands over to whoever follows the source, in whatever colour that runs."""

from collections import deque
from collections.abc import Sequence
from typing import Final

from sa_notify.change import ChangeSet
from sa_notify.errors import SourceLost
from sa_notify.source.waker import Waker

#: Changesets of one :meth:`Mailbox.take`; what is left comes with the next.
AT_ONCE: Final = 1000
#: Changesets that may wait here; then the outbox keeps the rest.
ROOM: Final = 20_000


class Mailbox:
    """A queue with a descriptor to wait on."""

    def __init__(self) -> None:
        self._waker = Waker()
        self._queue: deque[ChangeSet] = deque()
        self._failure: SourceLost | None = None

    @property
    def full(self) -> bool:
        """Whether its taker is too slow."""
        return len(self._queue) >= ROOM

    def fileno(self) -> int:
        """Readable when :meth:`take` may have something."""
        return self._waker.fileno()

    def put(self, changesets: Sequence[ChangeSet]) -> None:
        """Hand these over."""
        if changesets:
            self._queue.extend(changesets)
            self._waker.set()

    def wake(self) -> None:
        """Have its taker look although nothing was put."""
        self._waker.set()

    def fail(self, failure: SourceLost) -> None:
        """Have the taker raise this once the queue is empty; the first failure counts."""
        self._failure = self._failure or failure
        self._waker.set()

    def take(self) -> list[ChangeSet]:
        """What has been put, up to ``AT_ONCE``.

        :raises SourceLost: when nothing is left and nothing more will come.
        """
        self._waker.clear()
        # read before the queue: what was put before the failure is still handed over
        failure = self._failure
        taken: list[ChangeSet] = []
        while self._queue and len(taken) < AT_ONCE:
            taken.append(self._queue.popleft())
        if failure is not None and not taken:
            raise failure
        return taken

    def close(self) -> None:
        """Give the descriptor back."""
        self._waker.close()
