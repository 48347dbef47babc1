"""``muted()``: many writes, one notice for each table they touch."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, RootTransaction, event, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from sa_notify.errors import ConfigurationError

_READ = text("SELECT coalesce(current_setting('sa_notify.muted', true), '')")
_SET = text("SELECT set_config('sa_notify.muted', :value, true)")
_BEGINS = ("begin", "begin_twophase")


class muted:  # noqa: N801, used as a statement
    """Announce what is written inside as one "read the table again" for each table, at commit.

    For imports and corrections of many rows: readers read once, whatever was written. Use it as
    ``with muted(session):``, or ``async with`` for an ``AsyncSession`` or ``AsyncConnection``. It nests,
    holds for every transaction that begins inside, and ends with the block or the transaction,
    whichever is first. A session is flushed when the block begins and ends, so that exactly what is written
    inside is muted. A SERIALIZABLE transaction tells a table once for each statement. On other databases
    than PostgreSQL it does nothing.

    :param subject: a ``Session``, ``scoped_session``, ``Connection`` or one of their async counterparts.
    :raises ConfigurationError: it is something else, or commits each statement by itself.
    """

    def __init__(self, subject: Any) -> None:
        self._subject: Any = subject if isinstance(subject, Session | Connection) else _unwrapped(subject)
        self._entered: list[AbstractContextManager[None]] = []

    def __enter__(self) -> Self:
        if not isinstance(self._subject, Session | Connection):
            raise ConfigurationError(f"write `async with muted(...)` for a {type(self._subject).__name__}")
        self._enter(self._subject)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._entered.pop().__exit__(kind, error, trace)

    async def __aenter__(self) -> Self:
        if isinstance(self._subject, Session | Connection):
            raise ConfigurationError(f"write `with muted(...)` for a {type(self._subject).__name__}")
        await self._subject.run_sync(self._enter)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._subject.run_sync(lambda _: self.__exit__(kind, error, trace))

    def _enter(self, subject: Session | Connection) -> None:
        block = _session(subject) if isinstance(subject, Session) else _connection(subject)
        block.__enter__()
        self._entered.append(block)


def _unwrapped(subject: Any) -> Any:
    if hasattr(subject, "registry"):  # scoped_session, async_scoped_session
        return subject.registry()
    if hasattr(subject, "run_sync"):
        return subject
    raise ConfigurationError(f"muted() takes a Session or a Connection, not {type(subject).__name__}")


@contextmanager
def _session(session: Session) -> Iterator[None]:
    session.flush()
    with _Muting() as muting:
        for connection in _connections(session):
            muting.begin(connection)
        with _listening(session, ["after_begin"], lambda _session, _transaction, c: muting.begin(c)):
            yield
            session.flush()


@contextmanager
def _connection(connection: Connection) -> Iterator[None]:
    with _Muting() as muting:
        if connection.in_transaction():
            muting.begin(connection)
        with _listening(connection, _BEGINS, lambda c, *_: muting.begin(c)):
            yield


@contextmanager
def _listening(subject: Any, events: Any, handler: Any) -> Iterator[None]:
    for name in events:
        event.listen(subject, name, handler)
    try:
        yield
    finally:
        for name in events:
            event.remove(subject, name, handler)


def _connections(session: Session) -> list[Connection]:
    """Those that a session's transaction has, in the savepoint where the session is."""
    transaction = session.get_transaction()
    entries = transaction._connections.values() if transaction else ()  # noqa: SLF001, no public way
    engines = dict.fromkeys(entry[0].engine for entry in entries)
    # a session's savepoint begins on a connection when that is asked for
    return [session.connection(bind_arguments={"bind": engine}) for engine in engines]


class _Muting:
    """One block: which transactions it muted, and what their setting was before."""

    def __init__(self) -> None:
        self._begun: dict[Connection, tuple[RootTransaction | None, str]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        for connection, (transaction, before) in self._begun.items():
            if connection.in_transaction() and transaction in (None, connection.get_transaction()):
                # a transaction that failed forgets the setting when it is rolled back
                with suppress(SQLAlchemyError):
                    connection.execute(_SET, {"value": before})

    def begin(self, connection: Connection) -> None:
        """Mute the connection's transaction; while it is beginning the connection doesn't have it yet."""
        if connection.dialect.name != "postgresql":
            return
        if getattr(connection.connection.dbapi_connection, "autocommit", False):
            raise ConfigurationError(
                "muted() lasts for a transaction, and this connection commits each statement by itself: "
                'take one without isolation_level="AUTOCOMMIT"'
            )
        transaction = connection.get_transaction()
        if transaction is None or self._begun.get(connection, (None,))[0] is not transaction:
            self._begun[connection] = (transaction, str(connection.execute(_READ).scalar_one()))
        connection.execute(_SET, {"value": "on"})
