"""Which tables are captured for this process: what a reading may rest on.

Nothing is captured of a table that nobody wants. A reading is current only if every table that it read
stood before it began: whatever was not captured is visible to it, and whatever comes later is announced.
"""

from collections.abc import Iterable

from sa_notify.live.actions import Take

#: How often a table is asked for again while a writer holds it that began before anybody wanted it.
HELD_SECONDS = 1.0

_NONE: frozenset[str] = frozenset()


class Standing:
    """The tables asked for in one epoch, and what was answered.

    Two lanes, so that tables that are held by a writer delay no other: at most one question is under way
    for those asked for the first time, and one for those that are held.
    """

    def __init__(self) -> None:
        self._turn = 0
        self._gated = False
        self._tables = _NONE
        self._held = _NONE
        self._fresh = _NONE
        self._asked: dict[bool, frozenset[str]] = {}

    @property
    def tables(self) -> frozenset[str]:
        """What stands."""
        return self._tables

    @property
    def all_held(self) -> frozenset[str]:
        """What was asked for and does not stand, because a writer holds it."""
        return self._held

    @property
    def gated(self) -> bool:
        """Whether tables must be asked for; otherwise all of them always stand."""
        return self._gated

    @property
    def turn(self) -> int:
        """Grows with each :meth:`begin`; answers to questions of an earlier one are void."""
        return self._turn

    def begin(self, gated: bool) -> None:
        """Nothing stands any more.

        :param gated: tables must be asked for; otherwise all of them always stand.
        """
        self._turn += 1
        self._gated = gated
        self._tables = self._held = self._fresh = _NONE
        self._asked = {}

    def restart(self) -> None:
        """Nothing stands any more, but the feed goes on."""
        self.begin(self._gated)

    def held(self, tables: frozenset[str]) -> frozenset[str]:
        """Those of the tables that a writer holds who began before they were wanted."""
        return tables & self._held

    # -- asking

    def want(self, tables: frozenset[str]) -> None:
        """Have these asked for with the next question, those that stand already too."""
        self._fresh |= tables

    def questions(self) -> list[Take]:
        """What to ask now."""
        asked = [self._ask(False, self._fresh, 0.0), self._ask(True, self._held, HELD_SECONDS)]
        return [take for take in asked if take is not None]

    def _ask(self, held: bool, tables: frozenset[str], seconds: float) -> Take | None:
        if not tables or held in self._asked:
            return None
        self._asked[held] = tables
        return Take(self._turn, held, tables, seconds)

    def answer(self, take: Take, stand: Iterable[str]) -> bool:
        """Take the answer in; whether it is one to a question that is still asked."""
        if take.turn != self._turn:
            return False
        del self._asked[take.held]
        granted = take.tables.intersection(stand)
        self._fresh -= take.tables
        self._tables = (self._tables - take.tables) | granted
        self._held = (self._held | take.tables) - self._tables
        return True

    def keep(self, tables: frozenset[str]) -> frozenset[str]:
        """Forget what is wanted no longer, since it will be dropped; all that is."""
        wanted = tables.union(self._fresh, *self._asked.values())
        if not self._tables <= wanted:
            self._tables &= wanted
        self._held &= wanted
        return wanted


def doubt_of(table: str) -> str:
    """What to say of a table that is held."""
    return f"a transaction that wrote to {table} before anybody watched it is still open: end it"
