"""Windows prove themselves: one after the other is read again though no change asks for it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sa_notify.live.journal import Journal
from sa_notify.live.query import Reading
from sa_notify.live.snapshot import Snapshot
from sa_notify.live.state import LiveQuery
from sa_notify.live.window import Window

#: How much later than the read the feed must have been proven complete: PostgreSQL shows a commit a moment
#: before it wakes those who LISTEN for it.
GRACE_SECONDS: Final = 1.0

#: The same where tallies tell of changes: they come a second late, and whoever leads and is 4 s late ends.
TALLY_GRACE_SECONDS: Final = 5.0

#: Share of one connection's time that proofs may take.
SHARE: Final = 0.05


@dataclass(frozen=True, slots=True)
class Suspect:
    """A window that was wrong unless a change explains it that the proof saw.

    :param tables: that were read.
    :param until: when the feed is proven up to this moment, no change is on its way that explains it.
    """

    name: str
    tables: frozenset[str]
    proof: Snapshot
    until: float


class Proofs:
    """Which window is proven now, and which were found wrong."""

    def __init__(self) -> None:
        self._current: LiveQuery | None = None
        self._next_at = 0.0
        self._suspects: dict[str, Suspect] = {}

    def choose(self, queries: Iterable[LiveQuery], now: float) -> LiveQuery | None:
        """The one whose last read is longest ago; ``None`` while another is read, or for the budget's sake.

        What is read by the clock is left out: there, differences are expected.
        """
        if self._current is not None or now < self._next_at:
            return None
        idle = (live for live in queries if live.idle and not live.doubts)
        self._current = min(idle, key=lambda live: live.read_at, default=None)
        return self._current

    def finished(
        self, live: LiveQuery, reading: Reading, now: float, journal: Journal, waiting: Iterable[int]
    ) -> None:
        """A read is done, and its window not yet replaced.

        :param waiting: transactions of which it is not decided yet what they mean to the query.
        """
        if live is not self._current:
            return
        self._current = None
        self._next_at = now + live.spent / SHARE
        if live.window is None or _same(live.window, reading):
            return
        if live.dirty or _explained(live, reading, journal) or any(map(reading.snapshot.sees, waiting)):
            return
        until = now + (TALLY_GRACE_SECONDS if live.query.by_tally else GRACE_SECONDS)
        self._suspects[live.key] = Suspect(live.query.name, reading.tables, reading.snapshot, until)

    def note(self, live: LiveQuery, xid: int) -> None:
        """A change has come that concerns the query."""
        suspect = self._suspects.get(live.key)
        if suspect is not None and suspect.proof.sees(xid):
            del self._suspects[live.key]

    def note_unknown(self, table: str, xid: int) -> None:
        """A change has come of which it is not known what it concerns."""
        for key, suspect in list(self._suspects.items()):
            if table in suspect.tables and suspect.proof.sees(xid):
                del self._suspects[key]

    def forget(self, live: LiveQuery) -> None:
        """Nobody looks at it any more, or it could not be read."""
        self._suspects.pop(live.key, None)
        if live is self._current:
            self._current = None

    def clear(self) -> None:
        """Changes may have been missed, which everybody knows: everything is read again."""
        self._suspects.clear()
        self._current = None

    def wrong(self, proven_at: float) -> list[str]:
        """Names of queries whose difference nothing explains; each is told once.

        :param proven_at: whatever was committed before has arrived.
        """
        late = [key for key, suspect in self._suspects.items() if suspect.until <= proven_at]
        return [self._suspects.pop(key).name for key in late]


def _explained(live: LiveQuery, reading: Reading, journal: Journal) -> bool:
    """Whether a change has come meanwhile that the read saw."""
    entries = journal.since(live.key, reading.tables | (live.tables or frozenset()))
    return entries is None or any(reading.snapshot.sees(xid) for xid, _ in entries)


def _same(window: Window, reading: Reading) -> bool:
    """Whether the rows are the same; without a full ORDER BY, PostgreSQL may give them in any order."""
    if window.total != reading.total:
        return False
    return Counter(map(repr, window.by_key.values())) == Counter(repr(values) for _, values in reading.rows)
