"""From one window to the next in the wire's ops, with as few moves as possible."""

import json
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sa_notify.live.query import Row

#: ``["remove", rowkey]``, ``["insert", position, rowkey, row]``, ``["move", rowkey, position]`` (after
#: taking the row out) or ``["update", rowkey, changed columns]``.
Op = list[Any]

#: Values by rowkey, in order.
Rows = Mapping[str, dict[str, Any]]


def diff(old: Rows, new: Rows) -> list[Op]:
    """Ops that turn ``old`` into ``new``, one after the other; O(n log n).

    A row that neither changed nor moved is in no op: what moves is what is outside a longest sequence of
    rows whose order stays. Removals come first, updates last. A row that lost a column is removed and
    inserted, because clients merge an update into what they hold.
    """
    updates = _updates(old, new)
    if updates is not None:
        return updates
    kept = {key for key, row in old.items() if key in new and row.keys() <= new[key].keys()}
    ops: list[Op] = [["remove", key] for key in old if key not in kept]
    ops += _place([key for key in old if key in kept], new, kept)
    for key, row in new.items():
        if key in kept and (changed := _changed(dict.fromkeys(row, _MISSING) | old[key], row)):
            ops.append(["update", key, changed])
    return ops


def _updates(old: Rows, new: Rows) -> list[Op] | None:
    """The ops where every row stays where it is, as most often; ``None`` where one does not."""
    if list(old) != list(new):
        return None
    ops: list[Op] = []
    try:
        for before, (key, row) in zip(old.values(), new.items(), strict=True):
            if len(before) != len(row):
                return None
            if changed := _changed(before, row):
                ops.append(["update", key, changed])
    except KeyError:
        return None
    return ops


def by_key(rows: Collection[Row]) -> dict[str, dict[str, Any]]:
    """The rows by their keys.

    :raises ValueError: when a rowkey repeats.
    """
    found = dict(rows)
    if len(found) != len(rows):
        raise ValueError("a rowkey repeats: rowkeys of a window are unique")
    return found


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


# -- order


def _place(left: Sequence[str], new: Rows, kept: set[str]) -> Iterator[Op]:
    """Inserts and moves, from the first row of ``new`` on.

    Each row is put behind the one before it. What stands further to the front than it will in the end
    is only rows that wait to be moved, and those are counted.

    :param left: keys as they stand after the removals.
    """
    index = {key: at for at, key in enumerate(left)}
    staying = _longest_increasing([index[key] for key in new if key in kept])
    waiting = _Counter(at not in staying for at in range(len(left)))
    anchor = 0  # rows of `left` up to and including the last that stays and has been passed
    for done, (key, row) in enumerate(new.items()):
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

_MISSING: Any = object()
#: Equal ones may be written otherwise in JSON.
_ASKED = frozenset({dict, list, float})


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """What is written otherwise in JSON than it was: ``1``, ``1.0`` and ``true`` are not the same.

    :raises KeyError: ``old`` lacks a column.
    """
    changed = {}
    for name, value in new.items():
        before = old[name]
        # plain comparisons one after the other: this is most of what a diff takes
        if before is not value and (
            before != value
            or (
                (kind := type(value)) is not str
                and (type(before) is not kind or (kind in _ASKED and json.dumps(before) != json.dumps(value)))
            )
        ):
            changed[name] = value
    return changed
