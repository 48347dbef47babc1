"""What a source that can be told of rows is told to bring."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from sa_notify.change import Key

#: That other rows of a table changed is told so often, so late at most.
TALLY_SECONDS: Final = 1.0

_NONE: frozenset[Key] = frozenset()


@dataclass(frozen=True, slots=True)
class Wanted:
    """All that is wanted at a moment.

    :param number: grows with each: the largest counts, whichever is told last.
    :param tables: every change of these.
    :param rows: of these tables, changes of these rows.
    :param tallies: of these tables, now and then that other rows changed: a ``tally`` instead of the changes.
    """

    number: int = -1
    tables: frozenset[str] = frozenset()
    rows: Mapping[str, frozenset[Key]] = field(default_factory=dict)
    tallies: frozenset[str] = frozenset()

    @property
    def all_tables(self) -> frozenset[str]:
        """Every table of which anything is wanted."""
        return self.tables | self.rows.keys() | self.tallies

    def covers(self, table: str, only: Collection[Key] | None, *, tally: bool) -> bool:
        """Whether enough of a table is brought.

        :param only: no other rows than these are needed; ``None``: all are.
        :param tally: that rows have changed is enough.
        """
        if table in self.tables or (tally and table in self.tallies):
            return True
        return only is not None and self.rows.get(table, _NONE).issuperset(only)

    def equals(self, other: "Wanted") -> bool:
        """Whether the same is wanted, at whatever moments."""
        return (self.tables, self.rows, self.tallies) == (other.tables, other.rows, other.tallies)

    def meet(self, other: "Wanted") -> "Wanted":
        """What both bring, under this one's number."""
        tables = self.tables & other.tables
        some = (self.rows.keys() | other.rows.keys()) - tables
        rows = {table: found for table in some if (found := self._shared(other, table))}
        tallies = (self.tables | self.tallies) & (other.tables | other.tallies)
        return Wanted(self.number, tables, rows, tallies - tables)

    def _shared(self, other: "Wanted", table: str) -> frozenset[Key]:
        ours, theirs = self.rows.get(table, _NONE), other.rows.get(table, _NONE)
        if table in self.tables:
            return theirs
        return ours if table in other.tables else ours & theirs


#: Nothing at all.
NOTHING: Final = Wanted()
