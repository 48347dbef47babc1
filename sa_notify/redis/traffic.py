"""How many changes of each table a dispatcher has seen in the last hour."""

import time
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import redis

from sa_notify.redis.keys import Keys
from sa_notify.redis.overview import whole

#: Counts are kept by slices of so many seconds.
SLICE_SECONDS: Final = 300
HOUR_SECONDS: Final = 3_600


def slice_of(now: float) -> int:
    """The number of the slice that holds this moment, in seconds since 1970."""
    return int(now // SLICE_SECONDS)


def last_hour(client: redis.Redis, keys: Keys) -> Mapping[str, int]:
    """By table, named as :attr:`sa_notify.change.Change.table`, what the slices of the last hour hold.

    :raises redis.RedisError: when Redis can't be asked.
    """
    newest = slice_of(time.time())
    found: Counter[str] = Counter()
    for number in range(newest - HOUR_SECONDS // SLICE_SECONDS, newest + 1):
        counts: Any = client.hgetall(keys.traffic(number))
        found.update({table: whole(count) or 0 for table, count in counts.items()})
    return found
