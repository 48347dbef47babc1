"""Many clients on one window, and rows of it that change all the time: does anybody fall behind?"""

import os
import re
import statistics
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import URL, text

from benchmarks.capture_workloads import pgbench_program
from benchmarks.live_child import Missed
from benchmarks.live_crowd import Lags, crowd
from benchmarks.live_models import ROWS
from benchmarks.live_place import Place, Ran, Site
from benchmarks.live_report import Line
from benchmarks.live_sizes import Sizes, Storm
from tests.serving import serve

#: Seconds of lag that may be added in a second: who does a hundredth too little adds ten times that.
_GROWTH = 0.001
_STATEMENTS = 0.1
#: Of the rate that was asked for.
_REACHED = 0.95
_WRITERS = 4
_OPTIONS = ("--worker-connections", "6000", "--backlog", "4096")
#: Titles are the server's clock, which is the clients'.
_SCRIPT = f"""
\\set id random(1, {ROWS})
UPDATE items SET title = extract(epoch FROM clock_timestamp())::text WHERE id = :id;
"""
_PUBLISHED = "Supabase: 64 changes a second for 500 clients (p95 184 to 238 ms), 10 for 5,000 (672 to 807)"


@dataclass(frozen=True, slots=True)
class Weathered:
    """What a storm brought.

    :param changes: that were made.
    :param ran: statements for them.
    """

    changes: int
    ran: Ran
    lags: Lags


def measure(place: Place, sizes: Sizes) -> Iterator[Line]:
    """One after the other, each on workers of its own."""
    for storm in sizes.storms:
        goal = _goal(storm, sizes.storm_seconds)
        try:
            with place.site(ROWS) as site:
                weathered = _run(site, storm, sizes.storm_seconds)
        except Missed as missed:
            yield Line(goal, str(missed), met=False, published=_PUBLISHED)
        else:
            yield _line(goal, storm, sizes.storm_seconds, weathered)


def _goal(storm: Storm, seconds: int) -> str:
    workers = f"{storm.workers} worker{'s' if storm.workers > 1 else ''}"
    goal = (
        f"{storm.clients:,} clients on one window, {workers}, {storm.rate:,} changes a second for {seconds} s"
    )
    few = f", at most {_STATEMENTS} statements a change" if storm.workers == 1 else ""
    return f"{goal}: no growing lag{few}"


def _line(goal: str, storm: Storm, seconds: int, found: Weathered) -> Line:
    lags, growth, statements = found.lags, slope(found.lags.seconds), found.ran.total / found.changes
    steady = growth < _GROWTH and not lags.lost and found.changes >= _REACHED * storm.rate * seconds
    reads, feed = (count / found.changes for count in (found.ran.reads, found.ran.feed))
    ms = [f"{lag * 1000:,.0f}" for lag in (lags.p50, lags.p95, lags.p99)]
    measured = (
        f"{found.changes / seconds:,.0f} a second; lag p50 {ms[0]} ms, p95 {ms[1]}, p99 {ms[2]}, growing by "
        f"{growth * 1000:+.2f} ms a second; {lags.frames / seconds:.1f} frames a second for each client, "
        f"{lags.lost} lost, their processes {lags.busy:.0%} busy; {statements:.3f} statements a change, "
        f"{reads:.3f} of them read the window, {feed:.3f} the feed"
    )
    return Line(goal, measured, steady and (storm.workers > 1 or statements <= _STATEMENTS), _PUBLISHED)


def _run(site: Site, storm: Storm, seconds: int) -> Weathered:
    environment = {"DATABASE_URL": site.url}
    serving = serve("benchmarks.live_app:app", workers=storm.workers, env=environment, options=_OPTIONS)
    with serving as url, crowd(url, storm.processes) as clients:
        clients.connect(storm.clients, "board")
        site.statements.settle()
        clients.watch()
        changes = _write(site, storm.rate, seconds)
        with site.engine.connect() as connection:
            newest = connection.scalar(text("SELECT max(title) FROM items WHERE title ~ '^[0-9]'"))
        clients.caught_up(str(newest))
        return Weathered(changes, site.statements.take(), clients.lags())


def _write(site: Site, rate: int, seconds: int) -> int:
    """Change rows at this rate, each in a transaction of its own; how many there were."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(_SCRIPT)
        file.flush()
        options = f"-n -M prepared -c {_WRITERS} -j 1 -R {rate} -T {seconds} -f {file.name}"
        done = subprocess.run(
            [pgbench_program(), *options.split()],
            env={**os.environ, **_environment(site.engine.url)},
            capture_output=True,
            text=True,
            check=False,
        )
    found = re.search(r"transactions actually processed: (\d+)", done.stdout)
    if done.returncode or not found:
        raise Missed(f"pgbench failed: {done.stderr[-300:]}")
    return int(found[1])


def _environment(url: URL) -> dict[str, str]:
    named = {"PGHOST": url.host, "PGPORT": url.port, "PGUSER": url.username, "PGDATABASE": url.database}
    return {name: str(value) for name, value in named.items()}


def slope(seconds: Sequence[tuple[float, float]]) -> float:
    """Seconds that lag grows in a second; the first two, in which caches fill, are left out."""
    begun = min(at for at, _ in seconds)
    settled = [(at, lag) for at, lag in seconds if at >= begun + 2] or list(seconds)
    if len({at for at, _ in settled}) < 2:
        return 0.0
    moments, lags = zip(*settled, strict=True)
    return statistics.linear_regression(moments, lags).slope
