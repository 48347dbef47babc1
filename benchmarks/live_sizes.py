"""How much of everything is measured."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Storm:
    """Clients on one window over some workers, and row changes a second.

    :param processes: that the clients share.
    """

    clients: int
    workers: int
    rate: int

    @classmethod
    def parse(cls, text: str) -> "Storm":
        """Read ``500x1@2000``.

        :raises ValueError: when the text is something else.
        """
        found = re.fullmatch(r"(\d+)x(\d+)@(\d+)", text)
        if not found or not all(map(int, found.groups())):
            raise ValueError(f"{text!r} is not CLIENTSxWORKERS@CHANGES, such as 500x1@2000")
        return cls(*map(int, found.groups()))

    @property
    def processes(self) -> int:
        """One keeps up with some thousand frames a second."""
        return max(1, min(self.workers, self.clients // 500))


@dataclass(frozen=True, slots=True)
class Sizes:
    """As the goals have them.

    :param few: windows of the baseline that has fewer.
    :param changes: of one row each, in a round.
    :param sample: windows that are read one by one.
    :param clients: on one query, where an emit to a room is the baseline.
    :param marks: changes that all of them see, in a round.
    :param quiet: seconds without a read after which none is expected; a dirty query waits 1 s at the most.
    """

    rounds: int = 5
    windows: int = 10_000
    few: int = 100
    idle_seconds: float = 20.0
    changes: int = 200
    storms: tuple[Storm, ...] = (Storm(500, 1, 2000), Storm(1000, 2, 1000), Storm(5000, 4, 1000))
    storm_seconds: int = 60
    overlapping: int = 1000
    sample: int = 500
    clients: int = 1000
    marks: int = 20
    bulk_rows: int = 50_000
    bulk_windows: int = 1000
    weighed: int = 2000
    quiet: float = 1.2


QUICK = Sizes(
    rounds=1,
    windows=60,
    few=10,
    idle_seconds=2.0,
    changes=20,
    storms=(Storm(10, 1, 100), Storm(10, 2, 100)),
    storm_seconds=5,
    overlapping=40,
    sample=20,
    clients=20,
    marks=5,
    bulk_rows=2000,
    bulk_windows=20,
    weighed=60,
    quiet=0.3,
)
