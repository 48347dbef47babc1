"""``make admin-proof SIZE=30 SEED=7``."""

import argparse
import sys
import time

import psycopg
from sqlalchemy import make_url

from tests.admin_proof.lane import Lane, any_seed
from tests.admin_proof.views import FEATURES, features
from tests.chromium import launched
from tests.servers import own_postgres


def main() -> int:
    """Run, print the report; the exit status tells of differences."""
    parser = argparse.ArgumentParser(prog="make admin-proof")
    parser.add_argument("--size", type=int, default=len(FEATURES), help="how many views")
    parser.add_argument("--rounds", type=int, default=9, help="how often to write and compare")
    parser.add_argument("--seed", type=int, default=any_seed())
    options = parser.parse_args()
    began = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - began:7.1f} {line}", flush=True)

    say(f"seed {options.seed}")
    with own_postgres("sa-notify-proof-") as server, launched() as browser:
        urls = tuple(_database(server.url, name) for name in ("proof", "archive"))
        with Lane(options.seed, features(options.size), (urls[0], urls[1]), browser) as lane:
            report = lane.run(options.rounds, say)
    print("\n".join(report.lines()))
    return bool(report.differences)


def _database(url: str, name: str) -> str:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
    return make_url(url).set(database=name).render_as_string(hide_password=False)


if __name__ == "__main__":
    sys.exit(main())
