"""What flows between the parts: the changes of one transaction, as hints about where to look."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from json.encoder import encode_basestring_ascii
from typing import Any, Literal, get_args

from sa_notify.errors import MessageError

Op = Literal["insert", "update", "delete", "truncate", "bulk", "tally"]
OPS: frozenset[str] = frozenset(get_args(Op))

#: Text of each primary key column, in the key's order, as PostgreSQL casts it to ``text``.
Key = tuple[str, ...]

# json.dumps() makes an encoder for each call that has options: 5 us for a change instead of 3
_encode = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Change:
    """One row that changed, or a whole table that must be read again.

    :param table: schema and name, each quoted as ``quote_ident`` does: ``public.todo_items``.
    :param op: ``truncate`` and ``bulk`` concern the whole table and have no key; ``tally`` stands for changes
        of rows that its receiver has not asked for, of any transactions.
    :param key: texts of the primary key's columns; ``None`` where the row is not known.
    :param columns: names of the captured columns that changed; ``None`` where not known
        (a degraded message), which readers must take as "any of them".
    :param values: ``{column: (old, new)}`` in JSON terms, for the columns the model carries.
    """

    table: str
    op: Op
    key: Key | None = None
    columns: tuple[str, ...] | None = None
    values: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """Changes of one transaction, in order.

    A transaction may arrive as several changesets that follow each other and share ``xid``.

    :param xid: the transaction's ``xid8``: compare it with ``pg_current_snapshot()``.
    :param epoch: name of an unbroken stretch of the feed; positions compare within it only.
    :param position: grows by one with each changeset of an epoch, in order of commit.
    """

    epoch: str
    position: int
    xid: int
    changes: tuple[Change, ...]


def dump_changeset(changeset: ChangeSet) -> str:
    """The changeset as JSON text; :func:`load_changeset` reads it back equal."""
    changes = ",".join(map(dump_change, changeset.changes))
    return f'{{{dump_head(changeset)},"changes":[{changes}]}}'


def dump_head(changeset: ChangeSet) -> str:
    """All of :func:`dump_changeset` but the changes and the braces."""
    # xid8 passes 2^53, which JSON readers in browsers round: it travels as text
    epoch = encode_basestring_ascii(changeset.epoch)
    return f'"v":1,"epoch":{epoch},"position":{changeset.position},"xid":"{changeset.xid}"'


def dump_change(change: Change) -> str:
    """One of its changes."""
    return _encode(_plain(change))


def dump_key(key: Key) -> str:
    """The key as one text: a JSON array of texts without spaces."""
    return f"[{','.join(map(encode_basestring_ascii, key))}]"


def load_changeset(text: str | bytes) -> ChangeSet:
    """Read what :func:`dump_changeset` wrote.

    :raises MessageError: when the text is not a changeset of a version this release reads.
    """
    return _loaded(f"[{text if isinstance(text, str) else text.decode('utf-8', 'replace')}]")[0]


def load_changesets(text: str | bytes) -> list[ChangeSet]:
    """Read a JSON array of what :func:`dump_changeset` wrote.

    :raises MessageError: when the text is no such array, or of a version that this release does not read.
    """
    return _loaded(text)


def _loaded(text: str | bytes) -> list[ChangeSet]:
    try:
        return [_load(body) for body in json.loads(text)]
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise MessageError(f"not a changeset: {type(error).__name__}") from error


def _load(body: Mapping[str, Any]) -> ChangeSet:
    if body["v"] != 1:
        raise MessageError(f"changeset version {body['v']!r} is not 1: update this process")
    changes = tuple(_load_change(item) for item in body["changes"])
    return ChangeSet(str(body["epoch"]), int(body["position"]), int(body["xid"]), changes)


def _plain(change: Change) -> dict[str, Any]:
    item: dict[str, Any] = {"table": change.table, "op": change.op}
    if change.key is not None:
        item["key"] = list(change.key)
    if change.columns is not None:
        item["columns"] = list(change.columns)
    if change.values:
        item["values"] = {name: list(pair) for name, pair in change.values.items()}
    return item


def _load_change(item: Mapping[str, Any]) -> Change:
    if item["op"] not in OPS:
        raise MessageError(f"unknown op {item['op']!r}")
    key, columns = item.get("key"), item.get("columns")
    return Change(
        table=str(item["table"]),
        op=item["op"],
        key=None if key is None else tuple(str(text) for text in key),
        columns=None if columns is None else tuple(str(name) for name in columns),
        values={name: (old, new) for name, (old, new) in item.get("values", {}).items()},
    )
