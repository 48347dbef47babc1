"""Which tables are captured at all: those that somebody wants."""

from collections.abc import Collection
from typing import Final, Protocol, runtime_checkable

from sa_notify.source.wanted import Wanted

#: Two names of 63 bytes, each in quotes with every byte a doubled quote, and the dot between them.
MAX_NAME_BYTES: Final = 257


def may_be_name(table: str) -> bool:
    """Whether PostgreSQL could have a table that is named so in :attr:`sa_notify.change.Change.table`."""
    size = len(table.encode("utf-8", "surrogatepass"))
    return 0 < size <= MAX_NAME_BYTES and "\0" not in table


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


@runtime_checkable
class RowInterest(Interest, Protocol):
    """A source that can be told of single rows, and of tables of which tallies are enough."""

    def want(self, wanted: Wanted) -> None:
        """All that is wanted from now on, beside what was taken and kept, unless something newer was told."""
        ...

    def capture(self, tables: Collection[str]) -> frozenset[str]:
        """As :meth:`take`, but for what :meth:`want` was told of them before: that alone is brought."""
        ...
