"""Many different windows that share rows, and one transaction that touches them all."""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.alternate import column, middle, turns
from benchmarks.live_models import ROWS
from benchmarks.live_place import Place, Site
from benchmarks.live_report import Line
from benchmarks.live_sizes import Sizes
from benchmarks.live_stage import Stage

_STATEMENTS = 20
#: Every twentieth row: each window of twenty has one of them.
_HIT = f"WHERE id <= :windows AND id % {ROWS} = 0"
_FAR = 10_000_000
#: What is written in the two turns of a round: after the second, rows that left are back.
_KINDS = {
    "rows keep their places": (f"UPDATE items SET title = 'title ' || clock_timestamp() {_HIT}",) * 2,
    "rows leave, and come back": (
        f"UPDATE items SET score = score + {_FAR} {_HIT}",
        f"UPDATE items SET score = score - {_FAR} {_HIT}",
    ),
}


@dataclass(frozen=True, slots=True)
class Updated:
    """What one transaction brought about.

    :param last: milliseconds from before COMMIT to the last window's frame.
    :param statements: until then, and reads of windows after it; what else there is then is heartbeat.
    """

    last: float
    statements: int
    reads: int


def measure(place: Place, sizes: Sizes) -> Iterator[Line]:
    """Both kinds in turns, on one stage."""
    windows = sizes.overlapping
    with place.site(windows + 3 * ROWS) as site, Stage(site) as stage:
        stage.open("ranked", windows, param="low")

        def hit(kind: str) -> list[Updated]:
            # one after the other: while rows are away, nothing else finds them in a window
            return [_hit(site, stage, statement, windows) for statement in _KINDS[kind]]

        found = turns(list(_KINDS), sizes.rounds, hit)
    for kind, rounds in found.items():
        yield _line(kind, windows, [updated for both in rounds for updated in both])


def _line(kind: str, windows: int, found: list[Updated]) -> Line:
    statements, reads, last = (middle(column(found, name)) for name in ("statements", "reads", "last"))
    return Line(
        f"{windows:,} overlapping windows, a transaction of {windows // ROWS} rows, {kind}: "
        f"all updated, at most {_STATEMENTS} statements",
        f"{statements:,.0f} statements, {reads:,.0f} of them of windows; all updated in {last:,.0f} ms",
        statements <= _STATEMENTS,
        "Electric: 750 shapes in 2,400 ms, a mean",
    )


def _hit(site: Site, stage: Stage, statement: str, windows: int) -> Updated:
    site.statements.settle()
    stage.begin()
    began = site.write(statement, windows=windows)
    moment = stage.updated(windows)
    meanwhile, after = site.statements.take(), site.statements.settle()
    return Updated((moment - began) * 1000, meanwhile.total + after.reads, meanwhile.reads + after.reads)
