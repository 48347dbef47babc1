"""The columns and values that one script prefers, so that what is asked and what is written meet."""

from collections.abc import Callable

from tests.oracle.dice import Dice
from tests.oracle.kinds import ALWAYS, KINDS, TWINS
from tests.oracle.world import TABLES, Schema

#: Columns of a table that are preferred, and values of a kind.
_COLUMNS, _VALUES = 2, 3
_SHARE = 0.75


def _any(_: str) -> bool:
    return True


class Palette:
    """Kinds and values by chance, some far more often than others."""

    def __init__(self, dice: Dice, schema: Schema) -> None:
        self._dice = dice
        self._kinds = {table: [*ALWAYS, *schema[table]] for table in TABLES}
        self._columns = {table: dice.sample(kinds, _COLUMNS) for table, kinds in self._kinds.items()}
        self._values = {kind: self._pool(kind) for kind in KINDS}

    def kinds(self, table: str) -> list[str]:
        """Of all columns but those of the key."""
        return self._kinds[table]

    def kind(self, table: str, fits: Callable[[str], bool] = _any) -> str:
        """Of a column that fits; there is always one that does."""
        preferred = [kind for kind in self._columns[table] if fits(kind)]
        if preferred and self._dice.chance(_SHARE):
            return self._dice.choice(preferred)
        return self._dice.choice([kind for kind in self._kinds[table] if fits(kind)])

    def value(self, kind: str) -> str:
        """As it is written."""
        return self._dice.choice(self._values[kind] if self._dice.chance(0.9) else KINDS[kind].values)

    def bound(self, kind: str) -> str:
        """As a query asks for it."""
        pool = [value for value in self._values[kind] if value in KINDS[kind].bound]
        return self._dice.choice(pool if pool and self._dice.chance(0.9) else KINDS[kind].bound)

    def _pool(self, kind: str) -> list[str]:
        values = list(KINDS[kind].values)
        chosen = self._dice.sample(values, min(_VALUES, len(values)))
        twins = [value for value in TWINS.get(kind, ()) if value in values]
        if len(twins) > 1 and self._dice.chance(0.5):
            return [*self._dice.sample(twins, 2), *chosen[:1]]
        return chosen
