"""``make oracle-bugs``: is each of the seeded bugs caught?"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from tests.oracle.icu import has_icu, installed, installed_postgres
from tests.oracle.lane import DELIVERIES, run
from tests.oracle.seeding import Bug, bugs, seeded
from tests.servers import any_postgres

SEED = 1
#: A bug that so many scripts don't find is not caught.
SCRIPTS = 100


@dataclass(frozen=True)
class Outcome:
    """What became of a bug.

    :param found: what is wrong with it; empty when nothing was found, ``None`` where no server can show it.
    """

    name: str
    found: str | None
    scripts: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        if self.found is None:
            return f"NOT TRIED, no server has ICU  {self.name}"
        told = f"{self.seconds:5.1f} s, {self.scripts:3} scripts  {'caught' if self.found else 'MISSED'}"
        return f"{told}  {self.name}: {' '.join(self.found.split()):.70}"


def hunt(name: str, bug: Bug, url: str | None, seed: int = SEED) -> Outcome:
    """Play until the bug shows.

    :param url: of a server that can show it; ``None`` for none.
    """
    if url is None:
        return Outcome(name, None)
    began = time.monotonic()
    with seeded(name):
        ways = bug.deliveries or DELIVERIES
        report = run(url, seed, scripts=SCRIPTS, kinds=bug.kinds, deliveries=ways, patience=1, cut=False)
    found = report.differences[0][0] if report.differences else ""
    return Outcome(name, found, report.scripts, time.monotonic() - began)


class Servers:
    """Started when they are needed."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._found: dict[bool, str | None] = {}

    def url(self, *, icu: bool) -> str | None:
        """Of one, with ICU or whatever it has; ``None`` where there is none."""
        if icu not in self._found:
            make: Callable[[], str | None] = self._with_icu if icu else self._plain
            self._found[icu] = make()
        return self._found[icu]

    def _plain(self) -> str:
        return self._stack.enter_context(any_postgres("sa-notify-oracle-"))

    def _with_icu(self) -> str | None:
        plain, programs = self.url(icu=False), installed()
        if plain is not None and has_icu(plain):
            return plain
        other = None if programs is None else self._stack.enter_context(installed_postgres(programs))
        return other if other is not None and has_icu(other) else None


def chosen(only: str, since: str) -> Iterator[tuple[str, Bug]]:
    """The bugs to seed.

    :param only: parts of their names, with commas.
    :param since: the name of the first; the empty text for all.
    """
    found = bugs()
    names = list(found)
    for name in names[names.index(since) if since else 0 :]:
        if any(part in name for part in only.split(",")):
            yield name, found[name]


def main() -> int:
    """Hunt; the exit status tells of bugs that got away."""
    parser = argparse.ArgumentParser(prog="make oracle-bugs")
    parser.add_argument("--only", default="", help="parts of the names of the bugs to seed, with commas")
    parser.add_argument("--since", default="", help="the bug to begin with: what an earlier run came to")
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    outcomes = []
    with ExitStack() as stack:
        servers = Servers(stack)
        for name, bug in chosen(options.only, options.since):
            outcomes.append(hunt(name, bug, servers.url(icu=bug.icu), options.seed))
            print(outcomes[-1], flush=True)
    missed = [each.name for each in outcomes if each.found == ""]
    left = [each.name for each in outcomes if each.found is None]
    print(f"{len(outcomes) - len(missed) - len(left)} of {len(outcomes)} seeded bugs were caught")
    print(f"missed: {', '.join(missed) or 'none'}; not tried: {', '.join(left) or 'none'}")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
