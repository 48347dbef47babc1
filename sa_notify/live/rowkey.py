"""What names a row on the wire."""

import json
import re
from collections.abc import Iterable, Sequence

_SURROGATE = re.compile("[\ud800-\udfff]")


def rowkey(texts: Sequence[str | None]) -> str:
    """The key's own text; for a composite key a JSON array of texts, as ``JSON.stringify`` writes it.

    NULL, which is in no primary key but may be in a key that a query names, is ``null``.
    """
    if len(texts) == 1:
        return "null" if texts[0] is None else texts[0]
    text = json.dumps(list(texts), separators=(",", ":"), ensure_ascii=False)
    if not _SURROGATE.search(text):
        return text
    # JavaScript reads two halves as one character, and escapes a half that stands alone
    paired = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return _SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", paired)


def distinct(rowkeys: Iterable[str]) -> list[str]:
    """The rowkeys, with ``#2``, ``#3``... after those that occur again: a join may repeat a row.

    Deterministic for a list, and never equal to another row's own key.
    """
    plain = list(rowkeys)
    taken = set(plain)
    if len(taken) == len(plain):
        return plain
    seen: dict[str, int] = {}
    return [_numbered(key, seen, taken) for key in plain]


def _numbered(key: str, seen: dict[str, int], taken: set[str]) -> str:
    seen[key] = number = seen.get(key, 0) + 1
    if number == 1:
        return key
    while (candidate := f"{key}#{number}") in taken:
        number += 1
    seen[key] = number
    taken.add(candidate)
    return candidate
