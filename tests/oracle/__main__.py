"""``make oracle SIZE=30 SEED=7``: windows against SQL, for so many minutes; what failed once comes first."""

import argparse
import random
import sys

from tests.oracle.lane import DELIVERIES, SIZES, examples, keep, replay, run
from tests.servers import any_postgres


def main() -> int:
    """Run; the exit status tells of differences."""
    parser = argparse.ArgumentParser(prog="make oracle")
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--scripts", choices=sorted(SIZES), default="large", help="how long each is")
    parser.add_argument("--delivery", choices=DELIVERIES, action="append", help="these alone")
    options = parser.parse_args()
    deliveries = options.delivery or DELIVERIES
    print(f"seed {options.seed}", flush=True)
    with any_postgres("sa-notify-oracle-") as url:
        kept = [
            f"{name}: {each}"
            for name, script in examples().items()
            for each in replay(url, script, deliveries)
        ]
        report = run(
            url,
            options.seed,
            seconds=60 * options.minutes,
            size=SIZES[options.scripts],
            deliveries=deliveries,
            say=lambda line: print(line, flush=True),
        )
    for number, (what, script) in enumerate(report.differences):
        print(f"\n{what}\n{script}")
        print(f"commit {keep(script, f'found-{options.seed}-{number}')}: it is replayed first from now on")
    print("\n".join([*kept, *report.lines()]))
    return bool(report.differences or kept)


if __name__ == "__main__":
    sys.exit(main())
