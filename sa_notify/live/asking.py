"""Queries that wait for their tables to be captured before they are read."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from sa_notify.change import Key
from sa_notify.live.actions import Take
from sa_notify.live.standing import Standing
from sa_notify.live.state import LiveQuery

#: Keys of rows by the name of their table.
Rows = Mapping[str, frozenset[Key]]

_NONE: frozenset[Key] = frozenset()
_NO_TABLES: frozenset[str] = frozenset()


class Asking:
    """What is captured, and whose reading waits for it."""

    def __init__(self) -> None:
        self.standing = Standing()
        self._waiting: dict[str, LiveQuery] = {}
        #: Of these tables the source is told to bring changes of these rows alone.
        self._rows: Rows = {}

    def begin(self, *, gated: bool) -> None:
        """An epoch begins, in which nothing stands.

        :param gated: tables must be asked for.
        """
        self._give_up()
        self.standing.begin(gated)

    def restart(self) -> None:
        """Nothing stands any more, but the feed goes on."""
        self._give_up()
        self.standing.restart()

    def _give_up(self) -> None:
        self._rows = {}
        for live in self._waiting.values():
            live.reading, live.dirty = False, True
        self._waiting.clear()

    def holds(self, live: LiveQuery) -> bool:
        """Whether a query must wait before it is read; its tables are asked for then."""
        unasked = self._unasked(live)
        if unasked:
            self.standing.want(unasked)
            self._waiting[live.key] = live
        return bool(unasked)

    def answer(self, take: Take, stand: Iterable[str]) -> list[LiveQuery] | None:
        """Take an answer in: the queries that need not wait any more; ``None`` when nobody asked."""
        if not self.standing.answer(take, stand):
            return None
        ready = [live for live in self._waiting.values() if not self._unasked(live)]
        for live in ready:
            del self._waiting[live.key]
        return ready

    def questions(self) -> list[Take]:
        """What to ask now."""
        return self.standing.questions()

    def keep(self, queries: Sequence[LiveQuery], *, by_row: bool) -> tuple[frozenset[str], Rows]:
        """Every table that is wanted, and those of which single rows are; others are taken for dropped.

        A table that is wanted by rows stands for no other row: whoever reads one asks for the table first,
        and that it is then wanted for a while covers the time until its own rows are told of.

        :param by_row: whether the source can be told of rows.
        """
        read = frozenset(chain.from_iterable(live.tables for live in queries if live.tables))
        self._rows = _wanted_rows(queries) if by_row else {}
        wanted = self.standing.keep(read - self._rows.keys())
        self._rows = {table: keys for table, keys in self._rows.items() if table not in wanted}
        for live in queries:
            kept = wanted | self.by_row(live)
            if not live.stood <= kept:
                live.stood &= kept
        return wanted, self._rows

    def stands(self, live: LiveQuery) -> frozenset[str]:
        """What stands for a query: tables, and such as it reads only rows of that changes are brought of."""
        tables, by_row = self.standing.tables, self.by_row(live)
        return tables | by_row if by_row else tables

    def by_row(self, live: LiveQuery) -> frozenset[str]:
        """Tables of which a query reads nothing but rows that changes are brought of."""
        if not live.only:
            return _NO_TABLES
        return frozenset(table for table, keys in live.only.items() if keys <= self._rows.get(table, _NONE))

    def forget(self, live: LiveQuery) -> None:
        """Nobody looks at it any more."""
        self._waiting.pop(live.key, None)

    def _unasked(self, live: LiveQuery) -> frozenset[str]:
        return self.standing.unasked((live.tables or frozenset()) - self.by_row(live))


def _wanted_rows(queries: Iterable[LiveQuery]) -> Rows:
    """By table the rows that count, where nobody reads more of it."""
    found: dict[str, set[Key]] = {}
    whole: set[str] = set()
    for live in queries:
        for table in live.tables or ():
            keys = live.only.get(table)
            if keys is None:
                whole.add(table)
            else:
                found.setdefault(table, set()).update(keys)
    return {table: frozenset(keys) for table, keys in found.items() if table not in whole}
