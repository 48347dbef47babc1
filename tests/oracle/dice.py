"""Chance as Hypothesis draws it, which then makes smaller what fails."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")
#: Steps of a share; so many that a draw takes one byte of those that Hypothesis allows a script.
_STEPS = 126


class Dice:
    """Chooses; what it chooses first of all is the simplest, to which Hypothesis cuts down.

    :param draw: of a composite strategy.
    """

    def __init__(self, draw: Callable[[Any], Any]) -> None:
        self._draw = draw

    def randrange(self, count: int) -> int:
        """Below the count, each as often, but 0 a little oftener."""
        if count == 1:
            return 0
        # of the two ends Hypothesis draws each ever so often: the upper one means that it draws again
        found: int = self._draw(_upto(count))
        return found if found < count else int(self._draw(_upto(count - 1)))

    def randint(self, low: int, high: int) -> int:
        """Between both, or either."""
        return low + self.randrange(high - low + 1)

    def choice(self, items: Sequence[T]) -> T:
        """One of them."""
        return items[self.randrange(len(items))]

    def weighed(self, shares: Mapping[T, int]) -> T:
        """One of them, some more often."""
        return self.choice([item for item, share in shares.items() for _ in range(share)])

    def sample(self, items: Sequence[T], count: int) -> list[T]:
        """So many different ones, in any order."""
        left = list(items)
        return [left.pop(self.randrange(len(left))) for _ in range(count)]

    def chance(self, share: float) -> bool:
        """Whether it happens."""
        return self.randrange(_STEPS) >= round(_STEPS * (1 - share))

    def some(self, make: Callable[[], T], *, most: int, share: float = 0.97) -> list[T]:
        """As many as come, up to a number; each can be left out by itself.

        :param share: chance of one more.
        """
        made: list[T] = []
        while len(made) < most and self.chance(share):
            made.append(self._draw(st.builds(make)))
        return made


@cache
def _upto(most: int) -> Any:
    return st.integers(0, most)
