"""How long a write takes."""

import random
import time
from statistics import quantiles
from typing import Final, NamedTuple

from sqlalchemy import Engine, text

#: Measured for so long, as often as that a second.
SECONDS: Final = 3.0
TIMES: Final = 150
#: What is allowed, as the plan has it, and what two cores do by themselves beside everything else that runs.
ALLOWED: Final = 1.05
NOISE_SECONDS: Final = 0.010


class Delays(NamedTuple):
    """The p99 of writes, in seconds.

    :param healthy: with everything there.
    :param alone: with neither a dispatcher nor Redis.
    """

    healthy: float
    alone: float

    def told(self) -> str:
        """For people."""
        return f"p99 {self.healthy * 1000:.1f} ms, {self.alone * 1000:.1f} ms with nobody there"

    def too_long(self, patience: float) -> bool:
        """Whether writers notice that everybody is gone."""
        return self.alone > self.healthy * ALLOWED + NOISE_SECONDS * patience


def p99_of_writes(engine: Engine, dice: random.Random) -> float:
    """Of one row, which nobody else writes, of a table that is watched; each in a transaction of its own."""
    took, until = list[float](), time.monotonic() + SECONDS
    write = text("UPDATE owners SET name = :name WHERE id = 1")
    with engine.connect() as connection:
        while (began := time.monotonic()) < until:
            connection.execute(write, {"name": str(dice.random())})
            connection.commit()
            took.append(time.monotonic() - began)
            time.sleep(1 / TIMES)
    return quantiles(took, n=100)[98]
