"""A change that many clients see, beside an emit of the same bytes to a room, on one gevent worker."""

import json
import threading
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from benchmarks.alternate import column, middle, ratios, turns
from benchmarks.latency import subscribed
from benchmarks.live_child import Missed
from benchmarks.live_crowd import Crowd, crowd
from benchmarks.live_place import Place, Site
from benchmarks.live_report import Line
from benchmarks.live_sizes import Sizes
from tests.serving import serve

_GOAL = 0.7
_WRITE = "UPDATE items SET title = :mark WHERE id = 1"
_FIRST = "mark-000000"


@dataclass(frozen=True, slots=True)
class Fan:
    """Of one change: ms until the last client has it, ms of the worker's CPU, reads of windows."""

    last: float
    cpu: float
    reads: float


def measure(place: Place, sizes: Sizes) -> Iterator[Line]:
    """In turns, on the same worker and the same websockets; each change waits for the last client."""
    with place.site(1000) as site, _served(site) as url, crowd(url) as clients:
        frame = _frame(url, site)
        clients.connect(sizes.clients, "board")
        clients.join()
        marks = (f"mark-{n:06}" for n in count(1))
        ways: Mapping[str, Callable[[str], float]] = {
            "ours": lambda mark: site.write(_WRITE, mark=mark),
            "room": lambda mark: _emit(url, frame.replace(_FIRST, mark)),
        }

        def fan(way: str) -> Fan:
            return _fan(url, site, clients, ways[way], [next(marks) for _ in range(sizes.marks)])

        # the first round warms up
        found = turns(list(ways), sizes.rounds + 1, fan)
    yield from _lines(sizes.clients, found["ours"][1:], found["room"][1:])


def _lines(clients: int, ours: list[Fan], room: list[Fan]) -> Iterator[Line]:
    reads = middle(column(ours, "reads"))
    yield Line(f"{clients:,} clients on one query: one read a change", f"{reads:.2f}", reads <= 1.0)
    last, cpu = (middle(ratios(column(room, name), column(ours, name))) for name in ("last", "cpu"))
    ms = {name: [f"{middle(column(each, name)):.1f}" for each in (ours, room)] for name in ("last", "cpu")}
    yield Line(
        f"{clients:,} clients, fan-out by time and by the worker's CPU: at least {_GOAL} of a room's emit",
        f"{last:.2f} by time (commit to last client {ms['last'][0]} ms, emit to last client "
        f"{ms['last'][1]}), {cpu:.2f} by CPU ({ms['cpu'][0]} ms against {ms['cpu'][1]})",
        min(last, cpu) >= _GOAL,
    )


def _served(site: Site) -> Any:
    options = ("--worker-connections", "3000", "--backlog", "4096")
    return serve("benchmarks.live_app:app", workers=1, env={"DATABASE_URL": site.url}, options=options)


def _fan(url: str, site: Site, clients: Crowd, way: Callable[[str], float], marks: list[str]) -> Fan:
    site.statements.settle()
    seconds, cpu = 0.0, _cpu(url)
    for mark in marks:
        clients.expect(mark)
        began = way(mark)
        seconds += clients.arrived() - began
    cpu = _cpu(url) - cpu
    reads = site.statements.settle().reads
    return Fan(seconds / len(marks) * 1000, cpu / len(marks) * 1000, reads / len(marks))


def _frame(url: str, site: Site) -> str:
    """What a client is sent for one change, as JSON."""
    probe, came, found = subscribed(url, "board", {}), threading.Event(), dict[str, Any]()

    def keep(data: dict[str, Any]) -> None:
        found.update(data)
        came.set()

    probe.client.on("diff", keep, namespace="/realtime")
    site.write(_WRITE, mark=_FIRST)
    if not came.wait(30):
        raise Missed("no client was told of a change within 30 s")
    probe.client.disconnect()
    return json.dumps(found)


def _emit(url: str, body: str) -> float:
    headers = {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(f"{url}/room", body.encode(), headers)) as answer:
        return float(answer.read())


def _cpu(url: str) -> float:
    with urllib.request.urlopen(f"{url}/cpu") as answer:
        return float(answer.read())
