"""Rows of the outbox as changes.

Only the triggers' owner can write them, so unlike a NOTIFY they need no proof against strangers; what is
out of the ordinary (another format, values within values) goes the careful way of
:mod:`sa_notify.source.message`.
"""

import json
import logging
import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from sa_notify.change import Change, Op
from sa_notify.errors import MessageError
from sa_notify.source.message import is_shallow, parse_items

logger = logging.getLogger(__name__)

_OPS: Final[Mapping[str, Op]] = {"i": "insert", "u": "update", "d": "delete"}
_NOTHING: Final[Mapping[str, tuple[Any, Any]]] = {}


class _Item(msgspec.Struct, gc=False):
    """A row's change as the trigger wrote it; its values stay text until somebody asks."""

    o: str
    k: tuple[str, ...]
    f: tuple[str, ...] = ()
    w: msgspec.Raw = msgspec.Raw(b"")  # bytes that nobody changes


_items = msgspec.json.Decoder(list[_Item]).decode


def _float(text: str) -> float | str:
    """A number; beyond what a float holds, which jsonb may be, its text."""
    number = float(text)
    return number if math.isfinite(number) else text


_decode = json.JSONDecoder(parse_float=_float, parse_constant=str).decode

# Setting slots directly takes 0.4 us a change; a frozen dataclass's own __init__ takes 1.0.
_new = object.__new__
_set_table, _set_op, _set_key, _set_columns, _set_values = (
    Change.__dict__[name].__set__ for name in ("table", "op", "key", "columns", "values")
)


class Values(Mapping[str, tuple[Any, Any]]):
    """``{column: (old, new)}`` over what the trigger wrote: one value alone has not changed.

    Most changes' values are never looked at: to parse them all takes five times as long as all else.
    What is no such pair, or nested too deeply to be written out again, counts as not carried.
    """

    __slots__ = ("_parsed", "_raw")

    def __init__(self, raw: msgspec.Raw) -> None:
        self._raw = raw
        self._parsed: Mapping[str, Any] | None = None

    @property
    def _pairs(self) -> Mapping[str, Any]:
        if self._parsed is None:
            self._parsed = _object(str(memoryview(self._raw), "utf-8"))
        return self._parsed

    def __getitem__(self, name: str) -> tuple[Any, Any]:
        pair = self._pairs[name]
        if not _is_readable(pair):
            raise KeyError(name)
        return pair[0], pair[-1]

    def __iter__(self) -> Iterator[str]:
        return (name for name, pair in self._pairs.items() if _is_readable(pair))

    def __len__(self) -> int:
        return sum(map(_is_readable, self._pairs.values()))

    def __repr__(self) -> str:
        return repr(dict(self))


def _object(text: str) -> Mapping[str, Any]:
    """An object of JSON; without content where it is none, nested too deeply, or has numbers too long."""
    try:
        found = _decode(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _is_readable(pair: Any) -> bool:
    return type(pair) is list and 0 < len(pair) < 3 and is_shallow(pair)


def changes(relation: str, body: str) -> tuple[Change, ...]:
    """The changes of one row; its whole table where they are not of a format that this release reads."""
    try:
        # an escape may be half a character, of which no client can be told
        if "\\" not in body or "\\u" not in body:
            found = tuple([_change(relation, item) for item in _items(f"[{body}]")])
            return found or _with_care(relation, body)
    except (KeyError, ValueError, msgspec.DecodeError, RecursionError):
        pass
    return _with_care(relation, body)


def _change(relation: str, item: _Item) -> Change:
    change = _new(Change)
    op = _OPS[item.o]
    if not item.k:
        raise ValueError
    _set_table(change, relation)
    _set_op(change, op)
    _set_key(change, item.k)
    _set_columns(change, item.f if item.f and op == "update" else None)
    _set_values(change, Values(item.w) if item.w else _NOTHING)
    return change


def _with_care(relation: str, body: str) -> tuple[Change, ...]:
    try:
        return parse_items(relation, f"[{body}]")
    except MessageError as error:
        size = {"payload_size": len(body)}
        logger.warning("a row of the outbox was taken as a change of its whole table: %s", error, extra=size)
        return (Change(relation, "bulk"),)
