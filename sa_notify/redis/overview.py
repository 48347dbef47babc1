"""What Redis knows of the dispatcher, the workers and their clients."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import redis

from sa_notify.redis.keys import Keys


@dataclass(frozen=True, slots=True)
class Overview:
    """At one moment.

    :param leader: the dispatcher that leads, as it describes itself; ``None`` for none.
    :param workers: by id, as they describe themselves; with ``told``, the number of entries in their feeds.
    """

    leader: Mapping[str, Any] | None
    workers: Mapping[str, Mapping[str, Any]]


def overview(client: redis.Redis, keys: Keys) -> Overview:
    """Look once.

    :raises redis.RedisError: when Redis can't be asked.
    """
    leader = client.get(keys.leader)
    workers = {}
    for worker in _workers(client, keys):
        about = client.get(keys.worker(worker))
        if about is not None:
            told = int(str(client.get(keys.told(worker)) or 0))
            workers[worker] = {**json.loads(str(about)), "told": told}
    return Overview(json.loads(str(leader)) if leader else None, workers)


def clients(client: redis.Redis, keys: Keys) -> list[dict[str, Any]]:
    """Every client of every worker that lives.

    :raises redis.RedisError: when Redis can't be asked.
    """
    found = []
    for worker in _workers(client, keys):
        about: Any = client.get(keys.worker(worker))
        present: Any = client.hgetall(keys.clients(worker)) if about else {}
        for sid, text in present.items():
            where = {name: json.loads(about).get(name) for name in ("host", "pid")}
            found.append({"sid": sid, "worker": worker, **where, **json.loads(text)})
    return sorted(found, key=lambda each: (each["since"], each["sid"]))


def _workers(client: redis.Redis, keys: Keys) -> list[str]:
    members: Any = client.smembers(keys.workers)
    return sorted(members)
