"""What reads cost the database, beside what they may."""

from dataclasses import dataclass

from sa_notify import metrics


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds of the database's time in a second, over all connections of one process.

    :param used: lately.
    :param budget: what reads may take; past it they wait.
    """

    used: float
    budget: float


class Spending:
    """Turns a sum that grows into seconds a second.

    :param budget: as :attr:`Spent.budget`.
    """

    def __init__(self, budget: float, now: float) -> None:
        self._seconds, self._at = 0.0, now
        self._spent = Spent(0.0, budget)
        metrics.DATABASE_BUDGET.set(budget)

    @property
    def spent(self) -> Spent:
        """Between the last two looks."""
        return self._spent

    def look(self, seconds: float, now: float) -> None:
        """Now and then.

        :param seconds: that reads have taken up to now, altogether.
        """
        if now > self._at:
            used = (seconds - self._seconds) / (now - self._at)
            self._spent = Spent(round(used, 4), self._spent.budget)
            self._seconds, self._at = seconds, now
