"""A row in one of many windows: commit to client callback, beside the floor."""

from collections.abc import Iterator
from contextlib import ExitStack

from sqlalchemy import create_engine, insert

from benchmarks.alternate import middle, ratios, turns
from benchmarks.latency import Probe, _once, _round, subscribed
from benchmarks.latency_models import Floor
from benchmarks.live_crowd import crowd
from benchmarks.live_models import ROWS
from benchmarks.live_place import Place, Site
from benchmarks.live_report import Line
from benchmarks.live_sizes import Sizes
from tests.serving import serve

#: Of a client, as many as it may have.
_WINDOWS = 50
_GOALS = {"p50": 2.0, "p99": 4.0}
_PAUSE = 0.005
_OPTIONS = ("--worker-connections", "3000")


def measure(place: Place, sizes: Sizes) -> Iterator[Line]:
    """In turns, on one worker; the window that changes is ours, all others those of another process."""
    clients = -(-(sizes.windows - 1) // _WINDOWS)
    windows = clients * _WINDOWS + 1
    with place.site(windows * ROWS) as site, ExitStack() as stack:
        _add_floor(site)
        environment = {"DATABASE_URL": site.url}
        serving = serve("benchmarks.live_app:app", workers=1, env=environment, options=_OPTIONS)
        url = stack.enter_context(serving)
        others = stack.enter_context(crowd(url))
        others.connect(clients, "owned", windows=_WINDOWS, param="owner", first=1)
        found = _in_turns(url, site, sizes)
    yield from _lines(windows, found["items"], found["floor"])


def _in_turns(url: str, site: Site, sizes: Sizes) -> dict[str, list[tuple[float, float]]]:
    probes = {"floor": Probe(url, "/floor", "row"), "items": subscribed(url, "owned", {"owner": 0})}
    site.statements.settle()

    def one(table: str) -> tuple[float, float]:
        return _round(lambda n: _once(site.engine, table, probes[table], n), sizes.changes, _PAUSE)

    # the first round warms up
    found = turns(list(probes), sizes.rounds + 1, one)
    for probe in probes.values():
        probe.client.disconnect()
    return {name: rounds[1:] for name, rounds in found.items()}


def _lines(windows: int, ours: list[tuple[float, float]], floor: list[tuple[float, float]]) -> Iterator[Line]:
    for place, (quantile, goal) in enumerate(_GOALS.items()):
        mine, least = ([each[place] for each in rounds] for rounds in (ours, floor))
        times = middle(ratios(mine, least))
        yield Line(
            f"one row in one of {windows:,} windows, {quantile}: at most {goal:.0f} times the floor",
            f"{times:.2f} (commit to client callback {middle(mine):.2f} ms against {middle(least):.2f})",
            times <= goal,
            "Electric: 6 ms, a mean; Supabase: p95 from 184 ms",
        )


def _add_floor(site: Site) -> None:
    owner = create_engine(site.url)
    with owner.begin() as connection:
        Floor.__table__.create(connection)
        connection.execute(insert(Floor), [{"title": "start"}] * ROWS)
        connection.exec_driver_sql("GRANT SELECT, UPDATE ON floor TO writer")
    owner.dispose()
