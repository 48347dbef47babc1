"""What was visible at a moment: the text of a ``pg_snapshot``, taken apart."""

from typing import NamedTuple


class Snapshot(NamedTuple):
    """Transactions that a read has seen, and so which ones the next read has to look for.

    A row that is visible now was not visible then exactly if its transaction is ``xmax`` or later, or
    was in progress then. Asked so, a transaction that stays open for days costs one look into an index;
    "not before xmin" would read everything since it began.

    :param xmax: the first transaction that had not begun.
    :param running: those before it that had not ended.
    """

    text: str
    xmax: int
    running: tuple[int, ...]

    @classmethod
    def of(cls, text: str) -> "Snapshot":
        """Read ``xmin:xmax:xip,xip,...``."""
        _, xmax, running = text.split(":")
        return cls(text, int(xmax), tuple(map(int, running.split(",") if running else ())))

    @property
    def running_array(self) -> str:
        """``running`` as a literal of an array."""
        return "{" + ",".join(map(str, self.running)) + "}"
