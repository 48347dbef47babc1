"""What a window costs in memory, and a client more that looks at it."""

from collections.abc import Iterator

from benchmarks.live_models import ROWS
from benchmarks.live_place import Place
from benchmarks.live_report import Line
from benchmarks.live_sizes import Sizes
from benchmarks.live_stage import Memory, Stage

_WINDOW, _VIEWER = 4096, 200
#: Of a client that sets nothing.
_WINDOWS = 50


def measure(place: Place, sizes: Sizes) -> Iterator[Line]:
    """By tracemalloc: what Python's own allocator holds. Clients are connected before, and not counted."""
    count = sizes.weighed
    with place.site((2 * count + 1) * ROWS) as site, Stage(site, trace=True) as stage:
        # what the first windows bring for all: caches, compiled statements
        stage.connect(-(-count // _WINDOWS), "warm")
        stage.connect(-(-count // _WINDOWS), "w")
        alone = stage.memory()
        stage.connect(count, "v")
        connected, _ = _each(alone, stage.memory(), count)
        stage.subscribe("owned", count, prefix="warm", param="owner", first=count)
        objects, encoded = stage.rows()
        site.statements.settle()
        before = stage.memory()
        stage.subscribe("owned", count, prefix="w", param="owner")
        site.statements.settle()
        open_ = stage.memory()
        stage.subscribe("board", 1, prefix="warm")
        stage.subscribe("board", count, prefix="v")
        site.statements.settle()
        seen = stage.memory()
    window, resident = _each(before, open_, count)
    yield Line(
        f"memory: at most {_WINDOW:,} bytes for a window of {ROWS} rows beyond the rows' own",
        f"{window - objects:,.0f} beyond the rows as Python objects ({objects:,.0f}), "
        f"{window - encoded:,.0f} beyond their JSON ({encoded:,.0f}), by tracemalloc with {count:,} windows; "
        f"resident memory {resident:,.0f}",
        window - objects <= _WINDOW,
        "Electric Circuits: 7 to 9 KiB a query, without rows",
    )
    viewer, resident = _each(open_, seen, count)
    yield Line(
        f"memory: at most {_VIEWER} bytes for a further viewer of a window",
        f"{viewer:,.0f} beyond its connection ({connected:,.0f}), by tracemalloc with {count:,} connected "
        f"clients; resident memory {resident:,.0f}",
        viewer <= _VIEWER,
    )


def _each(before: Memory, after: Memory, count: int) -> tuple[float, float]:
    return (after.traced - before.traced) / count, (after.resident - before.resident) / count
