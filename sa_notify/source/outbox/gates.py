"""Holding the gates of all tables that some source wants."""

import logging
import time
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from sa_notify.source.native import Signal
from sa_notify.source.outbox.keys import gate
from sa_notify.source.outbox.relation import Relation
from sa_notify.source.outbox.session import Connections, LockSession, Session
from sa_notify.source.outbox.waiter import Waiter

logger = logging.getLogger(__name__)

#: A gate is waited for so long before a thread of its own does; new writers capture meanwhile.
PATIENCE_SECONDS: Final = 0.1
#: All gates together, so that the keeper gives its signs of life however many writers hold them.
ROUND_PATIENCE_SECONDS: Final = 0.3
#: As many threads wait for writers that began before their table was wanted.
WAITERS: Final = 4
#: The keeper waits so long for a thread that has a gate to hand it over.
HANDOVER_SECONDS: Final = 1.0

_WANTED = """
SELECT DISTINCT w.name FROM sa_notify.outbox_reader r, pg_catalog.unnest(r.wanted) w(name)
WHERE r.beat > pg_catalog.clock_timestamp() - interval '20 s'
"""
_OIDS = """
SELECT a.name, c.oid::bigint
FROM unnest(%s::text[], %s::text[], %s::text[]) a(name, own_schema, own_name)
LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = a.own_schema
LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = a.own_name
"""
_ANSWER = """
INSERT INTO sa_notify.outbox_gate (relation, relation_oid, standing)
SELECT a.name, a.oid::oid, a.standing FROM unnest(%s::text[], %s::bigint[], %s::bool[]) a(name, oid, standing)
ON CONFLICT (relation) DO UPDATE SET relation_oid = excluded.relation_oid, standing = excluded.standing
"""
_DROP = "DELETE FROM sa_notify.outbox_gate WHERE relation = ANY (%s::text[])"
_ASK = """
SELECT a.name, g.standing FROM unnest(%s::text[], %s::bigint[]) a(name, oid)
JOIN sa_notify.outbox_gate g ON g.relation = a.name AND g.relation_oid IS NOT DISTINCT FROM a.oid::oid
"""
#: The lock table is the whole server's: a writer for whom there is no room left in it fails. PostgreSQL
#: gives it room for at least so many; half of that is left to others.
_ROOM = """
SELECT pg_catalog.current_setting('max_locks_per_transaction')::int * (
  pg_catalog.current_setting('max_connections')::int
  + pg_catalog.current_setting('max_prepared_transactions')::int
) / 2
"""
#: Nobody can change what is wanted while it is decided that something no longer is.
_LOCK = "LOCK TABLE sa_notify.outbox_reader IN SHARE MODE"

#: Tables by name, with their oid; none for those that do not exist.
Oids = Mapping[str, int | None]


def oids(session: Session, tables: Collection[str]) -> Oids:
    """Look tables up in the catalog."""
    known = [(table, relation) for table in tables if (relation := Relation.of(table))]
    names = [table for table, _ in known]
    arguments = (names, [each.schema for _, each in known], [each.name for _, each in known])
    return dict.fromkeys(tables) | dict(session.rows(_OIDS, arguments))


def answers(session: Session, tables: Oids) -> Mapping[str, bool]:
    """What the keeper says of these: standing, or held by a writer; others it has not answered yet."""
    return dict(session.rows(_ASK, (list(tables), list(tables.values()))))


