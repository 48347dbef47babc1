"""The goals of live queries, each measured beside a baseline of the same run.

Windows by the thousand are looked at without sockets, by a real web process in all else; where what clients
get is measured, clients, workers and the writer are processes of their own, on the same machine.
"""

import argparse
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from benchmarks import (
    live_bulk,
    live_fanout,
    live_idle,
    live_irrelevant,
    live_memory,
    live_one_row,
    live_overlap,
    live_shape,
    live_storm,
)
from benchmarks.live_child import Missed
from benchmarks.live_place import Place, place
from benchmarks.live_report import Line, heading, table
from benchmarks.live_sizes import QUICK, Sizes, Storm

Measure = Callable[[Place, Sizes], Iterable[Line]]

MEASURES: Mapping[str, Measure] = {
    "idle": live_idle.measure,
    "irrelevant": live_irrelevant.measure,
    "one-row": live_one_row.measure,
    "storm": live_storm.measure,
    "overlap": live_overlap.measure,
    "shape": live_shape.measure,
    "fanout": live_fanout.measure,
    "bulk": live_bulk.measure,
    "memory": live_memory.measure,
}


def _lines(name: str, where: Place, sizes: Sizes) -> Iterator[Line]:
    began = time.monotonic()
    try:
        yield from MEASURES[name](where, sizes)
    except (Missed, SystemExit) as missed:
        # the others are worth measuring all the same
        yield Line(name, str(missed), met=False)
    print(f"{name}: measured in {time.monotonic() - began:.0f} s", flush=True)


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if unknown := [name for name in names if name not in MEASURES]:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(MEASURES)}")
    return names


def _storms(text: str) -> tuple[Storm, ...]:
    try:
        return tuple(Storm.parse(each.strip()) for each in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", type=_names, default=list(MEASURES), help=f"some of {','.join(MEASURES)}")
    parser.add_argument("--quick", action="store_true", help="see that it runs: sizes too small to mean much")
    parser.add_argument("--rounds", type=int, help="of what is measured in turns")
    parser.add_argument("--windows", type=int, help="where there are 10,000")
    parser.add_argument("--clients", type=int, help="of fanout")
    parser.add_argument("--storm-seconds", type=int, help="how long a storm lasts")
    parser.add_argument("--storms", type=_storms, help="CLIENTSxWORKERS@CHANGES, after commas: 500x1@2000")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print a table in Markdown."""
    options = _options(arguments)
    given = {
        name: getattr(options, name) for name in ("rounds", "windows", "clients", "storm_seconds", "storms")
    }
    sizes = replace(QUICK if options.quick else Sizes(), **{name: n for name, n in given.items() if n})
    with place(sizes.quiet) as where:
        print(heading(where.version, sizes.rounds), flush=True)
        lines = [line for name in options.only for line in _lines(name, where, sizes)]
    print(f"\n{table(lines)}")


if __name__ == "__main__":
    main()
