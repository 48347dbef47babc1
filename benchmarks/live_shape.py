"""Many dirty queries that differ in a value alone, beside running them one by one."""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.alternate import column, middle, ratios, turns
from benchmarks.live_models import ROWS
from benchmarks.live_place import Place, Site
from benchmarks.live_report import Line
from benchmarks.live_sizes import Sizes
from benchmarks.live_stage import Stage

_GOAL = 10.0
#: One notice for the whole table, since it is more rows than a statement tells one by one.
_WRITE = "UPDATE items SET n = n + 1"
_LEAST = 2000


@dataclass(frozen=True, slots=True)
class Shape:
    """Queries that one function makes.

    :param rows: of each window.
    """

    query: str
    param: str
    rows: int


@dataclass(frozen=True, slots=True)
class Speed:
    """Queries a second, and statements of all."""

    rate: float
    statements: int


def measure(place: Place, sizes: Sizes) -> Iterator[Line]:
    """Windows of one row, and of a page."""
    for shape in (Shape("single", "number", 1), Shape("owned", "owner", ROWS)):
        rows = max(_LEAST, (sizes.windows + 1) * shape.rows)
        with place.site(rows) as site, Stage(site) as stage:
            stage.open(shape.query, sizes.windows, param=shape.param, first=1)
            found = _in_turns(shape, site, stage, sizes)
        yield _line(shape, sizes, found["together"], found["one by one"])


def _in_turns(shape: Shape, site: Site, stage: Stage, sizes: Sizes) -> dict[str, list[Speed]]:
    def measured(way: str) -> Speed:
        site.statements.settle()
        if way == "together":
            return _together(site, stage, sizes.windows)
        rate = sizes.sample / stage.one_by_one(shape.query, shape.param, sizes.sample)
        return Speed(rate, site.statements.take().total)

    return turns(["together", "one by one"], sizes.rounds, measured)


def _together(site: Site, stage: Stage, windows: int) -> Speed:
    stage.begin()
    began = site.write(_WRITE)
    rate = windows / (stage.updated(windows) - began)
    return Speed(rate, site.statements.take().total)


def _line(shape: Shape, sizes: Sizes, together: list[Speed], alone: list[Speed]) -> Line:
    rates, base = column(together, "rate"), column(alone, "rate")
    times, statements = middle(ratios(rates, base)), middle(column(together, "statements"))
    rows = f"{shape.rows} row{'s' if shape.rows > 1 else ''}"
    return Line(
        f"{sizes.windows:,} dirty queries of one shape, {rows} each: at least {_GOAL:.0f} times one by one",
        f"{times:.1f} ({middle(rates):,.0f} a second from commit to the last frame, in {statements:,.0f} "
        f"statements, against {middle(base):,.0f} where {sizes.sample:,} are read)",
        times >= _GOAL,
        "Hasura: 1,000,000 re-run each second, one row each, by primary key; 16 CPU of PostgreSQL",
    )
