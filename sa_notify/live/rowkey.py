"""What names a row on the wire."""

import json
from collections.abc import Iterable, Sequence


def rowkey(texts: Sequence[str]) -> str:
    """The key's own text; for a composite key a JSON array of texts, as ``JSON.stringify`` writes it."""
    if len(texts) == 1:
        return texts[0]
    return json.dumps(list(texts), separators=(",", ":"), ensure_ascii=False)


def distinct(rowkeys: Iterable[str]) -> list[str]:
    """The rowkeys, with ``#2``, ``#3``... after those that occur again: a join may repeat a row.

    Deterministic for a list, and never equal to another row's own key.
    """
    plain = list(rowkeys)
    taken = set(plain)
    if len(taken) == len(plain):
        return plain
    seen: dict[str, int] = {}
    named = []
    for key in plain:
        seen[key] = seen.get(key, 0) + 1
        named.append(key if seen[key] == 1 else _free(key, seen[key], taken))
    return named


def _free(key: str, number: int, taken: set[str]) -> str:
    candidate = f"{key}#{number}"
    while candidate in taken:
        candidate += "#"
    taken.add(candidate)
    return candidate
