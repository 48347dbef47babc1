"""A worker for the dispatch benchmark: wants rows, says when the last one came.

Arguments: Redis, the names' prefix, the table, how many rows it wants. Prints ``ready``; then for each line
that it reads, the key of a row, ``moment`` once that row has come: seconds of the monotonic clock.
"""

import select
import sys
import time

from sa_notify.redis.connect import connect
from sa_notify.redis.keys import Keys
from sa_notify.source.service import feed
from sa_notify.source.service.source import ServiceSource
from sa_notify.source.wanted import Wanted


def main() -> None:
    """Follow until standard input ends."""
    redis_url, prefix, table, rows = sys.argv[1:]
    # a busy machine is to give slow figures, not none
    feed.SILENT_SECONDS = 60.0  # type: ignore[misc]
    source = ServiceSource(lambda: connect(redis_url), Keys(prefix))
    source.open()
    shown = frozenset((str(key),) for key in range(int(rows)))
    source.want(Wanted(1, rows={table: shown}, tallies=frozenset({table})))
    poll = select.poll()
    poll.register(source.fileno(), select.POLLIN)
    poll.register(sys.stdin, select.POLLIN)
    print("ready", flush=True)
    expected = ""
    while True:
        for descriptor, _ in poll.poll():
            if descriptor != sys.stdin.fileno():
                continue
            if not (line := sys.stdin.readline()):
                return source.close()
            expected = line.strip()
            print("expecting", flush=True)
        while changesets := source.read():
            keys = [change.key for changeset in changesets for change in changeset.changes]
            if expected and (expected,) in keys:
                print(time.monotonic(), flush=True)


if __name__ == "__main__":
    main()
