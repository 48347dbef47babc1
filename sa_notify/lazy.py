"""Changes whose values stay text until somebody asks, which for most nobody does."""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from sa_notify.change import Change, Key, Op

_MAX_DEPTH: Final = 64
#: No text with fewer brackets is nested too deeply for any parser.
_FEW_BRACKETS: Final = 200

# Setting slots directly takes 0.4 us a change; a frozen dataclass's own __init__ takes 1.0.
_new = object.__new__
_set_table, _set_op, _set_key, _set_columns, _set_values = (
    Change.__dict__[name].__set__ for name in ("table", "op", "key", "columns", "values")
)


def _float(text: str) -> float | str:
    """A number; beyond what a float holds, which jsonb may be, its text."""
    number = float(text)
    return number if math.isfinite(number) else text


_decode = json.JSONDecoder(parse_float=_float, parse_constant=str).decode


class Values(Mapping[str, tuple[Any, Any]]):
    """``{column: (old, new)}`` over what a trigger wrote: one value alone has not changed.

    To parse all values takes five times as long as all else of a change. What is no such pair, or nested
    too deeply to be written out again, counts as not carried.

    :param raw: an object of JSON.
    """

    __slots__ = ("_parsed", "_raw")

    def __init__(self, raw: msgspec.Raw) -> None:
        self._raw = raw
        self._parsed: Mapping[str, Any] | None = None

    @property
    def text(self) -> bytes | None:
        """As it was written, on one line; ``None`` where a parser might find it nested too deeply."""
        text = bytes(self._raw)
        if text.count(b"[") + text.count(b"{") > _FEW_BRACKETS:
            return None
        return text.replace(b"\n", b" ") if b"\n" in text else text

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


_NOTHING: Final[Mapping[str, tuple[Any, Any]]] = {}


def lazy_change(
    table: str, op: Op, key: Key | None, columns: tuple[str, ...] | None, raw: msgspec.Raw
) -> Change:
    """A change whose values are parsed when somebody asks.

    :param raw: an object of JSON, or empty where none are carried.
    """
    change = _new(Change)
    _set_table(change, table)
    _set_op(change, op)
    _set_key(change, key)
    _set_columns(change, columns)
    _set_values(change, Values(raw) if raw else _NOTHING)
    return change


def is_shallow(value: Any) -> bool:
    """Whether whoever writes a value out again will not exhaust the stack."""
    return _shallow(value, _MAX_DEPTH)


def _object(text: str) -> Mapping[str, Any]:
    """An object of JSON; without content where it is none, nested too deeply, or has numbers too long."""
    try:
        found = _decode(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _is_readable(pair: Any) -> bool:
    return type(pair) is list and 0 < len(pair) < 3 and is_shallow(pair)


def _shallow(value: Any, left: int) -> bool:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return all(left > 0 and _shallow(child, left - 1) for child in children)
