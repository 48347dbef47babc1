"""Which transactions a read has already seen."""

from dataclasses import dataclass

from sa_notify.errors import MessageError

_NONE: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A parsed ``pg_current_snapshot()``: ``xmin:xmax:xip,...``.

    https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-SNAPSHOT
    """

    xmin: int
    xmax: int
    running: frozenset[int]

    @classmethod
    def parse(cls, text: str) -> "Snapshot":
        """Read the text form.

        :raises MessageError: when the text is not a snapshot.
        """
        try:
            xmin, xmax, running = text.split(":")
            xids = frozenset(int(xid) for xid in running.split(",") if xid) or _NONE
            return cls(int(xmin), int(xmax), xids)
        except ValueError as error:
            raise MessageError(f"not a snapshot: {text!r}") from error

    def sees(self, xid: int) -> bool:
        """Whether a read under this snapshot saw what the top-level transaction ``xid`` committed."""
        return xid < self.xmax and (xid < self.xmin or xid not in self.running)
