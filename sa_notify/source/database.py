"""Changes of one database, whichever way they travel."""

import contextlib
import logging
from collections import deque
from collections.abc import Callable, Mapping
from typing import Literal, Protocol

from sa_notify.capture.outbox import OUTBOX_QUERY
from sa_notify.change import ChangeSet
from sa_notify.errors import ConfigurationError, SetupError, SourceLost
from sa_notify.source.base import Source
from sa_notify.source.interest import Interest
from sa_notify.source.listening import Connect, begin_session
from sa_notify.source.losing import losing
from sa_notify.source.notify import NotifySource

logger = logging.getLogger(__name__)

_NO_OUTBOX = (
    "go into the outbox, which this database does not have: run `alembic revision --autogenerate` and "
    "`alembic upgrade head`"
)
_NO_LISTENING = (
    'travel by NOTIFY, which is not heard with SA_NOTIFY_WAKE="poll": decorate its model with '
    '@realtime(delivery="outbox"), run `alembic revision --autogenerate` and `alembic upgrade head`'
)


def database_source(
    connect: Connect, wake: Literal["notify", "poll"], *, whispered: Callable[[str], None] = lambda _: None
) -> "DatabaseSource":
    """A new feed of a database.

    :param wake: as :class:`sa_notify.source.outbox.source.OutboxSource` has it.
    :param whispered: called by :meth:`DatabaseSource.read` with what web processes tell each other.
    """
    whispers = deque[str]()

    def outbox() -> OutboxLike:
        from sa_notify.source.outbox.source import OutboxSource

        return OutboxSource(connect, wake=wake, whispered=whispers.append)

    source = DatabaseSource(connect, outbox, listen=wake == "notify", whispers=whispers)
    source.whispered = whispered
    return source


class OutboxLike(Source, Interest, Protocol):
    """A source that is told which tables are wanted."""


class DatabaseSource:
    """Follows the outbox where the database has one, and NOTIFY alone where it has none.

    Each :meth:`open` looks anew. The outbox's source hears NOTIFY as well, so tables of both deliveries
    are followed side by side. Where there is an outbox that can't be used, NOTIFY goes on: one ERROR
    tells what to do, and :attr:`unread` names the delivery whose tables can only be read by the clock.

    :param connect: makes a new connection to the primary.
    :param outbox: makes the source of the outbox.
    :param listen: the connection can LISTEN; without that there is the outbox or nothing.
    :param whispers: where the outbox's source puts what web processes tell each other.
    """

    def __init__(
        self,
        connect: Connect,
        outbox: Callable[[], OutboxLike],
        *,
        listen: bool = True,
        whispers: deque[str] | None = None,
    ) -> None:
        self._connect = connect
        self._make_outbox = outbox
        self._outbox: OutboxLike | None = None
        self._whispers = deque[str]() if whispers is None else whispers
        self._notify = NotifySource(connect, whispered=self._whispers.append)
        #: Called with each of them.
        self.whispered: Callable[[str], None] = lambda _: None
        self._listen = listen
        self._source: Source = self._notify
        self._unread: Mapping[str, str] = {}
        self._refusal = ""
        self._interrupted = False

    @property
    def interest(self) -> Interest | None:
        """Where to say which tables are wanted; ``None`` while all are announced."""
        return self._outbox if self._outbox is self._source else None

    @property
    def unread(self) -> Mapping[str, str]:
        """Deliveries that are not followed, since :meth:`open`: how a sentence about a table ends."""
        return self._unread

    @property
    def epoch(self) -> str:
        return self._source.epoch

    def open(self) -> None:
        """Connect to what there is; see :class:`sa_notify.source.base.Source`."""
        self.close()
        self._interrupted = False
        if self._listen and not self._has_outbox():
            self._refusal = ""
            self._open(self._notify, {"outbox": _NO_OUTBOX})
            return
        self._outbox = self._outbox or self._make_outbox()
        try:
            self._open(self._outbox, {} if self._listen else {"notify": _NO_LISTENING})
        except SetupError as error:
            if not self._listen:
                raise
            self._refuse(error)
            self._open(self._notify, {"outbox": f"go into the outbox, which can't be followed: {error}"})
        else:
            self._accept()

    def usable(self) -> bool:
        """Whether the outbox can be followed now, by a trial; waits for the network."""
        trial = self._make_outbox()
        try:
            trial.open()
        except (SetupError, SourceLost):
            return False
        finally:
            trial.close()
        return True

    def awaits_outbox(self) -> bool:
        """Whether NOTIFY alone is followed although the outbox could be; waits for the network."""
        if self.interest is not None:
            return False
        with contextlib.suppress(SetupError, SourceLost):
            return self._has_outbox() and self.usable()
        return False

    def fileno(self) -> int:
        return self._source.fileno()

    def read(self) -> list[ChangeSet]:
        found = self._source.read()
        while self._whispers:
            self.whispered(self._whispers.popleft())
        return found

    def ping(self) -> list[ChangeSet]:
        return self._source.ping()

    @property
    def age(self) -> float:
        """See :class:`sa_notify.source.base.Source`."""
        return self._source.age

    def post(self, text: str) -> None:
        """Leave a whisper in the outbox, for processes that hear nothing; waits for the network.

        :raises SourceLost: when it can't be left.
        """
        from sa_notify.source.outbox.notes import post
        from sa_notify.source.outbox.session import Session

        with losing(), contextlib.closing(self._connect()) as connection:
            begin_session(connection, pooled=True)
            post(Session(connection, pooled=True), text)

    def interrupt(self) -> None:
        self._interrupted = True
        self._source.interrupt()

    def close(self) -> None:
        self._source.close()

    # -- inside

    def _open(self, source: Source, unread: Mapping[str, str]) -> None:
        self._source, self._unread = source, unread
        if self._interrupted:
            raise SourceLost("interrupted while connecting")
        source.open()

    def _has_outbox(self) -> bool:
        try:
            with contextlib.closing(self._connect()) as connection, connection.cursor() as cursor:
                cursor.execute(OUTBOX_QUERY)
                return cursor.fetchone() is not None
        except (ConfigurationError, SourceLost):
            raise
        except Exception as error:
            # an application's own creator may raise anything
            raise SourceLost(f"can't connect: {str(error).strip().partition(chr(10))[0]}") from error

    def _refuse(self, error: SetupError) -> None:
        if str(error) != self._refusal:
            self._refusal = str(error)
            logger.error('tables with delivery="outbox" are read by the clock only: %s', error)

    def _accept(self) -> None:
        if self._refusal:
            self._refusal = ""
            logger.info("the outbox is followed again")
