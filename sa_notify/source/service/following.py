"""One epoch of a web worker's feed: two native threads, one that reads and one that tells."""

import logging
import os
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, Final

import redis

from sa_notify.errors import MessageError, SourceLost
from sa_notify.redis.connect import FAILURES, told
from sa_notify.redis.keys import Keys
from sa_notify.source.mailbox import Mailbox
from sa_notify.source.native import Guard, NativeThread, Signal, native
from sa_notify.source.service.feed import Feed
from sa_notify.source.service.revocation import Revocation
from sa_notify.source.service.worker import Worker
from sa_notify.source.tickets import Ticket, Tickets
from sa_notify.source.wanted import Wanted
from sa_notify.source.wants import Wants

logger = logging.getLogger(__name__)

#: How often a worker says that it lives.
RENEW_SECONDS: Final = 5.0
#: How long one XREAD waits: as long as a thread takes to notice that it is to end.
BLOCK_MS: Final = 500
AT_ONCE: Final = 100
#: How often to look whether the mailbox has room again.
FULL_SECONDS: Final = 0.010
STOP_SECONDS: Final = 1.0
_NEVER: Final = float("inf")

#: How often a worker notes the tick; half as often as proofs come would make views doubtful.
TICK_SECONDS: Final = 0.25
_TICKS: Final = 64

Clients = dict[str, Mapping[str, Any] | None]


