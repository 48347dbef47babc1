"""What Redis knows of the dispatcher, the workers and their clients."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import redis

from sa_notify.redis.keys import Keys

_NUMBER: Final = (int, float)
_WORKER: Final = {
    "host": str, "pid": int, "clients": int, "queries": int, "since": _NUMBER, "read": int,
    "database_used": _NUMBER, "database_budget": _NUMBER,
}  # fmt: skip
#: Of a worker that does not say.
_UNKNOWN: Final = {
    "host": "?", "pid": 0, "clients": 0, "queries": 0, "since": 0.0, "read": 0,
    "database_used": 0.0, "database_budget": 0.0,
}  # fmt: skip
_CLIENT: Final = {"since": _NUMBER, "queries": list}
_LEADER: Final = {
    "host": str, "pid": int, "term": int, "since": _NUMBER, "position": int, "lag": _NUMBER, "unread": dict,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Overview:
    """At one moment; what nobody of ours has written is left out.

    :param leader: the dispatcher that leads, as it describes itself; ``None`` for none.
    :param workers: by id, as they describe themselves; with ``told``, the number of entries in their feeds.
    """

    leader: Mapping[str, Any] | None
    workers: Mapping[str, Mapping[str, Any]]


def overview(client: redis.Redis, keys: Keys) -> Overview:
    """Look once.

    :raises redis.RedisError: when Redis can't be asked.
    """
    workers = {}
    for worker in _workers(client, keys):
        about = _read(client.get(keys.worker(worker)), _WORKER, _UNKNOWN)
        told = whole(client.get(keys.told(worker)) or 0)
        if about is not None and told is not None:
            workers[worker] = {**about, "told": told}
    return Overview(_read(client.get(keys.leader), _LEADER), workers)


def clients(client: redis.Redis, keys: Keys) -> list[dict[str, Any]]:
    """Every client of every worker that lives.

    :raises redis.RedisError: when Redis can't be asked.
    """
    found = []
    for worker in _workers(client, keys):
        about = _read(client.get(keys.worker(worker)), _WORKER, _UNKNOWN)
        present: Any = {} if about is None else client.hgetall(keys.clients(worker))
        for sid, text in present.items():
            if about is not None and (who := _read(text, _CLIENT)) is not None:
                where = {name: about[name] for name in ("host", "pid")}
                found.append({"user": None, **who, "sid": sid, "worker": worker, **where})
    return sorted(found, key=lambda each: (each["since"], each["sid"]))


def _read(
    text: Any, needed: Mapping[str, Any], unknown: Mapping[str, Any] | None = None
) -> dict[str, Any] | None:
    """What has been written there, with all that is needed; ``None`` for anything else."""
    try:
        found = json.loads(str(text), parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    found = {**(unknown or {}), **found}
    return found if all(isinstance(found.get(name), kind) for name, kind in needed.items()) else None


def whole(text: Any) -> int | None:
    """A count that Redis keeps; ``None`` for anything else."""
    return int(text) if re.fullmatch("[0-9]{1,19}", str(text)) else None


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError("it is no number that could be")
    return number


def _workers(client: redis.Redis, keys: Keys) -> list[str]:
    members: Any = client.smembers(keys.workers)
    return sorted(members)
