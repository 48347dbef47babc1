"""Many scripts, one after the other: what they found, cut down to what matters."""

import json
import random
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.oracle.counting import VERDICTS, Seen
from tests.oracle.play import play
from tests.oracle.script import LARGE, SMALL, Size, schema_of, script_of
from tests.oracle.shrink import shrunk
from tests.oracle.world import World, new_world

DELIVERIES = ("outbox", "notify", "carry")
EXAMPLES = Path(__file__).parent / "examples"
#: Scripts that are played in one database.
SCRIPTS = 4

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
    patience: int = 3,
    cut: bool = True,
    say: Say = lambda _: None,
) -> Report:
    """Play until so many seconds are over or so many scripts are played, or so many were found to fail.

    :param cut: make what fails as small as it goes.
    """
    report, began, dice = Report(), time.monotonic(), random.Random(seed)

    def goes_on() -> bool:
        report.seconds = time.monotonic() - began
        enough = report.seconds >= seconds if seconds else report.scripts >= scripts
        return not enough and len(report.differences) < patience

    ways = list(deliveries)
    while goes_on():
        chosen = random.Random(dice.randrange(2**32))
        delivery = ways[dice.randrange(len(ways))] if len(ways) > 1 else ways[0]
        with new_world(server, schema_of(chosen), delivery) as world:
            for _ in range(SCRIPTS):
                if not goes_on():
                    break
                _one(world, script_of(chosen, world.schema, size), report, say, cut=cut)
        say(f"{report.seconds:7.1f} {delivery}: {report.scripts} scripts, {len(report.differences)} differ")
    return report


def _one(world: World, script: dict[str, Any], report: Report, say: Say, *, cut: bool) -> None:
    found, seen = play(world, script)
    report.seen.add(seen)
    report.scripts += 1
    if not found:
        return
    if cut:
        say(f"differs, cutting: {found[0]:.2000}")
        script = shrunk(script, lambda candidate: bool(play(world, candidate)[0]))
        found = play(world, script)[0] or ["not again: " + found[0]]
    report.differences.append((found[0], {"delivery": world.delivery, **script}))


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
    path = EXAMPLES / f"{name}.json"
    path.write_text(json.dumps(script, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return path


SIZES = {"small": SMALL, "large": LARGE}
