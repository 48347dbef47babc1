"""Many rows updated in one statement: how often each window is read again."""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.alternate import column, middle
from benchmarks.live_models import ROWS
from benchmarks.live_place import Place, Site
from benchmarks.live_report import Line
from benchmarks.live_sizes import Sizes
from benchmarks.live_stage import Stage

_WRITE = "UPDATE items SET n = n + 1"


@dataclass(frozen=True, slots=True)
class Bulk:
    """Seconds from before COMMIT to the last window's frame; statements that read windows; frames."""

    last: float
    reads: int
    frames: int


def measure(place: Place, sizes: Sizes) -> Iterator[Line]:
    """Each window shows rows that changed."""
    windows = min(sizes.bulk_windows, sizes.bulk_rows // ROWS)
    with place.site(sizes.bulk_rows) as site, Stage(site) as stage:
        stage.open("owned", windows, param="owner")
        found = [_bulk(site, stage, windows) for _ in range(sizes.rounds)]
    reads, frames, last = (middle(column(found, name)) for name in ("reads", "frames", "last"))
    yield Line(
        f"{sizes.bulk_rows:,} rows updated in one statement, {windows:,} windows: one read a window",
        f"{reads / windows:.3f} reads and {frames / windows:.3f} frames a window; all in {last:.2f} s",
        reads <= windows,
        "Electric: about 2,000 rows to 200 clients of one shape, 5.4 s",
    )


def _bulk(site: Site, stage: Stage, windows: int) -> Bulk:
    site.statements.settle()
    stage.begin()
    began = site.write(_WRITE)
    moment = stage.updated(windows)
    reads = site.statements.settle().reads
    return Bulk(moment - began, reads, stage.figures().diffs)