class Gates:
    """Takes and drops gates; one thread uses it.

    :param locks: holds the keeper's own lock too, so that both end together.
    :param hurry: called when something has happened that :meth:`attend` should look at.
    """

    def __init__(
        self, locks: LockSession, desk: Session, connections: Connections, hurry: Signal, *, pooled: bool
    ) -> None:
        self._locks, self._desk = locks, desk
        self._connections, self._hurry, self._pooled = connections, hurry, pooled
        self._answered: dict[str, tuple[int | None, bool]] = {}
        self._held: set[int] = set()
        self._waiters: dict[int, Waiter] = {}
        self._tried = 0
        ((self._room,),) = desk.rows(_ROOM)
        self._complained = False

    def attend(self) -> bool:
        """Hold what is wanted, and no more; whether there are new answers.

        :raises psycopg2.Error: when a connection is gone, and with it what it held.
        """
        wanted = oids(self._desk, [name for (name,) in self._desk.rows(_WANTED)])
        self._drop(wanted)
        existing = self._affordable({oid for oid in wanted.values() if oid is not None})
        self._take_over()
        self._take(existing)
        self._wait_for(existing)
        return self._answer(wanted)

    def check(self) -> None:
        """See that what is held still is.

        :raises psycopg2.Error: when it is not.
        """
        self._locks.backend()

    # -- inside

    def _affordable(self, wanted: set[int]) -> set[int]:
        """As many as the server has room for; those that have a gate first."""
        if len(wanted) <= self._room:
            self._complained = False
            return wanted
        if not self._complained:
            self._complained = True
            logger.warning(
                "more tables are wanted than the server has room for locks: the rest is read by the clock; "
                "raise max_locks_per_transaction",
                extra={"tables": len(wanted), "room": self._room},
            )
        known = self._held | self._waiters.keys()
        return set(sorted(wanted, key=lambda oid: (oid not in known, oid))[: self._room])

    def _take_over(self) -> None:
        """What waiters have obtained; from then on their thread and connection are free for others."""
        for oid, waiter in list(self._waiters.items()):
            if waiter.obtained and self._locks.lock(gate(oid), HANDOVER_SECONDS):
                self._held.add(oid)
                del self._waiters[oid]
            elif waiter.ended:
                del self._waiters[oid]

    def _take(self, wanted: set[int]) -> None:
        free = {gate(oid): oid for oid in wanted - self._held - self._waiters.keys()}
        if free:
            self._held |= {free[key] for key in self._locks.try_lock(*free)}
        until = time.monotonic() + ROUND_PATIENCE_SECONDS
        for oid in self._in_turn(set(free.values()) - self._held):
            if time.monotonic() + PATIENCE_SECONDS > until:
                break
            self._tried = oid
            if self._locks.lock(gate(oid), PATIENCE_SECONDS):
                self._held.add(oid)

    def _in_turn(self, oids: Iterable[int]) -> list[int]:
        """Those that were not tried last come first."""
        return sorted(oids, key=lambda oid: (oid <= self._tried, oid))

    def _wait_for(self, wanted: set[int]) -> None:
        for oid in sorted(wanted - self._held - self._waiters.keys())[: WAITERS - len(self._waiters)]:
            self._waiters[oid] = Waiter(oid, self._connections, self._hurry, pooled=self._pooled)
            self._waiters[oid].start()

    def _answer(self, wanted: Oids) -> bool:
        found = {name: (oid, oid is None or oid in self._held) for name, oid in wanted.items()}
        new = {name: answer for name, answer in found.items() if self._answered.get(name) != answer}
        if new:
            columns = list(new), [oid for oid, _ in new.values()], [standing for _, standing in new.values()]
            self._desk.rows(_ANSWER, columns)
            self._answered |= new
        return bool(new)

    def _drop(self, wanted: Oids) -> None:
        if not self._answered.keys() - wanted.keys() and not self._outdated(wanted):
            return
        with self._desk.transaction():
            self._desk.rows(_LOCK)
            still = oids(self._desk, [name for (name,) in self._desk.rows(_WANTED)])
            gone = [name for name, (oid, _) in self._answered.items() if still.get(name, -1) != oid]
            self._desk.rows(_DROP, (gone,))
        for name in gone:
            del self._answered[name]
        for oid in (self._held | self._waiters.keys()) - set(still.values()):
            self._release(oid)

    def _outdated(self, wanted: Oids) -> bool:
        return any(wanted.get(name, oid) != oid for name, (oid, _) in self._answered.items())

    def _release(self, oid: int) -> None:
        if waiter := self._waiters.pop(oid, None):
            waiter.stop()
        if oid in self._held:
            self._held.remove(oid)
            self._locks.unlock(gate(oid))
