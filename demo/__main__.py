"""``python -m demo``: everything the demo needs, until Ctrl-C."""

import argparse
import os
import sys
from pathlib import Path

from demo.rooms import HOME
from demo.supervisor import Options, run


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    port = os.environ.get("PORT")
    parser.add_argument(
        "--port", type=int, default=int(port) if port else None, help="web port (PORT); default: a free one"
    )
    parser.add_argument("--home", type=Path, default=HOME, help="folder for data and logs; default: .demo")
    parser.add_argument("--workers", type=int, default=2, help="gunicorn workers; default: 2")
    parser.add_argument("--quiet-rows", action="store_true", help="without the writer that changes rows")
    given = parser.parse_args()
    return Options(given.home.resolve(), given.port, given.workers, writing=not given.quiet_rows)


if __name__ == "__main__":
    sys.exit(run(_options()))
