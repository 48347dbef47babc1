"""Several receivers of one feed."""

from collections.abc import Sequence

from sa_notify.change import ChangeSet
from sa_notify.dispatch.receiver import Receiver


class Fanout:
    """Tells each in turn; the feed begins anew for all when one raises.

    Implements :class:`sa_notify.dispatch.receiver.Receiver`.
    """

    def __init__(self, *receivers: Receiver) -> None:
        self._receivers = receivers

    def begin_epoch(self, epoch: str) -> None:
        for receiver in self._receivers:
            receiver.begin_epoch(epoch)

    def receive(self, changesets: Sequence[ChangeSet]) -> None:
        for receiver in self._receivers:
            receiver.receive(changesets)

    def proved(self, age: float) -> None:
        for receiver in self._receivers:
            receiver.proved(age)

    def lost(self) -> None:
        for receiver in self._receivers:
            receiver.lost()
