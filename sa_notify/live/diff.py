"""From one window to the next in the wire's ops, with as few moves as possible."""

import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sa_notify.live.query import Row

#: ``["remove", rowkey]``, ``["insert", position, rowkey, row]``, ``["move", rowkey, position]`` (after
#: taking the row out) or ``["update", rowkey, changed columns]``.
Op = list[Any]


def diff(old: Sequence[Row], new: Sequence[Row]) -> list[Op]:
    """Ops that turn ``old`` into ``new``, one after the other; O(n log n).

    A row that neither changed nor moved is in no op: what moves is what is outside a longest sequence of
    rows whose order stays. Removals come first, updates last. A row that lost a column is removed and
    inserted, because clients merge an update into what they hold.

    :raises ValueError: when a rowkey repeats.
    """
    before, after = _by_key(old), _by_key(new)
    kept = {key for key, row in before.items() if key in after and row.keys() <= after[key].keys()}
    ops: list[Op] = [["remove", key] for key in before if key not in kept]
    ops += _place([key for key in before if key in kept], new, kept)
    for key, row in after.items():
        if key in kept and (changed := _changed(before[key], row)):
            ops.append(["update", key, changed])
    return ops


def apply(rows: Sequence[Row], ops: Iterable[Op]) -> list[Row]:
    """What a client does with ops: the reference that clients are tested against.

    :raises ValueError: an op names a row that is not there, or inserts one that is, or is unknown.
    """
    keys, held = [key for key, _ in rows], dict(rows)
    for op in ops:
        match op:
            case ["remove", key]:
                keys.remove(key)
                del held[key]
            case ["insert", position, key, row] if key not in held:
                _put(keys, position, key)
                held[key] = row
            case ["move", key, position]:
                keys.remove(key)
                _put(keys, position, key)
            case ["update", key, changed] if key in held:
                held[key] = {**held[key], **changed}
            case _:
                raise ValueError(f"this op does not fit the rows: {op[:-1]}")
    return [(key, held[key]) for key in keys]


def _put(keys: list[str], position: int, key: str) -> None:
    if not 0 <= position <= len(keys):
        raise ValueError(f"position {position} in {len(keys)} rows")
    keys.insert(position, key)


def _by_key(rows: Sequence[Row]) -> dict[str, dict[str, Any]]:
    by_key = dict(rows)
    if len(by_key) != len(rows):
        raise ValueError("a rowkey repeats: rowkeys of a window are unique")
    return by_key


# -- order


def _place(left: Sequence[str], new: Sequence[Row], kept: set[str]) -> Iterator[Op]:
    """Inserts and moves, from the first row of ``new`` on.

    Each row is put behind the one before it. What stands further to the front than it will in the end
    is only rows that wait to be moved, and those are counted.

    :param left: keys as they stand after the removals.
    """
    index = {key: at for at, key in enumerate(left)}
    staying = _longest_increasing([index[key] for key, _ in new if key in kept])
    waiting = _Counter(at not in staying for at in range(len(left)))
    anchor = 0  # rows of `left` up to and including the last that stays and has been passed
    for done, (key, row) in enumerate(new):
        if key not in kept:
            yield ["insert", done + waiting.before(anchor), key, row]
        elif index[key] in staying:
            anchor = index[key] + 1
        else:
            waiting.remove(index[key])
            yield ["move", key, done + waiting.before(anchor)]


def _longest_increasing(values: Sequence[int]) -> set[int]:
    """A longest increasing subsequence of different numbers, by patience sorting."""
    tops: list[int] = []
    below: dict[int, int | None] = {}
    for value in values:
        pile = bisect_left(tops, value)
        below[value] = tops[pile - 1] if pile else None
        tops[pile : pile + 1] = [value]
    found: set[int] = set()
    value_or_end = tops[-1] if tops else None
    while value_or_end is not None:
        found.add(value_or_end)
        value_or_end = below[value_or_end]
    return found


class _Counter:
    """How many marks stand before a place, while marks are taken away: a Fenwick tree."""

    def __init__(self, marks: Iterable[bool]) -> None:
        self._tree = [0, *map(int, marks)]
        for place, count in enumerate(self._tree):
            if 0 < (parent := place + (place & -place)) < len(self._tree):
                self._tree[parent] += count

    def remove(self, place: int) -> None:
        place += 1
        while place < len(self._tree):
            self._tree[place] -= 1
            place += place & -place

    def before(self, place: int) -> int:
        count = 0
        while place:
            count += self._tree[place]
            place &= place - 1
        return count


# -- values


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in new.items() if name not in old or not _same(old[name], value)}


def _same(one: Any, other: Any) -> bool:
    """Whether both are written the same in JSON: ``1``, ``1.0`` and ``true`` are not."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, (dict, list, float)):
        return json.dumps(one) == json.dumps(other)
    return bool(one == other)
