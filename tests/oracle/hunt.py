"""``make oracle-bugs``: is each of the seeded bugs caught?"""

import argparse
import sys
import time

from tests.oracle.bugs import bugs, seeded
from tests.oracle.lane import run
from tests.servers import any_postgres

SEED = 1
#: A bug that so many scripts don't find is not caught.
SCRIPTS = 100


def caught(server: str, name: str, *, seed: int = SEED, scripts: int = SCRIPTS) -> tuple[int, str]:
    """After how many scripts a bug shows, and what is then wrong; an empty text when it does not."""
    with seeded(name):
        report = run(server, seed, scripts=scripts, patience=1, cut=False)
    return report.scripts, report.differences[0][0] if report.differences else ""


def main() -> int:
    """Hunt; the exit status tells of bugs that got away."""
    parser = argparse.ArgumentParser(prog="make oracle-bugs")
    parser.add_argument("--only", default="", help="parts of the names of the bugs to seed, with commas")
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    missed = []
    with any_postgres("sa-notify-oracle-") as url:
        for name in (name for name in bugs() if any(part in name for part in options.only.split(","))):
            began = time.monotonic()
            scripts, what = caught(url, name, seed=options.seed)
            told = f"{time.monotonic() - began:5.1f} s, {scripts:3} scripts"
            print(
                f"{told}  {'caught' if what else 'MISSED'}  {name}: {' '.join(what.split()):.70}", flush=True
            )
            if not what:
                missed.append(name)
    print(f"missed: {', '.join(missed) or 'none'}")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
