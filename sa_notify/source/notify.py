"""Changes that come as the payloads of NOTIFY."""

import contextlib
import os
import uuid
from collections.abc import Callable, Iterable
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812

from sa_notify.change import Change, ChangeSet
from sa_notify.errors import ConfigurationError, SetupError, SourceLost
from sa_notify.source.listening import Connect, begin_listening
from sa_notify.source.losing import first_line, losing
from sa_notify.source.payloads import Payloads, drain
from sa_notify.source.sockets import SocketHandle

#: Notifications of one :meth:`NotifySource.read`; what is left comes with the next.
AT_ONCE = 1000


class NotifySource:
    """LISTEN on one autocommit connection of psycopg2, which no other statement ever uses.

    Works with and without a wait callback (psycogreen and the like), and wherever its follower waits
    on ``fileno()``: threads, gevent, asyncio.

    :param connect: makes a new connection to the primary, as
        :func:`sa_notify.source.connect.listen_connect` gives.
    :param channel: as the triggers have it.
    :param whispered: called by :meth:`read` and :meth:`ping` with what web processes tell each other.
    :raises SetupError: when the channel can't be a name in PostgreSQL.
    """

    def __init__(
        self,
        connect: Connect,
        channel: str = "sa_notify",
        *,
        whispered: Callable[[str], None] = lambda _: None,
    ) -> None:
        if not 0 < len(channel.encode()) < 64:
            raise SetupError(f"channel {channel!r} is no name in PostgreSQL: use 1 to 63 bytes")
        self._connect = connect
        self._channel = channel
        self._epoch, self._position = "", 0
        self._whispered = whispered
        self._payloads = Payloads("utf-8")
        self._connection: Connection | None = None
        self._handle: SocketHandle | None = None
        self._interrupted = False
        self._pid = 0

    @property
    def epoch(self) -> str:
        """Name of the current unbroken stretch."""
        return self._epoch

    def open(self) -> None:
        """Connect and listen; see :class:`sa_notify.source.base.Source`."""
        self.close()
        self._interrupted, self._pid = False, os.getpid()
        try:
            with losing():
                self._connection = self._connected()
                self._handle = SocketHandle(self._connection.fileno())
                self._handle.keep_alive()
                self._check_interrupted()
                codec = begin_listening(self._connection, self._channel, self._connected)
        except BaseException:
            self.close()
            raise
        self._epoch, self._position, self._payloads = uuid.uuid4().hex, 0, Payloads(codec, self._whispered)

    def fileno(self) -> int:
        """Descriptor that becomes readable when :meth:`read` may have something."""
        with losing():
            return self._open_connection().fileno()

    def read(self) -> list[ChangeSet]:
        """What has arrived; follow it with another read before waiting, unless it is empty."""
        with losing():
            return self._changesets(drain(self._open_connection(), AT_ONCE))

    def ping(self) -> list[ChangeSet]:
        """Prove that PostgreSQL answers, and return what arrived with the answer."""
        with losing():
            connection = self._open_connection()
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            return self._changesets(drain(connection, AT_ONCE))

    @property
    def age(self) -> float:
        """0: PostgreSQL itself answers."""
        return 0.0

    def interrupt(self) -> None:
        """End what waits on the connection; from any thread."""
        self._interrupted = True
        if (handle := self._handle) is not None and self._pid == os.getpid():
            handle.cut()

    def close(self) -> None:
        """Give the connection back; in a forked child, leave the parent's alone."""
        connection, self._connection = self._connection, None
        handle, self._handle = self._handle, None
        if handle is not None:
            handle.close()
        if connection is not None and self._pid == os.getpid():
            with contextlib.suppress(psycopg2.Error):
                connection.close()

    # -- inside

    def _connected(self) -> Connection:
        try:
            return self._connect()
        except (ConfigurationError, SourceLost):
            raise
        except Exception as error:
            # an application's own creator may raise anything
            raise SourceLost(f"can't connect: {first_line(error)}") from error

    def _check_interrupted(self) -> None:
        if self._interrupted:
            raise SourceLost("interrupted while connecting")

    def _open_connection(self) -> Connection:
        if self._connection is None or self._pid != os.getpid():
            raise SourceLost("not open in this process")
        return self._connection

    def _changesets(self, notifications: Iterable[Any]) -> list[ChangeSet]:
        payloads = (each.payload for each in notifications if each.channel == self._channel)
        return [self._changeset(xid, changes) for xid, changes in self._payloads.grouped(payloads)]

    def _changeset(self, xid: int, changes: list[Change]) -> ChangeSet:
        self._position += 1
        return ChangeSet(self._epoch, self._position, xid, tuple(changes))
