"""Make a fresh psycopg2 connection listen, or say why it never will."""

import contextlib
import secrets
import select
import time
from collections.abc import Callable
from typing import Any

from psycopg2.errors import UndefinedFile
from psycopg2.extensions import (
    connection as Connection,  # noqa: N812
    quote_ident,
)

from sa_notify.errors import SetupError, SourceLost

Connect = Callable[[], Connection]

PROBE_SECONDS = 2.0
_LISTEN_ATTEMPTS = 3

# One statement: the answers must be of one backend. A server that ends idle sessions would end this
# one between two pings.
_GREETING = """
SELECT pg_catalog.pg_backend_pid(), pg_catalog.pg_is_in_recovery(),
       pg_catalog.current_setting('server_encoding'),
       pg_catalog.set_config('idle_session_timeout', '0', %s)
"""


def begin_listening(connection: Connection, channel: str, connect: Connect) -> str:
    """LISTEN on ``channel``, in autocommit, so that the session never holds a transaction open.

    :param connect: makes a second connection the same way; used only behind a proxy.
    :returns: the codec that payloads come in: ``utf-8``, or ``latin-1`` where the database keeps
        bytes of any encoding.
    :raises SetupError: behind a proxy that LISTEN does not survive.
    :raises SourceLost: on a standby, which may be promoted in a moment.
    :raises psycopg2.Error: when the connection fails.
    """
    backend, codec = begin_session(connection)
    prove_session(connection, backend, connect)
    _listen(connection, channel)
    return codec


def prove_session(connection: Connection, backend: int, connect: Connect) -> None:
    """See that what one statement leaves behind, a LISTEN or a lock, is there for the next.

    :param backend: as :func:`begin_session` tells.
    :param connect: makes a second connection the same way; used only behind a proxy.
    :raises SetupError: behind a proxy that pools by transaction.
    :raises psycopg2.Error: when the connection fails.
    """
    # a direct connection is told its backend's own number when it begins; proxies make one up
    if backend != connection.info.backend_pid:
        _prove_delivery(connection, connect)


def begin_session(connection: Connection, *, pooled: bool = False) -> tuple[int, str]:
    """Autocommit, on a primary, in an encoding that loses nothing.

    :param pooled: a pooler of transactions gives the session to others too: change nothing for them.
    :returns: the backend's number, and the codec as :func:`begin_listening` returns it.
    :raises SourceLost: on a standby, which may be promoted in a moment.
    :raises psycopg2.Error: when the connection fails.
    """
    # whatever an application's own "connect" hook left open; autocommit can't be set inside it
    connection.rollback()
    connection.autocommit = True
    backend, standby, encoding = _greet(connection, pooled=pooled)
    if standby:
        raise SourceLost(
            "PostgreSQL answers as a standby, where LISTEN is not possible: let the engine, or "
            "SA_NOTIFY_LISTEN_URL, name the primary (libpq: target_session_attrs=primary)"
        )
    return backend, _use_encoding(connection, encoding)


def _greet(connection: Connection, *, pooled: bool) -> tuple[int, bool, str]:
    with connection.cursor() as cursor:
        cursor.execute(_GREETING, (pooled,))
        row: Any = cursor.fetchone()
    return row[0], row[1], row[2]


def _use_encoding(connection: Connection, server_encoding: str) -> str:
    """Choose the client encoding; psycopg2 drops a notification that it can't decode, in silence."""
    if server_encoding == "SQL_ASCII":
        connection.set_client_encoding("LATIN1")
        return "latin-1"
    connection.set_client_encoding("UTF8")
    return "utf-8"


def _listen(connection: Connection, channel: str) -> None:
    statement = f"LISTEN {quote_ident(channel, connection)}"
    for _ in range(_LISTEN_ATTEMPTS - 1):
        with contextlib.suppress(UndefinedFile):
            _execute(connection, statement)
            return
        # "could not access status of transaction": PostgreSQL before 18.1, 17.7, 16.11, 15.15 and 14.20
        # drops commit status that unread notifications need; this moves their queue's tail past them
        _execute(connection, "SELECT pg_catalog.pg_notification_queue_usage()")
    _execute(connection, statement)


def _prove_delivery(connection: Connection, connect: Connect) -> None:
    """See a NOTIFY of another session arrive while this one is idle.

    One from this session proves nothing: a transaction-pooling proxy passes it on, because it
    comes while the session's own statement runs.
    """
    probe = f"sa_notify_probe_{secrets.token_hex(8)}"
    _listen(connection, probe)
    with contextlib.closing(connect()) as other:
        other.rollback()
        other.autocommit = True
        _execute(other, f"NOTIFY {quote_ident(probe, other)}")
    arrived = _arrives(connection, probe)
    # also after a failure: the session may go on to serve others
    _execute(connection, "UNLISTEN *")
    if not arrived:
        raise SetupError(
            "notifications do not arrive through the proxy before PostgreSQL (a transaction-pooling "
            "PgBouncer?): set SA_NOTIFY_LISTEN_URL to PostgreSQL itself or to a session-pooling port"
        )


def _arrives(connection: Connection, channel: str) -> bool:
    readable = select.poll()
    readable.register(connection.fileno(), select.POLLIN)
    deadline = time.monotonic() + PROBE_SECONDS
    while (left := deadline - time.monotonic()) > 0:
        readable.poll(left * 1000)
        connection.poll()
        if any(notify.channel == channel for notify in connection.notifies):
            return True
    return False


def _execute(connection: Connection, statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
