"""Which tables one source wants, and since when no longer."""

from collections.abc import Collection, Iterable
from typing import Final

#: How long a table stays wanted after it last was: pages come and go.
LINGER_SECONDS: Final = 30.0


class Wants:
    """Tables by name; times in seconds of one clock."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._kept: frozenset[str] = frozenset()

    def take(self, tables: Iterable[str], now: float) -> None:
        """These are wanted, at least for ``LINGER_SECONDS``."""
        self._until |= dict.fromkeys(tables, now + LINGER_SECONDS)

    def keep(self, tables: Collection[str], now: float) -> None:
        """These are wanted until others are kept, what was kept before lingers."""
        self.take(self._kept, now)
        self._kept = frozenset(tables)

    def all(self, now: float) -> frozenset[str]:
        """All that are wanted now."""
        self._until = {table: until for table, until in self._until.items() if until > now}
        return self._kept.union(self._until)
