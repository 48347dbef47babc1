"""Changes that come as the payloads of NOTIFY."""

import contextlib
import logging
import os
import time
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812

from sa_notify.change import Change, ChangeSet
from sa_notify.errors import ConfigurationError, MessageError, SetupError, SourceLost
from sa_notify.source.listening import Connect, begin_listening
from sa_notify.source.message import Message, parse
from sa_notify.source.sockets import SocketHandle

logger = logging.getLogger(__name__)

#: Notifications of one :meth:`NotifySource.read`; what is left comes with the next.
AT_ONCE = 1000

_COMPLAINT_SECONDS = 60.0


class NotifySource:
    """LISTEN on one autocommit connection of psycopg2, which no other statement ever uses.

    Works with and without a wait callback (psycogreen and the like), and wherever its follower waits
    on ``fileno()``: threads, gevent, asyncio.

    :param connect: makes a new connection to the primary, as
        :func:`sa_notify.source.connect.listen_connect` gives.
    :param channel: as the triggers have it.
    :raises SetupError: when the channel can't be a name in PostgreSQL.
    """

    def __init__(self, connect: Connect, channel: str = "sa_notify") -> None:
        if not 0 < len(channel.encode()) < 64:
            raise SetupError(f"channel {channel!r} is no name in PostgreSQL: use 1 to 63 bytes")
        self._connect = connect
        self._channel = channel
        self._epoch, self._position, self._codec = "", 0, "utf-8"
        self._connection: Connection | None = None
        self._handle: SocketHandle | None = None
        self._interrupted = False
        self._pid = 0
        self._complaints = _Complaints()

    @property
    def epoch(self) -> str:
        """Name of the current unbroken stretch."""
        return self._epoch

    def open(self) -> None:
        """Connect and listen; see :class:`sa_notify.source.base.Source`."""
        self.close()
        self._interrupted, self._pid = False, os.getpid()
        try:
            with _losing():
                self._connection = self._connected()
                self._handle = SocketHandle(self._connection.fileno())
                self._handle.keep_alive()
                self._check_interrupted()
                self._codec = begin_listening(self._connection, self._channel, self._connected)
        except BaseException:
            self.close()
            raise
        self._epoch, self._position = uuid.uuid4().hex, 0

    def fileno(self) -> int:
        """Descriptor that becomes readable when :meth:`read` may have something."""
        with _losing():
            return self._open_connection().fileno()

    def read(self) -> list[ChangeSet]:
        """What has arrived; follow it with another read before waiting, unless it is empty."""
        with _losing():
            return self._changesets(_drain(self._open_connection()))

    def ping(self) -> list[ChangeSet]:
        """Prove that PostgreSQL answers, and return what arrived with the answer."""
        with _losing():
            connection = self._open_connection()
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            return self._changesets(_drain(connection))

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
            raise SourceLost(f"can't connect: {_first_line(error)}") from error

    def _check_interrupted(self) -> None:
        if self._interrupted:
            raise SourceLost("interrupted while connecting")

    def _open_connection(self) -> Connection:
        if self._connection is None or self._pid != os.getpid():
            raise SourceLost("not open in this process")
        return self._connection

    def _changesets(self, notifications: Iterable[Any]) -> list[ChangeSet]:
        """Messages of one transaction come one after the other: they make one changeset."""
        grouped: list[tuple[int, list[Change]]] = []
        for message in self._messages(notifications):
            if not grouped or grouped[-1][0] != message.xid:
                grouped.append((message.xid, []))
            grouped[-1][1].extend(message.changes)
        return [self._changeset(xid, changes) for xid, changes in grouped]

    def _changeset(self, xid: int, changes: list[Change]) -> ChangeSet:
        self._position += 1
        return ChangeSet(self._epoch, self._position, xid, tuple(changes))

    def _messages(self, notifications: Iterable[Any]) -> Iterator[Message]:
        for notification in notifications:
            if notification.channel != self._channel:
                continue
            message = self._message(notification.payload)
            if message is not None:
                yield message

    def _message(self, payload: str) -> Message | None:
        if self._codec != "utf-8":
            # bytes that are no UTF-8 become lone surrogates, which the parser takes for "not known"
            payload = payload.encode(self._codec).decode("utf-8", "surrogateescape")
        try:
            message = parse(payload)
        except MessageError as error:
            self._complaints.add("a notification was skipped", str(error), len(payload))
            return None
        if message.degraded:
            self._complaints.add(
                "a notification was taken as a change of its whole table", message.degraded, len(payload)
            )
        return message


class _Complaints:
    """Warnings about messages, at most one a minute: their number is up to whoever sends them."""

    def __init__(self) -> None:
        self._count = 0
        self._again_at = 0.0

    def add(self, what: str, why: str, size: int) -> None:
        self._count += 1
        now = time.monotonic()
        if now < self._again_at:
            return
        logger.warning("%s: %s", what, why, extra={"payload_size": size, "messages": self._count})
        self._count, self._again_at = 0, now + _COMPLAINT_SECONDS


@contextlib.contextmanager
def _losing() -> Iterator[None]:
    try:
        yield
    except (psycopg2.Error, OSError) as error:
        raise SourceLost(_first_line(error)) from error


def _drain(connection: Connection) -> list[Any]:
    """Take what has arrived.

    One poll is not enough under TLS: OpenSSL may hold more of a record than libpq asked for, and
    the socket does not become readable for it.
    """
    drained: list[Any] = []
    while len(drained) < AT_ONCE:
        if not connection.notifies:
            connection.poll()
        if not connection.notifies:
            break
        drained += connection.notifies
        connection.notifies.clear()
    return drained


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else 'no details'}"
