"""``make faults SECONDS=1800 SEED=7``."""

import argparse
import random
import sys
import time
from pathlib import Path

from tests.faults.faults import FAULTS
from tests.faults.lane import Lane

_HEADING = "## The last report"


def main() -> int:
    """Run, print the report; the exit status tells of violations."""
    parser = argparse.ArgumentParser(prog="make faults")
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10_000))
    parser.add_argument("--only", default="", help="parts of the names of the faults to do, by comma")
    parser.add_argument("--pages", type=int, default=2, help="how many Chromium pages look on")
    parser.add_argument("--report", type=Path, help="where the report goes, too")
    options = parser.parse_args()
    chosen = [fault for fault in FAULTS if any(part in fault.name for part in options.only.split(","))]
    began = time.monotonic()
    lane = Lane(options.seed, faults=chosen, pages=options.pages)
    print(f"seed {options.seed}", flush=True)
    report = lane.run(
        options.seconds, lambda line: print(f"{time.monotonic() - began:7.1f} {line}", flush=True)
    )
    text = "\n".join(report.lines())
    print(text)
    if options.report:
        _keep(options.report, text)
    return bool(report.violations)


def _keep(path: Path, text: str) -> None:
    """In place of the last report; what stands before it is kept."""
    before, heading, _ = (path.read_text("utf-8") if path.exists() else "").partition(_HEADING)
    path.write_text(f"{before if heading else ''}{_HEADING}\n\n{text}\n", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
