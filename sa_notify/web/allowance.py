"""How many requests a client may make: a token bucket.

https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm, which keeps one number for each client.
"""

#: Of sums of fractions of a second.
_ROUNDING = 1e-6


class Allowance:
    """Of one client.

    :param burst: requests it may make at once.
    :param rate: requests a second that it may go on making.
    """

    __slots__ = ("_burst", "_full_at", "_rate")

    def __init__(self, burst: float, rate: float, now: float) -> None:
        self._burst, self._rate = burst, rate
        #: When it may make all at once again.
        self._full_at = now

    def take(self, now: float) -> float:
        """Make a request: 0.0 when it may, else the seconds until it may."""
        full_at = max(self._full_at, now) + 1.0 / self._rate
        seconds = full_at - now - self._burst / self._rate
        if seconds > _ROUNDING:
            return seconds
        self._full_at = full_at
        return 0.0
