"""Many scripts, one after the other: what they found, cut down to what matters."""

import json
import random
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, given, seed as seeded_by, settings
from hypothesis.errors import Flaky

from tests.oracle.counting import VERDICTS, Seen
from tests.oracle.play import play
from tests.oracle.script import LARGE, SMALL, Size, referred, schema_of, scripts as scripts_of
from tests.oracle.world import Schema, World, new_world

DELIVERIES = ("outbox", "notify", "carry")
EXAMPLES = Path(__file__).parent / "examples"
#: Scripts that are played in one database: from ten on, Hypothesis alters those that it has.
SCRIPTS = 9

Say = Callable[[str], None]


@dataclass
class Report:
    """What a run found.

    :param differences: what was wrong, by the script that shows it, as JSON.
    """

    seen: Seen = field(default_factory=Seen)
    scripts: int = 0
    seconds: float = 0.0
    differences: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def lines(self) -> list[str]:
        """For people."""
        verdicts = ", ".join(f"{self.seen.verdicts[name]} {name}" for name in VERDICTS)
        counts = ", ".join(f"{count} {name}" for name, count in sorted(self.seen.counts.items()))
        return [
            f"{self.scripts} scripts in {self.seconds:.0f} s, {len(self.differences)} with differences",
            f"changes met queries, which were: {verdicts}",
            counts,
        ]


def run(
    server: str,
    seed: int,
    *,
    seconds: float = 0,
    scripts: int = 0,
    size: Size = SMALL,
    deliveries: Iterable[str] = DELIVERIES,
    kinds: Iterable[str] | None = None,
    patience: int = 3,
    cut: bool = True,
    say: Say = lambda _: None,
) -> Report:
    """Play until so many seconds are over or so many scripts are played, or so many were found to fail.

    :param kinds: of columns, these alone; ``None``: any.
    :param cut: make what fails as small as it goes.
    """
    report, began, dice = Report(), time.monotonic(), random.Random(seed)

    def goes_on() -> bool:
        report.seconds = time.monotonic() - began
        enough = report.seconds >= seconds if seconds else report.scripts >= scripts
        return not enough and len(report.differences) < patience

    ways = list(deliveries)
    while goes_on():
        delivery, schema = dice.choice(ways), schema_of(dice, kinds)
        count = SCRIPTS if seconds else min(SCRIPTS, scripts - report.scripts)
        with new_world(server, schema, delivery) as world:
            _played(world, report, dice.randrange(2**32), count, size, say if cut else None)
        say(f"{report.seconds:7.1f} {delivery}: {report.scripts} scripts, {len(report.differences)} differ")
    return report


class _Differs(Exception):
    """A script shows something else than SQL."""


def drawn(
    schema: Schema,
    size: Size,
    number: int,
    use: Callable[[dict[str, Any]], None],
    *,
    count: int,
    cut: bool = False,
) -> None:
    """Have scripts drawn and used.

    :param number: seeds Hypothesis.
    :param cut: when the use fails, have it fail with smaller ones; the smallest comes last.
    """
    few = settings(
        max_examples=count,
        phases=[Phase.generate, *([Phase.shrink] if cut else [])],
        database=None,
        deadline=None,
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )
    seeded_by(number)(few(given(scripts_of(schema, size))(use)))()


def _played(world: World, report: Report, number: int, count: int, size: Size, say: Say | None) -> None:
    """Play scripts that Hypothesis draws.

    :param say: what fails is cut down after this was told; ``None`` leaves it as it is.
    """
    failed: list[tuple[str, dict[str, Any]]] = []

    def equals_sql(script: dict[str, Any]) -> None:
        found, seen = play(world, script)
        if not failed:
            report.seen.add(seen)
            report.scripts += 1
        if found and say and not failed:
            say(f"differs, cutting: {found[0]:.2000}")
        if found:
            failed.append((found[0], {"delivery": world.delivery, **script, "queries": referred(script)}))
            raise _Differs

    try:
        drawn(world.schema, size, number, equals_sql, count=count, cut=say is not None)
    except (_Differs, Flaky):  # what fails no more when it is played again has failed all the same
        report.differences.append(failed[-1])


def replay(server: str, script: dict[str, Any], deliveries: Iterable[str]) -> list[str]:
    """What is wrong with a kept script, by each delivery."""
    found = []
    for delivery in deliveries:
        with ExitStack() as stack:
            world = stack.enter_context(new_world(server, script["schema"], delivery))
            found += [f"{delivery}: {each}" for each in play(world, script)[0]]
    return found


def examples() -> dict[str, dict[str, Any]]:
    """The scripts that failed once, by name."""
    return {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(EXAMPLES.glob("*.json"))}


def keep(script: dict[str, Any], name: str) -> Path:
    """Write a script to where it will be replayed."""
    EXAMPLES.mkdir(exist_ok=True)
    path = EXAMPLES / f"{name}.json"
    path.write_text(json.dumps(script, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return path


SIZES = {"small": SMALL, "large": LARGE}
