"""The live queries of one web process without its sockets, in a process of its own.

Everything but the sockets is real: the app, its feed, its hub, its reads, the encoding of frames. Thousands
of sockets would be measured otherwise, and not what they look at.
"""

from dataclasses import dataclass

from benchmarks.live_child import Child
from benchmarks.live_place import Site

#: A window is read once a second to see whether it is right: not where statements are counted one by one.
NEVER = 1e6


@dataclass(frozen=True, slots=True)
class Figures:
    """Of a stage since it was told to begin.

    :param changes: that it has received.
    :param receiving: seconds of CPU that receiving them took.
    :param cpu: seconds of CPU of the whole process.
    :param diffs: that it has sent.
    """

    changes: int
    receiving: float
    cpu: float
    diffs: int


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of Python's own allocator, and of the whole process."""

    traced: int
    resident: int


class Stage(Child):
    """See the module.

    :param proofs: seconds between two windows that are read again to see whether they are right.
    :param trace: have Python count its memory, which makes all else slower.
    """

    def __init__(self, site: Site, *, proofs: float = NEVER, trace: bool = False) -> None:
        super().__init__("benchmarks.live_stage_worker", site.url, str(proofs), "trace" if trace else "")

    def connect(self, clients: int, prefix: str) -> None:
        """Clients that look at nothing yet, named by the prefix and a number from 0."""
        self.ask("connect", clients=clients, prefix=prefix)

    def subscribe(self, query: str, windows: int, *, prefix: str, param: str = "", first: int = 0) -> None:
        """Open windows, dealt out to the clients of the prefix, and wait for their snapshots.

        :param param: of the query, that is ``first`` in the first window and grows by one with each.
        """
        self.ask("subscribe", query=query, windows=windows, prefix=prefix, param=param, first=first)

    def open(self, query: str, windows: int, *, param: str = "", first: int = 0) -> None:
        """Both: a client for every 50 windows, as many as it may have."""
        self.connect(-(-windows // 50), query)
        self.subscribe(query, windows, prefix=query, param=param, first=first)

    def begin(self) -> None:
        """Count from now on."""
        self.ask("begin")

    def figures(self) -> Figures:
        """What was counted."""
        return Figures(**self.ask("figures"))

    def received(self, changes: int) -> Figures:
        """The same, once so many changes have been received."""
        self.ask("received", changes=changes)
        return self.figures()

    def updated(self, windows: int) -> float:
        """The moment when so many different windows had sent a diff, on the machine's monotonic clock."""
        return float(self.ask("updated", windows=windows))

    def one_by_one(self, query: str, param: str, windows: int) -> float:
        """Seconds that it takes to read so many windows one after the other, as for a first snapshot."""
        return float(self.ask("one_by_one", query=query, param=param, windows=windows))

    def memory(self) -> Memory:
        """What the process holds now."""
        return Memory(**self.ask("memory"))

    def rows(self) -> tuple[float, float]:
        """Bytes of a window's rows: as Python objects, and as JSON text; means over sampled windows."""
        objects, encoded = self.ask("rows")
        return objects, encoded