class Following:
    """What :class:`~sa_notify.source.service.source.ServiceSource` opens and closes as one.

    :param connect: makes a client of Redis; each thread has its own.
    :param info: what this process says of itself.
    :param to_revoke: what is to be told to all; what can't be told now is left there for the next epoch.
    """

    def __init__(
        self,
        connect: Callable[[], redis.Redis],
        keys: Keys,
        info: Callable[[], Mapping[str, Any]],
        to_revoke: deque[Revocation],
    ) -> None:
        self.pid = os.getpid()
        self.mailbox = Mailbox()
        self.feed = Feed(self.mailbox, self._answered, self._revoked, self._proven)
        #: Told to this worker, and to be told to all.
        self._revocations, self._to_revoke = deque[Revocation](), to_revoke
        self.unread: Mapping[str, str] = {}
        self._connect, self._keys, self._info = connect, keys, info
        self._tickets, self._signal, self._guard = Tickets(), Signal(), Guard()
        self._asked: dict[int, Ticket] = {}
        #: Whatever was committed before is in the mailbox, or was.
        self.proven_at = time.monotonic()
        #: Whether the dispatcher has beaten in this epoch.
        self.proven = False
        #: Moments, and the dispatchers' ticks then; who waits for the next proof.
        self._ticks, self._pings = deque[tuple[float, int]](maxlen=_TICKS), list[Ticket]()
        self._number = 0
        #: The entry that was read last.
        self._last = "0-0"
        self._wants, self._wanted = Wants(), Wanted()
        self._clients: Clients = {}
        self._stopped = False
        self._failure: SourceLost | None = None
        self._opened = Ticket(frozenset(), _NEVER)
        self._teller, self._reader = NativeThread(self._tell), NativeThread(self._read)

    # -- from any thread

    def open(self) -> None:
        """Register, and have everything read from now on.

        :raises SourceLost: when Redis can't be reached, or no dispatcher leads.
        """
        self._teller.start()
        try:
            self._opened.wait()
        except SourceLost:
            raise self._failure or SourceLost("interrupted") from None

    def ask(self, ticket: Ticket) -> frozenset[str]:
        """Which of the ticket's tables stand; none of none, when Redis answers.

        :raises SourceLost: when nothing will answer any more.
        """
        self._tickets.put(ticket)
        self._signal.set()
        return ticket.wait()

    def keep(self, tables: Collection[str]) -> None:
        """All that is wanted from now on."""
        with self._guard:
            self._wants.keep(tables, time.monotonic())
        self._signal.set()

    def want(self, wanted: Wanted) -> None:
        """All that is wanted from now on beside that, unless something newer was told."""
        with self._guard:
            if wanted.number >= self._wanted.number:
                self._wanted = wanted
        self._signal.set()

    def present(self, clients: Clients) -> None:
        """Tell of these clients."""
        with self._guard:
            self._clients |= clients
        self._signal.set()

    def hurry(self) -> None:
        """There is something to be told to all."""
        self._signal.set()

    def revocations(self) -> Iterator[Revocation]:
        """What this worker was told."""
        while self._revocations:
            yield self._revocations.popleft()

    def fail(self, failure: SourceLost) -> None:
        """Have everything that waits end."""
        self._failure = self._failure or failure
        self._stopped = True
        self.mailbox.fail(failure)
        self._opened.answer(None)
        self._tickets.close()
        self._signal.set()

    def close(self) -> None:
        """Give everything back; in a forked child, leave the parent's alone."""
        if self.pid == os.getpid():
            self.fail(SourceLost("closed"))
            self._teller.join(STOP_SECONDS)
            self._reader.join(STOP_SECONDS)
        self.mailbox.close()

    # -- the thread that tells

    def _tell(self) -> None:
        with _failing(self.fail), self._connect() as client:
            worker = Worker(client, self._keys, self.feed.epoch)
            try:
                worker.register(self._info())
                leader = worker.leader()
                self.unread = dict(leader.get("unread", {}))
                for revocation in worker.revocations():
                    self._revoked(revocation)
                self._reader.start()
                self._opened.answer(frozenset())
                self._serve(worker)
            finally:
                self._forget_tickets()
                worker.leave()

    def _serve(self, worker: Worker) -> None:
        renew_at, tick_at = time.monotonic() + RENEW_SECONDS, 0.0
        while not self._stopped:
            now = time.monotonic()
            # in this order: whoever put a question has said before what is wanted
            tickets = list(self._tickets.take())
            worker.want(self._all_wanted(tickets, now))
            self._ask(worker, tickets)
            with self._guard:
                clients, self._clients = self._clients, {}
            if clients:
                worker.present(clients)
            while self._to_revoke:
                worker.revoke(first := self._to_revoke[0])
                with suppress(ValueError):
                    self._to_revoke.remove(first)
            if now >= renew_at:
                renew_at = now + RENEW_SECONDS
                worker.renew({**self._info(), "read": self.feed.number})
                worker.forget(self._last)
            if now >= tick_at:
                tick_at = now + TICK_SECONDS
                self._look_at_tick(worker)
            self._signal.wait(max(0.0, min(renew_at, tick_at, self._overdue(now)) - now))

    def _all_wanted(self, tickets: Iterable[Ticket], now: float) -> Wanted:
        with self._guard:
            for ticket in tickets:
                if ticket.whole:
                    self._wants.take(ticket.tables, now)
            return replace(self._wanted, tables=self._wants.all(now) | self._wanted.tables)

    def _ask(self, worker: Worker, tickets: Iterable[Ticket]) -> None:
        for ticket in tickets:
            with self._guard:
                if not ticket.tables:
                    self._pings.append(ticket)
                    continue
                self._number += 1
                self._asked[self._number] = ticket
            worker.ask(self._number, ticket.tables)

    def _look_at_tick(self, worker: Worker) -> None:
        now, tick = time.monotonic(), worker.tick()
        with self._guard:
            self._ticks.append((now, tick))

    def _overdue(self, now: float) -> float:
        """Let those go who have waited long enough; when to look for them next."""
        with self._guard:
            late = [number for number, ticket in self._asked.items() if ticket.until <= now]
            tickets = [self._asked.pop(number) for number in late]
            soonest = min((ticket.until for ticket in self._asked.values()), default=_NEVER)
        for ticket in tickets:
            ticket.answer(frozenset())
        return soonest

    def _forget_tickets(self) -> None:
        self._tickets.close()
        with self._guard:
            asked, self._asked = self._asked, {}
            pings, self._pings = self._pings, []
        for ticket in (*asked.values(), *pings):
            ticket.answer(None)

    # -- the thread that reads

    def _read(self) -> None:
        with _failing(self.fail), self._connect() as client:
            name = self._keys.feed(self.feed.epoch)
            while not self._stopped:
                if self.mailbox.full:
                    # whoever waits for a beat is the one who would make room
                    self._answer_pings()
                    native("time", "sleep")(FULL_SECONDS)
                    continue
                found: Any = client.xread({name: self._last}, count=AT_ONCE, block=BLOCK_MS)
                for self._last, entry in found[0][1] if found else ():
                    self.feed.read(entry)
                if not found:
                    self.feed.nothing()

    def _proven(self, tick: int) -> None:
        with self._guard:
            self.proven = True
            # the dispatcher's tick came later: so did its question to PostgreSQL
            while self._ticks and self._ticks[0][1] < tick:
                self.proven_at = self._ticks.popleft()[0]
        self._answer_pings()

    def _answer_pings(self) -> None:
        with self._guard:
            pings, self._pings = self._pings, []
        for ticket in pings:
            ticket.answer(frozenset())

    def _revoked(self, revocation: Revocation) -> None:
        self._revocations.append(revocation)
        self.mailbox.wake()

    def _answered(self, number: int, stand: frozenset[str]) -> None:
        with self._guard:
            ticket = self._asked.pop(number, None)
        if ticket is not None:
            ticket.answer(stand & ticket.tables)


@contextmanager
def _failing(fail: Callable[[SourceLost], None]) -> Iterator[None]:
    """What a thread of ours raises ends the epoch."""
    try:
        yield
    except SourceLost as error:
        fail(error)
    except FAILURES as error:
        fail(SourceLost(told(error)))
    except MessageError as error:
        fail(SourceLost(f"the dispatcher can't be understood: {error}"))
    except Exception:
        logger.exception("following the dispatcher failed")
        fail(SourceLost("it failed unexpectedly"))
