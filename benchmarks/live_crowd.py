"""Clients with real websockets, in processes of their own."""

import statistics
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from benchmarks.live_child import Child

#: The namespace of a room that is emitted to by hand; as long as ours, so that frames are.
ROOM = "/room-raw"


@dataclass(frozen=True, slots=True)
class Lags:
    """How old the oldest change was that a frame brought, in seconds, over all frames and clients.

    :param seconds: the median of each second of the measurement: when, and how much.
    :param frames: that a client got, a mean.
    :param lost: clients whose connection ended.
    :param busy: share of a core that the busiest process took; near 1, the clients themselves were late.
    """

    seconds: list[tuple[float, float]]
    p50: float
    p95: float
    p99: float
    frames: float
    lost: int
    busy: float


class Crowd:
    """Some processes that share the clients among them.

    :param children: each runs :mod:`benchmarks.live_crowd_worker`.
    """

    def __init__(self, children: Sequence[Child]) -> None:
        self._children = children

    def connect(self, clients: int, query: str, *, windows: int = 1, param: str = "", first: int = 0) -> None:
        """Connect, subscribe and wait for all snapshots.

        :param windows: of each client.
        :param param: of the query, that is ``first`` in the first window and grows by one with each.
        """
        at = 0
        for place, child in enumerate(self._children):
            count = clients // len(self._children) + (place < clients % len(self._children))
            details = {"query": query, "windows": windows, "param": param, "first": first + at * windows}
            child.tell("connect", clients=count, **details)
            at += count
        self._answers()

    def join(self) -> None:
        """Connect the same websockets to :data:`ROOM` too."""
        self._ask("join", namespace=ROOM)

    def expect(self, mark: str) -> None:
        """Note from now on who gets a frame with this text."""
        self._ask("expect", mark=mark)

    def arrived(self) -> float:
        """The moment when the last client got it, on the machine's monotonic clock."""
        return max(float(moment) for moment in self._ask("arrived"))

    def watch(self) -> None:
        """Note lags from now on: titles are moments, in seconds since 1970."""
        self._ask("watch")

    def caught_up(self, moment: str) -> None:
        """Wait until every client has a title that is not older."""
        self._ask("caught_up", moment=moment)

    def lags(self) -> Lags:
        """What was noted; quantiles are the worst of the processes'."""
        found = [Lags(**each) for each in self._ask("lags")]
        return Lags(
            seconds=[(at, lag) for each in found for at, lag in each.seconds],
            p50=max(each.p50 for each in found),
            p95=max(each.p95 for each in found),
            p99=max(each.p99 for each in found),
            frames=statistics.fmean(each.frames for each in found),
            lost=sum(each.lost for each in found),
            busy=max(each.busy for each in found),
        )

    def _ask(self, command: str, **details: object) -> list[object]:
        for child in self._children:
            child.tell(command, **details)
        return self._answers()

    def _answers(self) -> list[object]:
        return [child.answer() for child in self._children]


@contextmanager
def crowd(url: str, processes: int = 1) -> Iterator[Crowd]:
    """Nobody yet, but the processes; they end with the block."""
    with ExitStack() as stack:
        children = [stack.enter_context(Child("benchmarks.live_crowd_worker", url)) for _ in range(processes)]
        yield Crowd(children)
