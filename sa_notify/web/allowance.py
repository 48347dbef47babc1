"""How many requests a client may make: a token bucket.

https://en.wikipedia.org/wiki/Token_bucket
"""


class Allowance:
    """Of one client.

    :param burst: requests it may make at once.
    :param rate: requests a second that it may go on making.
    """

    def __init__(self, burst: float, rate: float, now: float) -> None:
        self._burst, self._rate = burst, rate
        self._left, self._at = burst, now

    def take(self, now: float) -> float:
        """Make a request: 0.0 when it may, else the seconds until it may."""
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1.0:
            return (1.0 - self._left) / self._rate
        self._left -= 1.0
        return 0.0
