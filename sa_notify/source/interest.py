"""Which tables are captured at all: those that somebody wants."""

from collections.abc import Collection
from typing import Protocol


class Interest(Protocol):
    """What a source is told about the tables whose changes are wanted.

    Tables are named as :attr:`sa_notify.change.Change.table` is. From any thread, several at a time.
    """

    def take(self, tables: Collection[str]) -> frozenset[str]:
        """Have changes of these tables captured; waits at most about 1 s, so call it beside the loop.

        A table whose changes travel by NOTIFY, or that does not exist, stands at once.

        :returns: those of them that stand: every change that was not captured is visible to a read that
            begins after this returns. The rest is still held by a writer that began before; ask again.
        :raises SourceLost: when the source is not open.
        """
        ...

    def keep(self, tables: Collection[str]) -> None:
        """All that is wanted from now on; others are dropped 30 s after they were last wanted."""
        ...
