"""How long to wait before trying again."""

from collections.abc import Callable

FIRST_SECONDS = 0.1
CAP_SECONDS = 5.0


class Backoff:
    """Delays that double from 0.1 s to 5 s, each cut by up to a half so that peers spread out.

    :param random: gives numbers in [0, 1), as :func:`random.random` does.
    """

    def __init__(
        self, random: Callable[[], float], *, first: float = FIRST_SECONDS, cap: float = CAP_SECONDS
    ) -> None:
        self._random = random
        self._first, self._cap = first, cap
        self._next = first

    def delay(self) -> float:
        """Seconds to wait now; the next answer is longer."""
        seconds, self._next = self._next, min(self._next * 2, self._cap)
        return seconds * (1 - self._random() / 2)

    def reset(self) -> None:
        """It worked: begin with the shortest delay again."""
        self._next = self._first
