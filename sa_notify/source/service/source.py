"""Changes that a dispatcher process sends through Redis."""

import contextlib
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from typing import Any

import redis

from sa_notify.change import ChangeSet
from sa_notify.errors import SourceLost
from sa_notify.redis.connect import FAILURES, told
from sa_notify.redis.keys import REVOKED_ENTRIES, Keys
from sa_notify.source.service.following import Clients, Following
from sa_notify.source.service.revocation import Revocation
from sa_notify.source.service.worker import Worker
from sa_notify.source.tickets import TAKE_SECONDS, Ticket
from sa_notify.source.wanted import Wanted

logger = logging.getLogger(__name__)


class ServiceSource:
    """Follows the dispatcher that leads; a web worker has one.

    Whatever may have been missed (a new dispatcher, a Redis that restarted, a worker that was too slow)
    is noticed and begins a new epoch: within 2.5 s where nothing says so.

    Implements :class:`sa_notify.source.base.Source` and :class:`sa_notify.source.interest.RowInterest`.

    :param connect: makes a client of Redis, as :func:`sa_notify.redis.connect.connect` does.
    :param info: what this process says of itself.
    :param revoked: called by :meth:`read` when somebody's access is to be asked for again: a user's id, or
        ``None`` for all.
    :param dismissed: the same, when their connections are to end.
    """

    def __init__(
        self,
        connect: Callable[[], redis.Redis],
        keys: Keys,
        *,
        info: Callable[[], Mapping[str, Any]] = dict,
        revoked: Callable[[str | None], None] = lambda _: None,
        dismissed: Callable[[str | None], None] = lambda _: None,
    ) -> None:
        self._connect, self._keys, self._info = connect, keys, info
        self._revoked, self._dismissed = revoked, dismissed
        self._to_revoke = deque[Revocation](maxlen=REVOKED_ENTRIES)
        self._following: Following | None = None
        self._epoch = ""
        self._asked_at = 0.0

    @property
    def epoch(self) -> str:
        """Name of the current unbroken stretch."""
        return self._epoch

    @property
    def interest(self) -> "ServiceSource":
        """Where to say which tables are wanted."""
        return self

    @property
    def unread(self) -> Mapping[str, str]:
        """Deliveries that the dispatcher does not follow: how a sentence about a table ends."""
        return self._following.unread if self._following else {}

    def open(self) -> None:
        """Register with the dispatcher; see :class:`sa_notify.source.base.Source`."""
        self.close()
        following = self._following = Following(self._connect, self._keys, self._info, self._to_revoke)
        try:
            following.open()
        except BaseException:
            self.close()
            raise
        self._epoch = following.feed.epoch

    def fileno(self) -> int:
        """Descriptor that becomes readable when :meth:`read` may have something."""
        return self._open().mailbox.fileno()

    def read(self) -> list[ChangeSet]:
        """What has arrived; follow it with another read before waiting, unless it is empty."""
        following = self._open()
        for user, dismiss in following.revocations():
            (self._dismissed if dismiss else self._revoked)(user)
        return following.mailbox.take()

    def ping(self) -> list[ChangeSet]:
        """Take what the dispatcher's last beat has proven, and what arrived; waits for an epoch's first beat.

        Beats come by themselves: whoever waited for the next would leave changes lying meanwhile.
        """
        following = self._open()
        self._asked_at = time.monotonic()
        if not following.proven:
            with contextlib.suppress(SourceLost):  # the mailbox says why
                following.ask(Ticket(frozenset(), float("inf")))
        return following.mailbox.take()

    @property
    def age(self) -> float:
        """How old the dispatcher's own proof was."""
        return max(0.0, self._asked_at - self._open().proven_at)

    def interrupt(self) -> None:
        """End what waits, with SourceLost; from any thread."""
        following = self._following
        if following is not None and following.pid == os.getpid():
            following.fail(SourceLost("interrupted"))

    def close(self) -> None:
        """Give everything back; harmless when that is done already."""
        following, self._following = self._following, None
        if following is not None:
            following.close()

    def take(self, tables: Collection[str]) -> frozenset[str]:
        """Have changes of these told; see :class:`sa_notify.source.interest.Interest`."""
        return self._asked(tables, whole=True)

    def keep(self, tables: Collection[str]) -> None:
        """All that is wanted from now on; see :class:`sa_notify.source.interest.Interest`."""
        self._open().keep(tables)

    def want(self, wanted: Wanted) -> None:
        """All that is wanted from now on; see :class:`sa_notify.source.interest.RowInterest`."""
        if self._following is not None:
            self._following.want(wanted)

    def capture(self, tables: Collection[str]) -> frozenset[str]:
        """Have these captured; see :class:`sa_notify.source.interest.RowInterest`."""
        return self._asked(tables, whole=False)

    def present(self, clients: Clients) -> None:
        """Tell of clients that came or changed, and of those (``None``) that left; of none while closed."""
        if self._following is not None:
            self._following.present(clients)

    def revoke(self, user: str | None, *, dismiss: bool = False) -> None:
        """Have all workers ask for somebody's access again, or end their connections.

        They are told when this returns, so that a process may end then; if Redis can't be reached, when it
        can be again. Waits for the network.
        """
        revocation = Revocation(user, dismiss)
        try:
            with self._connect() as client:
                Worker(client, self._keys, "").revoke(revocation)
        except FAILURES as error:
            logger.warning("workers are told later whose access ends: %s", told(error))
            self._to_revoke.append(revocation)
            if self._following is not None:
                self._following.hurry()

    def awaits_outbox(self) -> bool:
        """Never: the dispatcher looks for one."""
        return False

    # -- inside

    def _asked(self, tables: Collection[str], *, whole: bool) -> frozenset[str]:
        if not tables:
            return frozenset()
        return self._open().ask(Ticket(frozenset(tables), time.monotonic() + TAKE_SECONDS, whole=whole))

    def _open(self) -> Following:
        following = self._following
        if following is None or following.pid != os.getpid():
            raise SourceLost("not open in this process")
        return following
