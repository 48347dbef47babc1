"""What every source of changes is to those who follow it."""

from typing import Protocol

from sa_notify.change import ChangeSet


class Source(Protocol):
    """One feed of changes. It never waits for changes itself: its follower waits on ``fileno()``.

    Every ``open()`` begins a new epoch, because what was committed while nobody listened is lost.
    Methods other than ``open``, ``ping`` and ``close`` return at once. One task at a time uses a
    source; only :meth:`interrupt` may be called beside it.
    """

    @property
    def epoch(self) -> str:
        """Name of the current unbroken stretch; set by :meth:`open`."""
        ...

    def open(self) -> None:
        """Connect and listen. Every commit after this returns will be read.

        Waits for the network, so call it beside the event loop.

        :raises SourceLost: when PostgreSQL can't be reached or refuses.
        :raises SetupError: when it never will; the message says what to set up.
        """
        ...

    def fileno(self) -> int:
        """Descriptor that becomes readable when :meth:`read` may have something."""
        ...

    def read(self) -> list[ChangeSet]:
        """What has arrived, in order of commit; an empty list when nothing has.

        Transactions that ran at the same time and touched no row in common may come either way round.

        Wait on ``fileno()`` only after an empty list: a long backlog comes in several reads.

        :raises SourceLost: when the connection is gone.
        """
        ...

    def ping(self) -> list[ChangeSet]:
        """Prove that the connection still answers; also returns what arrived meanwhile.

        Waits for the network, so call it beside the event loop.

        :raises SourceLost: when it does not answer.
        """
        ...

    @property
    def age(self) -> float:
        """How much older than the beginning of the last :meth:`ping` its proof is, in seconds.

        Whatever was committed before that is among what was read since.
        """
        ...

    def interrupt(self) -> None:
        """Make a waiting :meth:`open`, :meth:`ping` or wait on ``fileno()`` end, with SourceLost.

        From any task or thread, at any time; the source's own task closes it then. A connection that
        is only just being made is dropped when it stands.
        """
        ...

    def close(self) -> None:
        """Give the connection back; harmless when it is already gone."""
        ...
