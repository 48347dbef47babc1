"""How soon a query is read again: at once when it rests, then as its cost and the budget allow."""

from typing import Final

from sa_notify.live.state import LiveQuery

#: A dirty query waits as long as its last read took, at most this long.
MAX_PAUSE: Final = 1.0

#: A query that changes more often than it is read is read at most ten times a second: faster than anybody
#: sees, and each reading then serves many changes.
HOT_PAUSE: Final = 0.1
_FIRST_HOT_PAUSE: Final = 0.01

#: Seconds of the budget that may be overdrawn before anybody waits for it.
BURST_SECONDS: Final = 1.0


class Pace:
    """Seconds of reading that are spent, against so many a second.

    :param budget: seconds of the database's time a second, over all its connections.
    """

    def __init__(self, budget: float) -> None:
        self._budget = budget
        self._debt = 0.0
        self._at = 0.0

    def spend(self, seconds: float, now: float) -> None:
        """A read took so long."""
        self._debt = self._owed(now) + seconds
        self._at = now

    def pause(self, live: LiveQuery, now: float) -> float:
        """Seconds between a read that is done and the next, of a query that is dirty again."""
        live.pause = _hotter(live.pause) if live.arrived > 1 else 0.0
        return max(min(live.spent, MAX_PAUSE), live.pause, self.overdrawn(now))

    @staticmethod
    def pause_between_totals(live: LiveQuery) -> float:
        """Seconds until the next total is told."""
        live.pause = _hotter(live.pause) if live.arrived > 1 else _FIRST_HOT_PAUSE
        return live.pause

    def overdrawn(self, now: float) -> float:
        """Seconds until the budget allows another read."""
        return max(0.0, self._owed(now) / self._budget - BURST_SECONDS)

    def _owed(self, now: float) -> float:
        return max(0.0, self._debt - (now - self._at) * self._budget)


def _hotter(pause: float) -> float:
    return min(max(2 * pause, _FIRST_HOT_PAUSE), HOT_PAUSE)
