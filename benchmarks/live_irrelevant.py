"""A change that concerns none of many live queries, beside the same with few: what the worker pays."""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.alternate import column, middle, ratios, turns
from benchmarks.live_models import ROWS
from benchmarks.live_place import Place, Site
from benchmarks.live_report import Line
from benchmarks.live_sizes import Sizes
from benchmarks.live_stage import Stage

_GOAL = 1.5
_WRITE = "UPDATE items SET n = n + 1 WHERE id = :id"


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one change: microseconds of CPU in ``receive`` and in the whole process, reads of windows."""

    receiving: float
    cpu: float
    reads: float


def measure(place: Place, sizes: Sizes) -> Iterator[Line]:
    """In turns, each on a database of its own, whose last owner nobody looks at."""
    rows = (sizes.windows + 1) * ROWS
    with place.site(rows) as many, place.site(rows) as few, Stage(many) as crowded, Stage(few) as calm:
        crowded.open("owned", sizes.windows, param="owner")
        calm.open("owned", sizes.few, param="owner")
        both = {"many": (many, crowded), "few": (few, calm)}
        found = turns(list(both), sizes.rounds, lambda name: _cost(*both[name], sizes))
    yield _line(sizes, found["many"], found["few"])


def _line(sizes: Sizes, many: list[Cost], few: list[Cost]) -> Line:
    ratio = middle(ratios(column(many, "receiving"), column(few, "receiving")))
    receiving, cpu = (
        " µs against ".join(f"{middle(column(each, name)):,.1f}" for each in (many, few))
        for name in ("receiving", "cpu")
    )
    return Line(
        f"irrelevant change, {sizes.windows:,} equality filters: at most {_GOAL} times {sizes.few:,}",
        f"{ratio:.2f} (CPU in receive() {receiving}; of the process {cpu}; "
        f"{middle(column(many, 'reads')):.2f} reads of windows for a change)",
        ratio <= _GOAL,
        "Electric: flat to 10,000 shapes, 170 to 270 µs",
    )


def _cost(site: Site, stage: Stage, sizes: Sizes) -> Cost:
    site.statements.settle()
    stage.begin()
    for n in range(sizes.changes):
        site.write(_WRITE, id=sizes.windows * ROWS + 1 + n % ROWS)
    receiving = stage.received(sizes.changes).receiving
    reads = site.statements.settle().reads
    cpu = stage.figures().cpu
    return Cost(receiving / sizes.changes * 1e6, cpu / sizes.changes * 1e6, reads / sizes.changes)
