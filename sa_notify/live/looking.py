"""Changes that carry too little wait until the new values of their rows are read, once for all queries."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from sa_notify.change import Key
from sa_notify.live.actions import Look
from sa_notify.live.known import Known

#: Of more rows at a time nothing is read: their queries are.
LIMIT: Final = 200

#: Seconds between two reads of one table's rows.
PAUSE: Final = 0.01


@dataclass(frozen=True, slots=True)
class Held:
    """A change that waits.

    :param since: when windows were last known not to lack it.
    """

    xid: int
    known: Known
    since: float


@dataclass(frozen=True, slots=True)
class Lookup:
    """Rows to be read.

    :param key: stored names of the columns of the table's key.
    :param columns: stored names of those whose values are wanted.
    """

    table: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    keys: tuple[Key, ...]


@dataclass(slots=True)
class _Table:
    waiting: dict[Known, Held] = field(default_factory=dict)
    columns: set[str] = field(default_factory=set)
    key: tuple[str, ...] = ()
    asked: bool = False
    reading: dict[Known, Held] = field(default_factory=dict)
    ready_at: float = 0.0

    def held(self) -> Iterator[Held]:
        return chain(self.reading.values(), self.waiting.values())


class Looking:
    """What waits for new values, one question at a time for each table."""

    def __init__(self) -> None:
        self._turn = 0
        self._tables: dict[str, _Table] = {}
        self._barred: set[str] = set()

    def restart(self) -> None:
        """Whatever waits need not any more: everything is read again."""
        self._turn += 1
        self._tables.clear()
        self._barred.clear()

    def hold(self, held: Held, columns: Iterable[str], key: tuple[str, ...]) -> bool:
        """Have a change wait; ``False`` when there is nothing to wait for."""
        name = held.known.change.table
        if name in self._barred:
            return False
        table = self._tables.setdefault(name, _Table())
        if held.known not in table.reading:
            table.waiting.setdefault(held.known, held)
            table.columns.update(columns)
            table.key = key
        return True

    def too_many(self) -> list[Held]:
        """Changes of more rows than are read at a time, which wait no longer."""
        found: list[Held] = []
        for table in self._tables.values():
            if len(table.waiting) > LIMIT and len({known.change.key for known in table.waiting}) > LIMIT:
                found += table.waiting.values()
                table.waiting = {}
        return found

    def questions(self, now: float) -> list[Look]:
        """What to ask now."""
        found = []
        for name, table in self._tables.items():
            if table.waiting and not table.asked:
                table.asked = True
                found.append(Look(self._turn, name, max(0.0, table.ready_at - now)))
        return found

    def begin(self, look: Look) -> Lookup | None:
        """What is to be read for a question; ``None`` when nobody asks any more."""
        if look.turn != self._turn:
            return None
        table = self._tables[look.table]
        table.reading, table.waiting = table.waiting, {}
        columns, table.columns = tuple(sorted(table.columns)), set()
        keys = dict.fromkeys(known.change.key or () for known in table.reading)
        return Lookup(look.table, table.key, columns, tuple(keys))

    def answer(self, look: Look, now: float, *, bar: bool) -> list[Held]:
        """What waited for an answer, which has come.

        :param bar: do not ask for rows of this table again.
        """
        if look.turn != self._turn:
            return []
        table = self._tables[look.table]
        found, table.reading = [*table.reading.values()], {}
        table.asked, table.ready_at = False, now + PAUSE
        if bar:
            self._barred.add(look.table)
            found += table.waiting.values()
            table.waiting = {}
        return found

    def late(self, now: float, seconds: float) -> frozenset[str]:
        """Tables of which a change has waited for so long."""
        return frozenset(
            name
            for name, table in self._tables.items()
            if any(now - held.since > seconds for held in table.held())
        )

    def holds(self, tables: Iterable[str]) -> list[int]:
        """The transactions whose changes of these tables wait."""
        found = (self._tables.get(name) for name in tables)
        return [held.xid for table in found if table for held in table.held()]
