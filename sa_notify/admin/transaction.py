"""One reading's transaction: a session of its own, one snapshot, nothing left behind."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Text, cast, func, select
from sqlalchemy.orm import Session, scoped_session

from sa_notify.admin.statements import Statements
from sa_notify.errors import SetupError
from sa_notify.live.snapshot import Snapshot

_SNAPSHOT = select(cast(func.pg_current_snapshot(), Text))


@contextmanager
def own_session(source: Any) -> Iterator[Session]:
    """The view's session, new for this block and closed after it.

    :param source: what the view was given: Flask-SQLAlchemy's ``db``, or a ``scoped_session``.
    """
    registry = getattr(source, "session", source)
    if isinstance(registry, Session):
        try:
            yield registry
        finally:
            registry.close()
        return
    store = registry.registry
    previous = store() if store.has() else None
    store.clear()
    try:
        yield registry()
    finally:
        registry.remove()
        if previous is not None:
            store.set(previous)


def check_session(source: Any) -> None:
    """Refuse what can't give each reading a session of its own.

    :raises SetupError: for a plain Session.
    """
    if isinstance(source, Session):
        raise SetupError("one Session can't serve all requests: give the view db, or a scoped_session")
    if not isinstance(getattr(source, "session", source), (scoped_session, Session)):
        raise SetupError(f"{type(source).__name__} is not a session: give the view db, or a scoped_session")


class Transaction:
    """REPEATABLE READ on the view's session, with its snapshot and its statements.

    :param mapper: chooses the engine, where the session has several.
    """

    def __init__(self, session: Session, mapper: Any, statements: Statements) -> None:
        self._session = session
        self._mapper = mapper
        self._statements = statements
        self._snapshot: Snapshot | None = None
        self._begin()

    @property
    def started(self) -> bool:
        """Whether the view has admitted the subscriber and begun to read."""
        return self._snapshot is not None

    @property
    def snapshot(self) -> Snapshot:
        """What the rows were read from."""
        if self._snapshot is None:
            raise SetupError("the view did not run its index_view: override get_list or get_query instead")
        return self._snapshot

    @property
    def connection(self) -> Connection:
        return self._session.connection(bind_arguments={"mapper": self._mapper})

    def start(self) -> None:
        """From here on everything that is read makes the page.

        What the access check has loaded is read again when it is needed: an object that is in the
        session already would not show that the page depends on its table.
        """
        if self._statements.connections != 1:  # a user loader that commits has ended the transaction
            self._session.rollback()
            self._begin()
        self._session.expire_all()
        self._snapshot = Snapshot.parse(str(self.connection.scalar(_SNAPSHOT)))
        self._statements.recording = True

    def _begin(self) -> None:
        self._statements.connections = 0
        self._session.connection(
            bind_arguments={"mapper": self._mapper},
            execution_options={"isolation_level": "REPEATABLE READ"},
        )


def is_postgresql(source: Any, mapper: Any) -> bool:
    """Whether the view's session leads to PostgreSQL."""
    session = getattr(source, "session", source)
    return bool(session.get_bind(mapper=mapper).dialect.name == "postgresql")
