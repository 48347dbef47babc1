"""Live queries by what they ask for or show."""

from collections.abc import Hashable, Iterable, Iterator
from itertools import chain
from typing import Generic, TypeVar

from sa_notify.live.state import LiveQuery

K = TypeVar("K", bound=Hashable)


class Holders(Generic[K]):
    """Who holds a key. One who is alone with it, as most are, is kept without a set: that has 216 bytes."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held: dict[K, LiveQuery | set[LiveQuery]] = {}

    def add(self, key: K, live: LiveQuery) -> None:
        """Have it hold the key; harmless when it does."""
        held = self._held.setdefault(key, live)
        if isinstance(held, set):
            held.add(live)
        elif held is not live:
            self._held[key] = {held, live}

    def discard(self, key: K, live: LiveQuery) -> None:
        """Have it hold the key no longer; harmless when it does not."""
        held = self._held.get(key)
        if isinstance(held, set):
            held.discard(live)
            if len(held) == 1:
                self._held[key] = held.pop()
        elif held is live:
            del self._held[key]

    def of(self, key: K) -> Iterable[LiveQuery]:
        """Who holds it."""
        held = self._held.get(key)
        return () if held is None else _several(held)

    def __iter__(self) -> Iterator[LiveQuery]:
        """Everybody, once for each key."""
        return chain.from_iterable(map(_several, self._held.values()))


def _several(held: LiveQuery | set[LiveQuery]) -> Iterable[LiveQuery]:
    return held if isinstance(held, set) else (held,)
