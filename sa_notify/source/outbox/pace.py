"""When to read next."""

from collections import deque
from typing import Final

#: Seconds between two reads while changes come, and how far that grows while none do.
BUSY_SECONDS: Final = 0.001
GROWTH: Final = 1.5
AWAKE_SECONDS: Final = 0.003
POLLED_SECONDS: Final = 0.250
#: The same where writers can't ring although this process could hear them.
SILENT_SECONDS: Final = 0.020
#: As many reads in a row that found something, and changes come closely enough to wait until about so many
#: can be read together, but no longer than this: at 2,000 a second 0.1 statements a change rather than 0.4.
CROWDED_READS: Final = 8
CROWD: Final = 12
CROWDED_SECONDS: Final = 0.006
#: Read this often whatever happens: no bell must be relied on for ever.
SAFETY_SECONDS: Final = 1.0
#: As many rings in so many seconds, and polling is cheaper for everybody: a ring is a NOTIFY, which
#: stands in the queue of all commits of the cluster.
RINGS: Final = 4
RINGS_SECONDS: Final = 0.050
#: Nothing for so long, and a bell is cheaper again.
QUIET_SECONDS: Final = 0.012


class Pace:
    """How a reader spends its time; numbers in, numbers out.

    Asleep, it waits for the bell; awake, it reads again and again, faster while that finds something.

    :param bell: somebody rings when there is something to read. Without that it never sleeps.
    :param slowest: how long it waits at most between two reads while it is awake.
    :param safety_seconds: how long it sleeps at most.
    """

    def __init__(
        self, *, bell: bool, slowest: float = AWAKE_SECONDS, safety_seconds: float = SAFETY_SECONDS
    ) -> None:
        self.asleep = self._hushed = False
        self.bell = bell
        self._slowest = slowest
        self._safety_seconds = safety_seconds
        self._interval = BUSY_SECONDS
        self._found_at = float("-inf")
        self._found_in_a_row = 0
        self._rings: deque[float] = deque(maxlen=RINGS)

    def found(self, now: float, transactions: int = 1) -> None:
        """A read found something."""
        self._found_at = now
        self._found_in_a_row += 1
        if self._found_in_a_row < CROWDED_READS or transactions == 1:
            # one alone may be of somebody who waits for it before the next: measured, 6.5 ms a change
            self._interval = BUSY_SECONDS
        elif transactions < CROWD:
            self._interval = min(self._interval * GROWTH, CROWDED_SECONDS)
        elif transactions > 2 * CROWD:
            self._interval = max(self._interval / GROWTH, BUSY_SECONDS)

    def found_nothing(self) -> None:
        """A read found nothing."""
        self._found_in_a_row = 0
        slowest = SILENT_SECONDS if self._hushed else self._slowest
        self._interval = min(self._interval * GROWTH, slowest)

    def rang(self, now: float) -> bool:
        """The bell rang; whether it rings so often that one should rather be awake."""
        self._rings.append(now)
        return len(self._rings) == RINGS and now - self._rings[0] <= RINGS_SECONDS

    def hush(self, hushed: bool) -> None:
        """Whether nobody can ring for a while: then it does not sleep."""
        self._hushed = hushed

    def tired(self, now: float) -> bool:
        """Whether to try to fall asleep."""
        return self.bell and not (self.asleep or self._hushed) and now - self._found_at >= QUIET_SECONDS

    def sleep(self) -> None:
        """The bell will ring from now on."""
        self.asleep = True
        self._rings.clear()

    def wake(self, now: float) -> None:
        """The bell rings no longer."""
        self.asleep = False
        self.found(now)

    @property
    def seconds(self) -> float:
        """How long to wait before the next read, unless the bell rings."""
        return self._safety_seconds if self.asleep else self._interval
