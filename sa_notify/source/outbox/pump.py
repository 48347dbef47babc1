"""The native thread that reads the outbox and hands over what it finds."""

import contextlib
import logging
import time
from collections.abc import Collection, Sequence
from typing import Final

from psycopg2 import Error

from sa_notify.change import Change, ChangeSet
from sa_notify.errors import SetupError, SourceLost
from sa_notify.source.losing import first_line
from sa_notify.source.mailbox import Mailbox
from sa_notify.source.native import NativeThread, native
from sa_notify.source.outbox.desk import Desk
from sa_notify.source.outbox.doorbell import Doorbell
from sa_notify.source.outbox.ear import NOTHING, Ear, Heard
from sa_notify.source.outbox.keeper import Keeper
from sa_notify.source.outbox.notes import Notes
from sa_notify.source.outbox.order import changesets
from sa_notify.source.outbox.pace import QUIET_SECONDS, Pace
from sa_notify.source.outbox.reader import Reader
from sa_notify.source.outbox.registration import BEAT_SECONDS, Registration
from sa_notify.source.outbox.session import Session
from sa_notify.source.payloads import Grouped, Payloads
from sa_notify.source.signals import RING, WANTED
from sa_notify.source.tickets import Ticket, Tickets
from sa_notify.source.waker import Waker

logger = logging.getLogger(__name__)

#: The keeper tells others of changes at most this often: each telling is a commit with NOTIFY.
TELL_SECONDS: Final = 0.005
#: How often to look whether the mailbox has room again.
FULL_SECONDS: Final = 0.010
#: Of PostgreSQL's queue of notifications, the part past which nobody is asked to ring.
FULL_QUEUE: Final = 0.1
_NEVER: Final = float("inf")


