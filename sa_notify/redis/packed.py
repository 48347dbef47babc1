"""Changesets as they lie in the workers' feeds: the JSON of :mod:`sa_notify.change`, in bulk.

Values that nobody has parsed go as they came from the trigger, under ``carried`` in the place of ``values``:
a worker of an older release takes them as not carried, and looks into the table.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Final

import msgspec

from sa_notify.change import Change, ChangeSet, Op, dump_change, dump_head, dump_key, load_changesets
from sa_notify.lazy import Values, lazy_change

_NO_VALUES: Final = msgspec.Raw(b"")


class _Item(msgspec.Struct, gc=False):
    table: str
    op: Op
    key: tuple[str, ...] | None = None
    columns: tuple[str, ...] | None = None
    carried: msgspec.Raw = _NO_VALUES
    values: msgspec.Raw = _NO_VALUES


class _Set(msgspec.Struct, gc=False):
    v: int
    epoch: str
    position: int
    xid: str
    changes: tuple[_Item, ...]


_sets = msgspec.json.Decoder(list[_Set]).decode
_json = msgspec.json.encode


def pack(changesets: Sequence[ChangeSet]) -> list[bytes]:
    """What ``publish.lua`` takes after the entries of a feed."""
    names: dict[str, int] = {}
    changes = [change for changeset in changesets for change in changeset.changes]
    tables = [names.setdefault(change.table, len(names) + 1) for change in changes]
    keys = ["" if change.key is None else dump_key(change.key) for change in changes]
    items = list(map(_item, changes, keys))
    # each is followed by a comma
    ends = [end - 1 for end in accumulate(len(item) + 1 for item in items)]
    heads = [dump_head(changeset) for changeset in changesets]
    lasts = list(accumulate(len(changeset.changes) for changeset in changesets))
    where = _json([tables, keys, ends, heads, lasts])
    return [where, b",".join(items), *(name.encode("utf-8", "surrogateescape") for name in names)]


def unpack(text: str) -> list[ChangeSet]:
    """Read an entry of a feed.

    :raises MessageError: when it is none, or of a version that this release does not read.
    """
    try:
        sets = _sets(text)
        if any(each.v != 1 for each in sets):
            return load_changesets(text)
        return [ChangeSet(each.epoch, each.position, int(each.xid), _changes(each)) for each in sets]
    except (ValueError, msgspec.DecodeError, RecursionError):
        # names that are no UTF-8, for one
        return load_changesets(text)


def _changes(packed: _Set) -> tuple[Change, ...]:
    return tuple(
        [
            lazy_change(item.table, item.op, item.key, item.columns, item.carried or item.values)
            for item in packed.changes
        ]
    )


def _item(change: Change, key: str) -> bytes:
    values = change.values
    carried = values.text if isinstance(values, Values) else None if values else b""
    if carried is None or not key:
        return dump_change(change).encode()
    begin = _begin(change.table, change.op)
    columns = b"" if change.columns is None else _columns(change.columns)
    if not carried:
        return b"".join((begin, key.encode(), columns, b"}"))
    return b"".join((begin, key.encode(), columns, b',"carried":', carried, b"}"))


@lru_cache(maxsize=1024)
def _begin(table: str, op: Op) -> bytes:
    return f'{dump_change(Change(table, op))[:-1]},"key":'.encode()


@lru_cache(maxsize=1024)
def _columns(columns: tuple[str, ...]) -> bytes:
    return f',"columns":{dump_key(columns)}'.encode()
