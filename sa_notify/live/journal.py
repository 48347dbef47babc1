"""Changes that arrive while something is read: what the read can't have seen is looked at afterwards."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from sa_notify.live.known import Known

#: Changes that are remembered; past it, what is being read is read once more.
LIMIT: Final = 10_000

#: A change with its transaction.
Entry = tuple[int, Known]


class Journal:
    """The latest changes by table, for as long as anything is being read."""

    def __init__(self) -> None:
        self._entries: dict[str, list[tuple[int, int, Known]]] = {}
        self._open: dict[str, int] = {}
        self._place = 0
        self._kept = 0
        self._floor = 0

    def open(self, key: str) -> None:
        """A read begins: remember what arrives from now on."""
        self._open[key] = self._place

    def close(self, key: str) -> None:
        """It is over, and what it wanted to know is known."""
        self._open.pop(key, None)
        if not self._open:
            self._forget()

    def add(self, xid: int, known: Known) -> None:
        """A change has arrived."""
        if not self._open:
            return
        if self._kept >= LIMIT:
            self._forget()
            self._floor = self._place + 1
        self._place += 1
        self._kept += 1
        self._entries.setdefault(known.change.table, []).append((self._place, xid, known))

    def since(self, key: str, tables: Iterable[str]) -> Iterator[Entry] | None:
        """What arrived of these tables since a read began; ``None`` when it was too much to remember."""
        began = self._open.get(key, self._place)
        if began < self._floor:
            return None
        entries = chain.from_iterable(self._entries.get(table, ()) for table in tables)
        return ((xid, known) for place, xid, known in entries if place > began)

    def _forget(self) -> None:
        self._entries.clear()
        self._kept = 0
