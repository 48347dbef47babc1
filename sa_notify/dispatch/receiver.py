"""Who is told what a feed brings."""

from collections.abc import Sequence
from typing import Protocol

from sa_notify.change import ChangeSet


class Receiver(Protocol):
    """The consumer of one feed. Its methods are called one at a time and return soon.

    An exception that one of them raises is logged, and a new epoch begins: the receiver missed something.
    """

    def begin_epoch(self, epoch: str) -> None:
        """Changes are heard from now on, and some may have been missed: whatever was read is in doubt.

        Called when the source listens already, so that reads made from now on leave no gap.
        """
        ...

    def receive(self, changesets: Sequence[ChangeSet]) -> None:
        """What was committed, in order; never empty, always of the epoch begun last."""
        ...

    def proved(self, age: float) -> None:
        """Everything that was committed up to ``age`` seconds ago has been received.

        Called about twice a second while that is so; the beginning of an epoch proves as much.
        """
        ...

    def lost(self) -> None:
        """Changes are not heard any more, until the next :meth:`begin_epoch`."""
        ...
