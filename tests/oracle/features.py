"""What a script has in it, by name: whatever is never drawn is never tried."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.oracle.kinds import ALWAYS, KINDS
from tests.oracle.selects import COMPARISONS
from tests.oracle.variants import KINDS as VARIANTS

_PARTS = ("limit", "offset", "distinct", "having", "total", "inner", "cte", "union")
_WRITES = {
    "several rows inserted": r"INSERT .*VALUES \(.*\), \(",
    "upsert": r"ON CONFLICT \(",
    "update of a key": r"UPDATE . SET (id|a_id|k|code) =",
    "update of many": r"UPDATE . SET (?!.*WHERE)|UPDATE .*WHERE \w+ (=|<=|>|<>|IS) ",
    "update of nothing": r"UPDATE . SET (\w+) = \1 ",
    "delete": r"DELETE FROM",
    "truncate": r"TRUNCATE",
    "bulk": r"generate_series|UPDATE c SET n = .*s = |DELETE FROM c$",
    "merge": r"MERGE",
    "two tables in one": r"WITH gone",
    "NULL": r"NULL",
}
_NODES = (
    "and", "or", "not", "cmp", "in", "between", "null", "bool", "like", "exists", "insub", "mod", "add",
    "neg", "fn", "coalesce", "case", "is", "count", "top", "agg",
)  # fmt: skip
_COMPOUND = {
    "cmp": COMPARISONS,
    "like": ("like", "ilike", "not_like", "not_ilike"),
    "agg": ("count", "sum", "max", "min", "bool_or"),
    "fn": ("lower", "length"),
    "join": ("inner", "left", "full"),
    "order by": range(4),
    "vary": VARIANTS,
    "event": (
        "try", "bare", "undo", "begin", "commit", "rollback", "meanwhile", "follow", "run", "wait",
        "subscribe", "unsubscribe", "resync", "leave", "turn", "lag", "read", "vary", "same", "break", "fail",
        "prove", "suspect", "keep",
    ),
    "column": (kind for kind in KINDS if kind not in ALWAYS),
}  # fmt: skip
#: All that is to be drawn now and then.
NAMES = frozenset(
    [
        *_PARTS, *_WRITES, "group", *(name for name in _NODES if name not in _COMPOUND),
        *(f"{kind} {name}" for kind, names in _COMPOUND.items() for name in names),
        *(f"order {way} nulls {nulls}" for way in ("asc", "desc") for nulls in (None, "first", "last")),
    ]
)  # fmt: skip


def features(script: dict[str, Any]) -> Counter[str]:
    """How often each is in it."""
    found = Counter[str]()
    for query in script["queries"].values():
        found.update(_of_query(query))
    for event in _events(script["events"]):
        found[f"event {event[0]}"] += 1
        found.update([f"vary {event[2]}"] if event[0] == "vary" else [])
        sql = event[-1] if event[0] in ("try", "bare", "undo") else ""
        found.update(name for name, pattern in _WRITES.items() if re.search(pattern, sql))
    found.update(f"column {kind}" for kinds in script["schema"].values() for kind in kinds)
    return found


def _events(events: list[Any]) -> Iterator[list[Any]]:
    for event in events:
        yield event
        if isinstance(event[-1], list):
            yield from _events(event[-1])


def _of_query(query: dict[str, Any]) -> Iterator[str]:
    yield from (part for part in _PARTS if query.get(part) is not None)
    yield from (f"join {join['kind']}" for join in query.get("joins", ()))
    yield from (f"order {way} nulls {nulls}" for _, way, nulls in query.get("order", ()))
    yield f"order by {len(query.get('order', ()))}"
    yield from ["group"] if query.get("group") else []
    for node in _nodes([query.get("where"), query.get("having"), query.get("columns"), query.get("joins")]):
        yield f"{node[0]} {node[1]}" if node[0] in _COMPOUND else str(node[0])
    yield from (_of_query(query["parts"][0]) if "parts" in query else ())


def _nodes(node: Any) -> Iterator[list[Any]]:
    if isinstance(node, dict):
        node = list(node.values())
    if isinstance(node, list):
        if node and node[0] in _NODES:
            yield node
        for part in node:
            yield from _nodes(part)
