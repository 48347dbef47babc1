"""Queries that wait for their tables to be captured before they are read."""

from collections.abc import Iterable, Sequence

from sa_notify.live.actions import Take
from sa_notify.live.standing import Standing
from sa_notify.live.state import LiveQuery
from sa_notify.live.wanting import and_also, covers, wanted_by
from sa_notify.source.wanted import NOTHING, Wanted


class Asking:
    """What is captured and brought here, and whose reading waits for it.

    What the source is told grows with each question and narrows with each :meth:`keep`. Nothing counts as
    brought before a question has been answered that told of it, nor after something narrower was made.
    """

    def __init__(self) -> None:
        self.standing = Standing()
        self._waiting: dict[str, LiveQuery] = {}
        self._by_row = False
        self._number = 0
        #: What was made last to be told, what is brought for certain, what questions under way tell.
        self._latest = self._told = NOTHING
        self._asked: dict[bool, Wanted] = {}
        #: What stands, and of what it was made: many readings share one object.
        self._stood, self._stood_by = NOTHING, (frozenset[str](), NOTHING)

    def begin(self, *, gated: bool, by_row: bool = False) -> None:
        """An epoch begins, in which nothing stands.

        :param gated: tables must be asked for.
        :param by_row: the source can be told of rows, and brings nothing else.
        """
        self._by_row = by_row
        self._give_up()
        self.standing.begin(gated)

    def restart(self) -> None:
        """Nothing stands any more, but the feed goes on."""
        self._give_up()
        self.standing.restart()

    def _give_up(self) -> None:
        self._latest = self._told = NOTHING
        self._asked.clear()
        for live in self._waiting.values():
            live.reading, live.dirty = False, True
        self._waiting.clear()

    # -- what a reading may rest on

    def stood(self) -> Wanted:
        """What is captured and brought now."""
        captured, told = by = self.standing.tables, self._told
        if any(now is not then for now, then in zip(by, self._stood_by, strict=True)):
            everything = Wanted(tables=captured)
            self._stood, self._stood_by = told.meet(everything) if self._by_row else everything, by
        return self._stood

    def missing(self, live: LiveQuery) -> frozenset[str]:
        """Those of the tables of a query's last reading that did not stand when it began."""
        if not self.standing.gated:
            return frozenset()
        return frozenset(table for table in live.tables or () if not covers(live.stood, live, table))

    def holds(self, live: LiveQuery) -> bool:
        """Whether a query must wait before it is read; its tables are asked for then."""
        unasked = self._unasked(live)
        if unasked:
            self.standing.want(unasked)
            self._waiting[live.key] = live
        return bool(unasked)

    # -- questions

    def questions(self) -> list[Take]:
        """What to ask now."""
        return self.standing.questions()

    def told_with(self, take: Take) -> Wanted:
        """What the source must be told before it is asked this."""
        self._latest = and_also(self._latest, self._waiting.values(), self._next())
        self._asked[take.held] = self._latest
        return self._latest

    def answer(self, take: Take, stand: Iterable[str]) -> list[LiveQuery] | None:
        """Take an answer in: the queries that need not wait any more; ``None`` when nobody asked."""
        if not self.standing.answer(take, stand):
            return None
        told = self._asked.pop(take.held, self._told)
        if told.number > self._told.number:
            self._told = told
        ready = [live for live in self._waiting.values() if not self._unasked(live)]
        for live in ready:
            del self._waiting[live.key]
        # what is still missing was not told with this question
        for live in self._waiting.values():
            self.standing.want(self._unasked(live))
        return ready

    def keep(self, queries: Sequence[LiveQuery]) -> Wanted:
        """All that is wanted; anything else is taken for dropped."""
        exact = wanted_by(queries, self._next())
        asked = self.standing.keep(exact.all_tables)
        if not self._by_row:
            exact = Wanted(exact.number, asked)
        self._narrow(exact, queries)
        return exact

    def _narrow(self, exact: Wanted, queries: Sequence[LiveQuery]) -> None:
        if self._by_row and exact.equals(self._latest):
            return
        self._latest, self._told = exact, self._told.meet(exact)
        self._asked = {lane: told.meet(exact) for lane, told in self._asked.items()}
        # many readings rest on one object; both are kept, as an id is another's once its object is gone
        met: dict[int, tuple[Wanted, Wanted]] = {}
        for live in queries:
            if live.reading:
                before = live.stood
                found = met.get(id(before)) or (before, before.meet(exact))
                met[id(before)], live.stood = found, found[1]

    def forget(self, live: LiveQuery) -> None:
        """Nobody looks at it any more."""
        self._waiting.pop(live.key, None)

    # -- inside

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _unasked(self, live: LiveQuery) -> frozenset[str]:
        if not self.standing.gated:
            return frozenset()
        answered = self.standing.tables | self.standing.all_held
        return frozenset(
            table
            for table in live.tables or ()
            if table not in answered or (self._by_row and not covers(self._told, live, table))
        )