class Pump:
    """Reads in a thread of its own until it is stopped or something is lost.

    :param ear: hears the bell; ``None`` behind a pooler.
    :param keeper: what this process does for the others; ``None`` where another does it.
    """

    def __init__(
        self,
        epoch: str,
        session: Session,
        *,
        ear: Ear | None,
        reader: Reader,
        registration: Registration,
        keeper: Keeper | None,
        mailbox: Mailbox,
        payloads: Payloads,
        pace: Pace,
    ) -> None:
        self._epoch, self._position = epoch, 0
        self._session, self._ear, self._reader = session, ear, reader
        self._registration, self._keeper, self._mailbox = registration, keeper, mailbox
        self._payloads, self._pace = payloads, pace
        self._doorbell = Doorbell(session) if keeper and pace.bell else None
        self._desk = Desk(session, pooled=ear is None)
        self._notes = Notes(session) if ear is None else None
        self._tickets, self._waker, self._thread = Tickets(), Waker(), NativeThread(self._run)
        self._stopped = self._answered = False
        self._kept: frozenset[str] | None = None
        #: Who only wants to see that PostgreSQL answers.
        self._pings: list[Ticket] = []
        self._read_at = self._beat_at = self._sleep_at = self._told_at = 0.0
        self._owes = False

    # -- from any thread

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, seconds: float) -> bool:
        """End it; waits for its last statement at most that long. Whether it has ended."""
        self._stopped = True
        self._waker.set()
        if ended := self._thread.join(seconds):
            self._waker.close()
        return ended

    def ask(self, ticket: Ticket) -> frozenset[str]:
        """Wait for the answer.

        :raises SourceLost: when there is none.
        """
        self._tickets.put(ticket)
        self._waker.set()
        return ticket.wait()

    def keep(self, tables: Collection[str]) -> None:
        """All that is wanted from now on."""
        self._kept = frozenset(tables)

    def answered(self) -> None:
        """The keeper of this process has answers."""
        self._answered = True
        self._waker.set()

    # -- the thread

    def _run(self) -> None:
        try:
            self._pace.found(time.monotonic())
            while not self._stopped:
                self._turn()
            self._registration.end()
        except SourceLost as error:
            self._mailbox.fail(error)
            with contextlib.suppress(Error):
                self._registration.end()
        except (SetupError, Error, OSError) as error:
            self._mailbox.fail(SourceLost(first_line(error)))
        except Exception as error:
            logger.exception("the reader of the outbox failed unexpectedly")
            self._mailbox.fail(SourceLost(first_line(error)))
        finally:
            self._mailbox.fail(SourceLost("not open in this process"))
            self._tickets.close()
            self._answer_pings(None)
            self._desk.close()

    def _turn(self) -> None:
        heard = self._wait()
        now = time.monotonic()
        self._deliver(self._payloads.grouped([*heard.payloads, *self._noted(now)]))
        self._attend(heard, now)
        if heard.rang or self._pings or now >= self._read_at:
            self._read(now, heard)
        if not self._mailbox.full:  # else nothing was read
            self._answer_pings(frozenset())
        if now >= self._desk.due:
            self._desk.look()
        if now >= self._beat_at:
            self._beat(now)
        self._tell(now)
        self._fall_asleep(now)

    def _noted(self, now: float) -> list[str]:
        return self._notes.look(now) if self._notes is not None and now >= self._notes.due else []

    def _wait(self) -> Heard:
        until = min(self._read_at, self._beat_at, self._desk.due, self._told_at if self._owes else _NEVER)
        waiting = native("select", "poll")()
        waiting.register(self._waker.fileno(), 1)
        if self._ear is not None:
            waiting.register(self._ear.fileno(), 1)
        seconds = 0.0 if self._ear is not None and self._ear.waiting else until - time.monotonic()
        ready = waiting.poll(max(0.0, seconds) * 1000)
        if any(fileno == self._waker.fileno() for fileno, _ in ready):
            self._waker.clear()
        return NOTHING if self._ear is None else self._ear.hear()

    # -- what is wanted

    def _attend(self, heard: Heard, now: float) -> None:
        """Take questions in."""
        asked = list(self._tickets.take())
        self._pings += [ticket for ticket in asked if not ticket.tables]
        takes = [ticket for ticket in asked if ticket.tables]
        if takes:
            self._desk.add(takes, now)
            self._beat(now)
            self._ask_keeper()
        elif heard.wanted and self._keeper:
            self._keeper.hurry()
        if heard.answered or self._answered:
            self._answered = False
            self._desk.look()

    def _answer_pings(self, answer: frozenset[str] | None) -> None:
        pings, self._pings = self._pings, []
        for ping in pings:
            ping.answer(answer)

    def _ask_keeper(self) -> None:
        if self._keeper:
            self._keeper.hurry()
        else:
            self._session.signal(WANTED)

    def _beat(self, now: float) -> None:
        kept, self._kept = self._kept, None
        if kept is not None:
            self._desk.keep(kept, now)
        self._registration.beat(self._reader.processed, self._desk.wanted(now))
        self._beat_at = now + BEAT_SECONDS
        if self._doorbell:
            self._spare_writers(self._doorbell, now)

    def _spare_writers(self, doorbell: Doorbell, now: float) -> None:
        """Have nobody ring while the queue of notifications fills up: in a full one it fails the COMMIT."""
        full = doorbell.queue_usage() > FULL_QUEUE
        if full and self._pace.asleep:
            doorbell.release()
            self._pace.wake(now)
            self._read_at = now
        if full:
            # what was taken back when it did not fit wakes nobody, and stays until somebody is woken
            self._session.signal(RING)
        self._pace.hush(full)

    # -- changes

    def _read(self, now: float, heard: Heard) -> bool:
        if self._mailbox.full:
            self._read_at = now + FULL_SECONDS
            return True
        rows = self._reader.read()
        if rows:
            for transactions in changesets(rows):
                self._deliver(transactions)
            self._pace.found(now, len({row.xid for row in rows}))
            # whoever rings while the keeper is awake tells of one transaction, and others may have read then
            self._owes = self._owes or not (heard.rang and self._pace.asleep)
        else:
            self._pace.found_nothing()
        if heard.rang and self._doorbell and self._pace.asleep and self._pace.rang(now):
            self._doorbell.release()
            self._pace.wake(now)
        self._read_at = now + self._pace.seconds
        return bool(rows)

    def _deliver(self, transactions: Sequence[Grouped]) -> None:
        self._mailbox.put([self._changeset(xid, changes) for xid, changes in transactions])

    def _changeset(self, xid: int, changes: list[Change]) -> ChangeSet:
        self._position += 1
        return ChangeSet(self._epoch, self._position, xid, tuple(changes))

    def _tell(self, now: float) -> None:
        """Wake the other sources, who have not heard the bell."""
        if self._owes and now >= self._told_at:
            self._owes = False
            self._told_at = now + TELL_SECONDS
            if self._keeper and self._reader.others:
                self._session.signal(RING)

    def _fall_asleep(self, now: float) -> None:
        if self._doorbell is None or not self._pace.tired(now) or now < self._sleep_at:
            return
        self._sleep_at = now + QUIET_SECONDS
        if not self._doorbell.hold():
            return
        if self._read(now, NOTHING):
            self._doorbell.release()
        else:
            self._pace.sleep()
            self._read_at = now + self._pace.seconds
