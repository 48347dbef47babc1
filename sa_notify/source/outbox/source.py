"""Changes that come through the outbox."""

import contextlib
import os
import time
from collections.abc import Callable, Collection
from typing import Final, Literal

from sa_notify.change import ChangeSet
from sa_notify.errors import SetupError, SourceLost
from sa_notify.source.interest import may_be_name
from sa_notify.source.listening import Connect
from sa_notify.source.losing import losing
from sa_notify.source.outbox.following import Following
from sa_notify.source.outbox.pace import SAFETY_SECONDS
from sa_notify.source.outbox.pump import Pump
from sa_notify.source.outbox.rotation import LIMIT_BYTES
from sa_notify.source.payloads import encoded
from sa_notify.source.tickets import TAKE_SECONDS, Ticket

Wake = Literal["notify", "poll"]

_NOT_OPEN: Final = "not open in this process"


class OutboxSource:
    """Follows the outbox, and what other tables announce by NOTIFY; one of them in each process.

    One of all that follow a database keeps it for the others: it holds the bell and the gates, and
    empties what everybody has read. When it goes, another takes over, and all begin a new epoch, since
    nothing was captured in between.

    Implements :class:`sa_notify.source.base.Source` and :class:`sa_notify.source.interest.Interest`.

    :param connect: makes a new connection to the primary.
    :param wake: ``"notify"``: writers ring, which needs a session of one's own. ``"poll"``: nothing is
        heard, which works behind a pooler of transactions; reads every 1 to 250 ms.
    :param limit_bytes: size of the outbox past which the oldest is dropped unread.
    :param safety_seconds: with ``"notify"``, how often to read although nobody rang.
    :param whispered: called, by a thread of this source, with what web processes tell each other; what
        follows is a :meth:`read`.
    :raises SetupError: for another ``wake``.
    """

    def __init__(
        self,
        connect: Connect,
        wake: Wake = "notify",
        *,
        limit_bytes: int = LIMIT_BYTES,
        safety_seconds: float = SAFETY_SECONDS,
        whispered: Callable[[str], None] = lambda _: None,
    ) -> None:
        if wake not in ("notify", "poll"):
            raise SetupError(f'wake={wake!r} is neither "notify" nor "poll"')
        self._connect, self._pooled = connect, wake == "poll"
        self._limit_bytes, self._safety_seconds = limit_bytes, safety_seconds
        self._whispered = whispered
        self._following: Following | None = None
        self._epoch = ""

    @property
    def epoch(self) -> str:
        """Name of the current unbroken stretch."""
        return self._epoch

    def open(self) -> None:
        """Connect, register and read; see :class:`sa_notify.source.base.Source`."""
        self.close()
        following = self._following = Following(
            self._connect,
            pooled=self._pooled,
            limit_bytes=self._limit_bytes,
            safety_seconds=self._safety_seconds,
            whispered=self._whispered,
        )
        try:
            with losing():
                following.open()
        except BaseException:
            self.close()
            raise
        self._epoch = following.epoch

    def fileno(self) -> int:
        """Descriptor that becomes readable when :meth:`read` may have something."""
        return self._open().mailbox.fileno()

    def read(self) -> list[ChangeSet]:
        """What has arrived; follow it with another read before waiting, unless it is empty."""
        return self._open().mailbox.take()

    def ping(self) -> list[ChangeSet]:
        """Prove that PostgreSQL answers, and return what arrived with the answer."""
        following = self._open()
        try:
            self._pump().ask(Ticket(frozenset(), float("inf")))
        except SourceLost:
            # says why
            return following.mailbox.take()
        return following.mailbox.take()

    @property
    def age(self) -> float:
        """0: PostgreSQL itself answers."""
        return 0.0

    def interrupt(self) -> None:
        """End what waits; from any thread."""
        if (following := self._following) is not None and following.pid == os.getpid():
            following.interrupt()

    def close(self) -> None:
        """Give everything back; in a forked child, leave the parent's alone."""
        following, self._following = self._following, None
        if following is not None:
            following.close()

    # -- interest

    def take(self, tables: Collection[str]) -> frozenset[str]:
        """Have changes of these captured; see :class:`sa_notify.source.interest.Interest`."""
        if not tables:
            return frozenset()
        names = self._encoded(tables)
        # what can't exist stands: nothing of it is missed
        stand = frozenset(tables) - frozenset(names.values())
        if names:
            ticket = Ticket(frozenset(names), time.monotonic() + TAKE_SECONDS)
            stand |= frozenset(names[name] for name in self._pump().ask(ticket))
        return stand

    def keep(self, tables: Collection[str]) -> None:
        """All that is wanted from now on; see :class:`sa_notify.source.interest.Interest`."""
        self._pump().keep(self._encoded(tables).keys())

    # -- inside

    def _encoded(self, tables: Collection[str]) -> dict[str, str]:
        """Tables by what the database's session calls them; without those that it can't have."""
        codec, found = self._open().codec, dict[str, str]()
        for table in tables:
            with contextlib.suppress(UnicodeError):
                if may_be_name(table):
                    found[encoded(table, codec)] = table
        return found

    def _open(self) -> Following:
        following = self._following
        if following is None or following.pid != os.getpid():
            raise SourceLost(_NOT_OPEN)
        return following

    def _pump(self) -> Pump:
        pump = self._open().pump
        if pump is None:
            raise SourceLost(_NOT_OPEN)
        return pump
