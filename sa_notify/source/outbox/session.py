"""Sessions with PostgreSQL that one thread at a time uses."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import Any, Final

from psycopg2.errors import LockNotAvailable, ProgramLimitExceeded
from psycopg2.extensions import connection as Connection  # noqa: N812

from sa_notify.errors import ConfigurationError, SourceLost
from sa_notify.source.listening import Connect, begin_session
from sa_notify.source.losing import first_line
from sa_notify.source.native import Guard
from sa_notify.source.sockets import SocketHandle

STATEMENT_SECONDS: Final = 5
#: PostgreSQL 17, as libpq has it: the first with ``transaction_timeout``.
TRANSACTION_TIMEOUT_VERSION: Final = 170_000

#: The slots are never analyzed, so the planner must be told; nothing here is lost that a crash would not
#: take anyway, so no commit waits for the disk. What a role or a database sets for its transactions is not
#: for ours: a serializable reader makes serializable writers fail.
_SETTINGS: Mapping[str, str] = {
    "statement_timeout": f"{STATEMENT_SECONDS}s",
    "lock_timeout": "0",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "synchronous_commit": "off",
    "plan_cache_mode": "force_generic_plan",
    "search_path": "pg_catalog",
}
_MODE: Final = "ISOLATION LEVEL READ COMMITTED, READ WRITE"
_LOCAL: Final = f"SET TRANSACTION {_MODE}; " + "".join(
    f"SET LOCAL {name} = '{value}'; " for name, value in _SETTINGS.items()
)
_GLOBAL: Final = f"SET SESSION CHARACTERISTICS AS TRANSACTION {_MODE}; " + "".join(
    f"SET {name} = '{value}'; " for name, value in _SETTINGS.items()
)


#: A process that is stopped in the middle must not keep the others from its locks.
_AWAKE: Final = f"SET LOCAL idle_in_transaction_session_timeout = '{STATEMENT_SECONDS}s'; "


_WAITING: Final = """
SELECT FROM pg_catalog.pg_locks l WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND NOT l.granted
AND l.classid = {high} AND l.objid = {low} AND l.database = (
  SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()
)
"""


class Session:
    """One connection in autocommit.

    :param pooled: each transaction may come to another backend: nothing is set for longer than one.
    """

    def __init__(self, connection: Connection, *, pooled: bool) -> None:
        self.connection = connection
        self._pooled = pooled
        self._inside = False
        if not pooled:
            self._execute(_GLOBAL)

    def rows(self, sql: str, arguments: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Run one statement, and what it gives.

        :raises psycopg2.Error: when it fails.
        """
        prefix = _LOCAL if self._pooled and not self._inside else ""
        return self._execute(prefix + sql, arguments)

    def signal(self, payload: str) -> None:
        """NOTIFY other sources, who look by the clock as well: unsaid where the server's queue is full.

        :raises psycopg2.Error: when the connection is gone.
        """
        with contextlib.suppress(ProgramLimitExceeded):
            self.rows("SELECT pg_catalog.pg_notify('sa_notify', %s)", (payload,))

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Several statements as one."""
        self._execute(f"BEGIN; {_AWAKE}" + (_LOCAL if self._pooled else ""))
        self._inside = True
        try:
            yield
            self._execute("COMMIT")
        except BaseException:
            with contextlib.suppress(Exception):
                self._execute("ROLLBACK")
            raise
        finally:
            self._inside = False

    def _execute(self, sql: str, arguments: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(sql, arguments or None)
            return [] if cursor.description is None else cursor.fetchall()


class LockSession:
    """One connection that holds advisory locks for as long as it lives.

    Behind a pooler a transaction keeps the backend; it has no snapshot, and so holds nothing else up:
    ``READ COMMITTED``, whatever the role's default is.
    """

    def __init__(self, connection: Connection, *, pooled: bool) -> None:
        self._connection = connection
        self._pooled = pooled
        timeouts = ["statement_timeout", "idle_in_transaction_session_timeout"]
        if connection.server_version >= TRANSACTION_TIMEOUT_VERSION:
            timeouts.append("transaction_timeout")
        begin, scope = (f"BEGIN {_MODE}; ", "LOCAL") if pooled else ("", "SESSION")
        self._execute(begin + "; ".join(f"SET {scope} {name} = 0" for name in timeouts))

    def backend(self) -> int:
        """The process that holds the locks; proves that it does.

        :raises psycopg2.Error: when it is gone.
        """
        return int(self._execute("SELECT pg_catalog.pg_backend_pid()")[0][0])

    def try_lock(self, *keys: int) -> list[int]:
        """Take those that are free; which ones were."""
        # an array: a SELECT has at most 1,664 columns
        tried = ", ".join(f"pg_catalog.pg_try_advisory_lock({key})" for key in keys)
        ((obtained,),) = self._execute(f"SELECT ARRAY[{tried}]")
        return [key for key, got in zip(keys, obtained, strict=True) if got]

    def lock(self, key: int, seconds: float) -> bool:
        """Wait for one, for ever if ``seconds`` is 0; whether it was obtained."""
        statement = (
            f"SET LOCAL lock_timeout = {round(seconds * 1000)}; SELECT pg_catalog.pg_advisory_lock({key})"
        )
        # locks of a session survive its savepoints
        before, after = (
            ("SAVEPOINT sa_notify; ", "; RELEASE SAVEPOINT sa_notify") if self._pooled else ("", "")
        )
        try:
            self._execute(before + statement + after)
        except LockNotAvailable:
            if self._pooled:
                self._execute("ROLLBACK TO SAVEPOINT sa_notify; RELEASE SAVEPOINT sa_notify")
            return False
        return True

    def unlock(self, *keys: int) -> None:
        """Give these back."""
        self._execute(f"SELECT ARRAY[{', '.join(f'pg_catalog.pg_advisory_unlock({key})' for key in keys)}]")

    def is_waited_for(self, key: int) -> bool:
        """Whether another session waits for one of them."""
        ((waited,),) = self._execute(
            f"SELECT EXISTS ({_WAITING.format(high=key >> 32, low=key & 0xFFFFFFFF)})"
        )
        return bool(waited)

    def _execute(self, sql: str) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            return [] if cursor.description is None else cursor.fetchall()


class Connections:
    """All connections of one epoch, so that they can be cut off from any thread.

    :param connect: makes one.
    """

    def __init__(self, connect: Connect, *, pooled: bool = False) -> None:
        self._connect, self._pooled = connect, pooled
        self._guard = Guard()
        self._open: dict[Connection, SocketHandle] = {}
        self._cut = False
        self._pid = os.getpid()

    def open(self) -> tuple[Connection, str]:
        """A new connection in autocommit, and its codec.

        :raises SourceLost: when it can't be made, or all were cut.
        :raises SetupError: when it never can.
        """
        connection = self._connected()
        try:
            handle = SocketHandle(connection.fileno())
            handle.keep_alive()
            with self._guard:
                self._open[connection] = handle
            self.check()
            return connection, begin_session(connection, pooled=self._pooled)[1]
        except BaseException:
            self.close(connection)
            raise

    def check(self) -> None:
        """See that they were not cut.

        :raises SourceLost: when they were.
        """
        if self._cut:
            raise SourceLost("interrupted while connecting")

    def cut(self) -> None:
        """End whatever waits on them, now and later; from any thread."""
        with self._guard:
            self._cut = True
            handles = list(self._open.values())
        if self._pid == os.getpid():
            for handle in handles:
                handle.cut()

    def cut_one(self, connection: Connection) -> None:
        """End whatever waits on one of them; from any thread."""
        with self._guard:
            handle = self._open.get(connection)
        if handle is not None and self._pid == os.getpid():
            handle.cut()

    def close(self, connection: Connection) -> None:
        """Give one back; in a forked child, leave the parent's alone."""
        with self._guard:
            handle = self._open.pop(connection, None)
        if handle is not None:
            handle.close()
        if self._pid == os.getpid():
            with contextlib.suppress(Exception):
                connection.close()

    def close_all(self) -> None:
        """Give all back."""
        for connection in list(self._open):
            self.close(connection)

    def _connected(self) -> Connection:
        try:
            return self._connect()
        except (ConfigurationError, SourceLost):
            raise
        except Exception as error:
            # an application's own creator may raise anything
            raise SourceLost(f"can't connect: {first_line(error)}") from error
