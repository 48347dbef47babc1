"""One unbroken stretch of the outbox: its connections, the thread that reads, and what is kept for others."""

import logging
import os
import time
import uuid
from collections.abc import Callable
from typing import Final

from sa_notify.errors import SourceLost
from sa_notify.source.listening import Connect, begin_listening
from sa_notify.source.mailbox import Mailbox
from sa_notify.source.native import native
from sa_notify.source.outbox.check import check_outbox
from sa_notify.source.outbox.ear import CHANNEL, Ear
from sa_notify.source.outbox.keeper import Keeper, end_silent_keeper, is_free
from sa_notify.source.outbox.pace import POLLED_SECONDS, SILENT_SECONDS, Pace
from sa_notify.source.outbox.pump import Pump
from sa_notify.source.outbox.reader import Reader
from sa_notify.source.outbox.registration import Registration, current_term
from sa_notify.source.outbox.session import Connections, Session
from sa_notify.source.payloads import Payloads

logger = logging.getLogger(__name__)

#: A keeper that is just beginning, or ending, is waited for so long.
KEEPER_SECONDS: Final = 3.0
_AGAIN_SECONDS: Final = 0.02
#: Those who do not keep look this often whether somebody does: a keeper's death shows so.
FOLLOWER_SECONDS: Final = 0.5
_STOP_SECONDS: Final = 2.0


class Following:
    """What :class:`~sa_notify.source.outbox.source.OutboxSource` opens and closes as one."""

    def __init__(
        self,
        connect: Connect,
        *,
        pooled: bool,
        limit_bytes: int,
        safety_seconds: float,
        whispered: Callable[[str], None],
    ) -> None:
        self.epoch = uuid.uuid4().hex
        self.pid = os.getpid()
        #: That names of tables are said in, as :func:`sa_notify.source.payloads.encoded` does.
        self.codec = "utf-8"
        self.mailbox = Mailbox()
        self.pump: Pump | None = None
        self._connect, self._pooled = connect, pooled
        self._limit_bytes, self._safety_seconds = limit_bytes, safety_seconds
        self._connections = Connections(connect, pooled=pooled)
        self._keeper: Keeper | None = None
        self._tell = whispered

    def open(self) -> None:
        """Begin to read.

        :raises SourceLost: when PostgreSQL or the keeper can't be reached.
        :raises SetupError: when the outbox can't be read.
        :raises psycopg2.Error: when a connection fails.
        """
        connection, codec = self._connections.open()
        if not self._pooled:
            codec = begin_listening(connection, CHANNEL, self._connect)
        self.codec = codec
        session = Session(connection, pooled=self._pooled)
        check_outbox(session)
        term = self._term(session)
        registration = Registration(session)
        reader = Reader(
            session, pooled=self._pooled, reader_id=registration.id, term=term, since=registration.begin(),
            codec=codec,
        )  # fmt: skip
        self.pump = Pump(
            self.epoch, session, ear=self._ear(session), reader=reader, registration=registration,
            keeper=self._keeper, mailbox=self.mailbox, payloads=Payloads(codec, self._whispered),
            pace=self._pace(session),
        )  # fmt: skip
        if self._keeper:
            self._keeper.start(self._lost, self.pump.answered)
        self.pump.start()

    def interrupt(self) -> None:
        """Have everything that waits end; from any thread."""
        self._lost(SourceLost("interrupted"))

    def close(self) -> None:
        """Give everything back; in a forked child, leave the parent's alone."""
        if self.pid == os.getpid():
            parts = [part for part in (self.pump, self._keeper) if part is not None]
            ended = all(part.stop(_STOP_SECONDS) for part in parts)
            self._connections.cut()
            if not ended:
                # what is cut off ends at once
                for part in parts:
                    part.stop(_STOP_SECONDS)
        self._connections.close_all()
        self.mailbox.close()

    # -- inside

    def _whispered(self, text: str) -> None:
        self._tell(text)
        self.mailbox.wake()

    def _lost(self, error: SourceLost) -> None:
        self.mailbox.fail(error)
        self._connections.cut()

    def _term(self, session: Session) -> str:
        """The term of who keeps the outbox: this process, if nobody else does."""
        ended = end_silent_keeper(session, idle=True)
        term = self._kept(session)
        if term is None and end_silent_keeper(session):
            ended, term = True, self._kept(session)
        if ended:
            logger.warning("the process that kept the outbox did not answer: its sessions were ended")
        if term is None:
            raise SourceLost("the process that keeps the outbox does not answer")
        return term

    def _kept(self, session: Session) -> str | None:
        deadline = time.monotonic() + KEEPER_SECONDS
        while time.monotonic() < deadline:
            if is_free(session):
                self._keeper = Keeper.take(
                    self._connections, pooled=self._pooled, limit_bytes=self._limit_bytes
                )
                if self._keeper is not None:
                    return self._keeper.term
            elif (term := current_term(session)) is not None:
                return term
            native("time", "sleep")(_AGAIN_SECONDS)
        return None

    def _ear(self, session: Session) -> Ear | None:
        if self._pooled:
            return None
        ((backend,),) = session.rows("SELECT pg_catalog.pg_backend_pid()")
        return Ear(session.connection, backend)

    def _pace(self, session: Session) -> Pace:
        if self._pooled:
            return Pace(bell=False, slowest=POLLED_SECONDS)
        if self._keeper and _may_prepare(session):
            # PREPARE TRANSACTION refuses what has rung
            return Pace(bell=False, slowest=SILENT_SECONDS)
        if self._keeper:
            return Pace(bell=True, safety_seconds=self._safety_seconds)
        pace = Pace(bell=True, safety_seconds=min(FOLLOWER_SECONDS, self._safety_seconds))
        pace.sleep()
        return pace


def _may_prepare(session: Session) -> bool:
    ((most,),) = session.rows("SELECT pg_catalog.current_setting('max_prepared_transactions')::int")
    return bool(most)
