"""One run as data: a schema, rows, queries and events; drawn by Hypothesis, played and kept as JSON."""

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Any

from hypothesis import strategies as st

from tests.oracle.asking import Asking
from tests.oracle.dice import Dice
from tests.oracle.kinds import ALWAYS, KINDS
from tests.oracle.palette import Palette
from tests.oracle.selects import Query
from tests.oracle.variants import KINDS as VARIANTS
from tests.oracle.world import TABLES, WRITERS, Schema
from tests.oracle.writing import Writing

Event = list[Any]


@dataclass(frozen=True)
class Size:
    """How much happens in one script.

    :param groups: of transactions, each followed by a comparison of everything.
    """

    queries: int
    groups: int


# what is drawn for a script must fit into Hypothesis' 8 KiB
SMALL = Size(queries=12, groups=15)
LARGE = Size(queries=30, groups=12)

CLIENTS = ("x", "y", "z")


def schema_of(dice: Random, kinds: Iterable[str] | None = None) -> Schema:
    """Some kinds of columns for each table.

    :param kinds: these beside :data:`ALWAYS`, in each.
    """
    if kinds is not None:
        return {table: sorted(set(kinds).difference(ALWAYS)) for table in TABLES}
    others = [kind for kind in KINDS if kind not in ALWAYS]
    return {table: sorted(dice.sample(others, dice.randint(3, 8))) for table in TABLES}


@st.composite
def scripts(draw: Any, schema: Schema, size: Size) -> dict[str, Any]:
    """Scripts over this schema."""
    dice = Dice(draw)
    # few rows meet each other more often, of many most don't concern a query
    palette = Palette(dice, schema)
    writing = Writing(dice, palette, dice.choice([7, 7, 30]))
    queries = Asking(dice, palette).queries(size.queries, dice.choice([0.2, 0.2, 0.8]))
    events = _Events(dice, writing, list(queries))
    return {
        "schema": schema,
        "rows": writing.start(),
        "queries": queries,
        "order": dice.choice([0, dice.randint(1, 9_999)]),
        "pace": dice.choice([0, 0.01, 0.3]),
        "events": events.all(size.groups),
    }


class _Events:
    """What happens, in order."""

    def __init__(self, dice: Dice, writing: Writing, names: list[str]) -> None:
        self._dice, self._writing, self._names = dice, writing, names

    def all(self, groups: int) -> list[Event]:
        """Everybody comes, then there are writes, and comings and goings."""
        made: list[Event] = []
        for number, name in enumerate(self._names):
            if self._chance(0.9):
                made.append(["subscribe", CLIENTS[number % len(CLIENTS)], number, name])
            if self._chance(0.15):
                made.append(["subscribe", self._dice.choice(CLIENTS), 100 + number, name])
        for name in self._names:
            made += self._maybe(["vary", name, self._dice.choice(VARIANTS)], 0.08)
        made.append(["rest"])
        for group in self._dice.some(self._group, most=groups):
            made += group
        return made

    def _group(self) -> list[Event]:
        made: list[Event] = []
        if self._chance(0.25):
            made.append(self._coming())
        if self._chance(0.25):
            where = self._dice.choice(["before", "after", "statement", "statement"])
            inside = self._transaction(0)
            inside += self._maybe(["follow"], 0.6) + self._maybe(["fail"], 0.15)
            made.append(["meanwhile", where, self._dice.randrange(4), inside])
        for _ in range(self._dice.choice([1, 1, 1, 2, 3])):
            made += self._interleaved() if self._chance(0.2) else self._transaction(0)
            made += self._maybe(["follow"], 0.3) + self._maybe(["run", self._dice.randint(1, 3)], 0.3)
        if self._chance(0.05):
            made.append(self._dice.choice([["prove"], ["suspect"], ["keep"], ["wait", 0.3], ["wait", 3]]))
        if self._chance(0.05):
            made.append(["same", self._writing.same()])
        if self._chance(0.03):
            made.append(["break", self._transaction(0)])
        return [*made, ["rest"]]

    def _coming(self) -> Event:
        sid, name = self._dice.choice(CLIENTS), self._dice.choice(self._names)
        number = self._dice.randrange(len(self._names))
        return self._dice.choice(
            [
                ["subscribe", sid, number, name],
                ["subscribe", sid, number, name],
                ["unsubscribe", sid, number],
                ["resync", sid, number],
                ["leave", sid],
                ["turn", name, self._dice.choice(self._names)],
                ["lag", sid],
                ["lag", sid],
                *(["read", each] for each in CLIENTS),
            ]
        )

    def _transaction(self, writer: int) -> list[Event]:
        made = self._begin(writer)
        if self._chance(0.1):  # what is deleted comes back
            made += [["try", writer, self._writing.insert(self._dice.choice("abbcc"))] for _ in range(5)]
        for _ in range(self._dice.choice([1, 1, 1, 1, 2, 2, 3, 5])):
            made.append(self._write(writer))
        return [*made, self._end(writer)]

    def _interleaved(self) -> list[Event]:
        """Two or three at a time, which end in another order than they began in."""
        writers = self._dice.sample(range(WRITERS), self._dice.choice([2, 2, 3]))
        made = [event for writer in writers for event in self._begin(writer)]
        made += [self._write(self._dice.choice(writers)) for _ in range(self._dice.randint(2, 6))]
        for writer in self._dice.sample(writers, len(writers)):
            made.append(self._end(writer))
            made += self._maybe(["follow"], 0.3) + self._maybe(["rest"], 0.2)
            made += [self._write(other) for other in writers if other > writer and self._chance(0.3)]
        return [*made, *(self._end(writer) for writer in writers)]

    def _begin(self, writer: int) -> list[Event]:
        return (
            [["begin", writer, self._dice.choice(["REPEATABLE READ", "SERIALIZABLE"])]]
            if self._chance(0.1)
            else []
        )

    def _write(self, writer: int) -> Event:
        kind = self._dice.weighed({"bare": 2, "try": 6, "undo": 1})
        return [kind, writer, self._writing.statement()]

    def _end(self, writer: int) -> Event:
        return [self._dice.weighed({"commit": 9, "rollback": 1}), writer]

    def _maybe(self, event: Event, share: float) -> list[Event]:
        return [event] if self._chance(share) else []

    def _chance(self, share: float) -> bool:
        return self._dice.chance(share)


def referred(script: dict[str, Any]) -> dict[str, Query]:
    """The queries that somebody subscribes to."""
    names = {event[3] for event in script["events"] if event[0] == "subscribe"}
    names |= {name for event in script["events"] if event[0] in ("turn", "vary") for name in event[1:3]}
    return {name: query for name, query in script["queries"].items() if name in names}
