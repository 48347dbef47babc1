"""What a source has asked of the keeper, and its answers."""

import time
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from sa_notify.source.outbox.gates import answers, oids
from sa_notify.source.outbox.session import Session
from sa_notify.source.tickets import Ticket
from sa_notify.source.wants import Wants

#: Where nothing is heard, answers are looked for this often; elsewhere a signal may get lost.
LOOK_SECONDS: Final = {True: 0.005, False: 0.100}


class Desk:
    """Keeps the tickets until they are answered; one thread uses it."""

    def __init__(self, session: Session, *, pooled: bool) -> None:
        self._session = session
        self._seconds = LOOK_SECONDS[pooled]
        self._wants = Wants()
        self._pending: list[Ticket] = []
        self._look_at = 0.0

    @property
    def due(self) -> float:
        """When to look for answers next."""
        return self._look_at if self._pending else float("inf")

    def wanted(self, now: float) -> frozenset[str]:
        """All that is wanted."""
        return self._wants.all(now)

    def keep(self, tables: Collection[str], now: float) -> None:
        """All that is wanted from now on."""
        self._wants.keep(tables, now)

    def add(self, tickets: Iterable[Ticket], now: float) -> None:
        """Wait for answers to these."""
        for ticket in tickets:
            self._wants.take(ticket.tables, now)
            self._pending.append(ticket)
        self._look_at = now

    def look(self) -> None:
        """Answer what can be answered.

        :raises psycopg2.Error: when the connection is gone.
        """
        tables = frozenset[str]().union(*(ticket.tables for ticket in self._pending))
        found = answers(self._session, oids(self._session, tables)) if tables else {}
        now = time.monotonic()
        self._pending = [ticket for ticket in self._pending if not _answered(ticket, found, now)]
        self._look_at = now + self._seconds

    def close(self) -> None:
        """Nobody will be answered any more."""
        for ticket in self._pending:
            ticket.answer(None)


def _answered(ticket: Ticket, found: Mapping[str, bool], now: float) -> bool:
    if ticket.tables - found.keys() and now < ticket.until:
        return False
    ticket.answer(frozenset(table for table in ticket.tables if found.get(table)))
    return True
