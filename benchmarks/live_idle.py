"""Many open windows and no writes, beside one open window: what the database is asked."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.alternate import middle
from benchmarks.live_models import ROWS
from benchmarks.live_place import Place, Site
from benchmarks.live_report import Line
from benchmarks.live_sizes import Sizes
from benchmarks.live_stage import Stage

#: Of an application that sets nothing: a window a second is read again to see whether it is right.
_PROOFS = 1.0
#: Of a second: a heartbeat may fall on either side of a measurement's end.
_NOISE = 0.5


@dataclass(frozen=True, slots=True)
class Idle:
    """Statements a second, and the share of a core that the process takes."""

    statements: float
    cpu: float


def measure(place: Place, sizes: Sizes) -> Iterator[Line]:
    """Both at the same time, each on a database of its own."""
    rows = sizes.windows * ROWS
    with (
        place.site(rows) as many,
        place.site(rows) as one,
        Stage(many, proofs=_PROOFS) as crowded,
        Stage(one, proofs=_PROOFS) as alone,
    ):
        crowded.open("owned", sizes.windows, param="owner")
        alone.open("owned", 1, param="owner")
        # what opening left over
        time.sleep(2 * _PROOFS)
        both = [(many, crowded), (one, alone)]
        found = [_round(both, sizes.idle_seconds) for _ in range(sizes.rounds)]
    yield _line(sizes.windows, found)


def _line(windows: int, found: list[tuple[Idle, Idle]]) -> Line:
    beyond = middle([many.statements - one.statements for many, one in found])
    statements, least = (middle([each[n].statements for each in found]) for n in (0, 1))
    cpu, least_cpu = (middle([each[n].cpu for each in found]) for n in (0, 1))
    return Line(
        f"{windows:,} open windows, no writes: 0 statements a second beyond a heartbeat",
        f"{max(0.0, beyond):.1f} beyond ({statements:.1f} a second, with one window {least:.1f}, which prove "
        f"feed, catalog and a window); {cpu:.1%} of a core, with one window {least_cpu:.1%}",
        beyond < _NOISE,
        "Hasura: 100 multiplexed statements a second for 10,000",
    )


def _round(both: list[tuple[Site, Stage]], seconds: float) -> tuple[Idle, Idle]:
    for site, stage in both:
        site.statements.take()
        stage.begin()
    time.sleep(seconds)
    many, one = (
        Idle(site.statements.take().total / seconds, stage.figures().cpu / seconds) for site, stage in both
    )
    return many, one
