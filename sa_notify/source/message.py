"""Read what a trigger announces: the payload of one NOTIFY.

Any role that can connect can NOTIFY, so a payload is a claim by a stranger until proven well-formed:

* What can be read is a hint; a forged one costs its queries one read.
* What names a table but can't be read in detail, such as the message of a newer trigger, becomes a
  ``bulk`` change of that table: never silence, and no dearer than a forged hint.
* What names no table is refused. Every version of the format begins with ``v``, ``x`` and ``t``, so
  no trigger of ours wrote it; to begin a new epoch for it would let any role make every query run
  again with one byte.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from sa_notify.change import Change, Key, Op
from sa_notify.errors import MessageError
from sa_notify.lazy import is_shallow
from sa_notify.source.interest import may_be_name
from sa_notify.source.items import UNREADABLE, Item

#: An xid that no snapshot has seen, for changes whose transaction can't be read: xid8 ends here.
UNKNOWN_XID = 2**64 - 1

_ENVELOPE = re.compile(r'\{"v":\d+,"x":"(?P<xid>\d{1,20})",(?:"n":\d+,)?"t":(?P<table>"(?:[^"\\]|\\.)*")')
_OPS: Mapping[str, Op] = {"i": "insert", "u": "update", "d": "delete", "t": "truncate", "b": "bulk"}
_WHOLE_TABLE = frozenset("tb")


class _Payload(msgspec.Struct, gc=False):
    v: int
    x: str
    t: str
    c: list[Item]


_usual_payload = msgspec.json.Decoder(_Payload).decode


class Message(NamedTuple):
    """One NOTIFY, read.

    :param degraded: why the details could not be read, where ``changes`` says "the whole table".
    """

    xid: int
    changes: tuple[Change, ...]
    degraded: str | None = None


def parse(payload: str) -> Message:
    """Read the payload of one NOTIFY.

    :raises MessageError: when it names no table; the text carries nothing of the payload.
    """
    return _usual(payload) or _with_care(payload)


def _usual(payload: str) -> Message | None:
    """What triggers write when no values are carried, in a quarter of the time; ``None`` for all else."""
    if "\\" in payload:
        return None
    try:
        body = _usual_payload(payload)
        if body.v != 1 or not body.c or any(item.w for item in body.c):
            return None
        table = _table(body.t)
        return Message(_xid(body.x), tuple([item.change(table) for item in body.c]))
    except (MessageError, *UNREADABLE):
        return None


def _with_care(payload: str) -> Message:
    body = _object(payload)
    table = _table(body.get("t"))
    try:
        return Message(_xid(body.get("x")), _changes(table, body.get("v"), body.get("c")))
    except MessageError as error:
        return Message(_xid_or_unknown(body.get("x")), (Change(table, "bulk"),), str(error))


def parse_items(table: str, items: str) -> tuple[Change, ...]:
    """Read the changes of a table from the text of their JSON array.

    :raises MessageError: when they are not of a format that this release reads.
    """
    try:
        found = json.loads(items, parse_constant=str, parse_float=_float, parse_int=_int)
    except (ValueError, RecursionError) as error:
        raise MessageError("it is not JSON") from error
    return _changes(table, 1, found)


def _object(payload: str) -> dict[str, Any]:
    try:
        body = json.loads(payload, parse_constant=str, parse_float=_float, parse_int=_int)
    except (ValueError, RecursionError):
        return _envelope(payload)
    if not isinstance(body, dict):
        raise MessageError("it is not an object")
    return body


def _envelope(payload: str) -> dict[str, Any]:
    """What a message begins with, where the whole can't be parsed: a carried value nested too deeply."""
    begun = _ENVELOPE.match(payload)
    if begun is None:
        raise MessageError("it is not JSON")
    try:
        return {"v": 1, "x": begun["xid"], "t": json.loads(begun["table"])}
    except ValueError as error:
        raise MessageError("it is not JSON") from error


def _float(text: str) -> float | str:
    """A number; beyond what a float holds, which jsonb may be, its text."""
    number = float(text)
    return number if math.isfinite(number) else text


def _int(text: str) -> int | str:
    # int() refuses more digits than sys.get_int_max_str_digits(), 640 at the least
    return int(text) if len(text) <= 640 else text


def _table(value: Any) -> str:
    table = _text(value, "table")
    if not may_be_name(table):
        raise MessageError("its table can't be a name")
    return table


def _text(value: Any, what: str) -> str:
    """A string that PostgreSQL could have sent: no NUL, no lone surrogate."""
    if not isinstance(value, str) or "\0" in value:
        raise MessageError(f"its {what} is not text")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise MessageError(f"its {what} is not text") from error
    return value


def _xid(value: Any) -> int:
    # int() also takes signs, spaces, underscores and other scripts' digits
    if not isinstance(value, str) or not (value.isascii() and value.isdigit()) or len(value) > 20:
        raise MessageError("its transaction is not an xid8 in text")
    xid = int(value)
    if xid > UNKNOWN_XID:
        raise MessageError("its transaction is not an xid8 in text")
    return xid


def _xid_or_unknown(value: Any) -> int:
    try:
        return _xid(value)
    except MessageError:
        return UNKNOWN_XID


def _changes(table: str, version: Any, items: Any) -> tuple[Change, ...]:
    if version != 1:
        raise MessageError("its format is of another version")
    if not isinstance(items, list) or not items:
        raise MessageError("its changes are not a list")
    return tuple(_change(table, item) for item in items)


def _change(table: str, item: Any) -> Change:
    code = item.get("o") if isinstance(item, dict) else None
    if not isinstance(code, str) or code not in _OPS:
        raise MessageError("a change's op is unknown")
    if code in _WHOLE_TABLE:
        return Change(table, _OPS[code])
    columns = _columns(item.get("f")) if code == "u" else None
    return Change(table, _OPS[code], _key(item.get("k")), columns, _values(item.get("w")))


def _key(value: Any) -> Key:
    if not isinstance(value, list) or not value:
        raise MessageError("a change's key is not a list")
    return tuple(_text(part, "key") for part in value)


def _columns(value: Any) -> tuple[str, ...] | None:
    """The columns that changed; ``None``, which means "any", also where none is named."""
    if value is None:
        return None
    if not isinstance(value, list):
        raise MessageError("a change's columns are not a list")
    return tuple(_text(name, "column") for name in value) or None


def _values(value: Any) -> Mapping[str, tuple[Any, Any]]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise MessageError("a change's values are not an object")
    return {_text(name, "column"): _pair(pair) for name, pair in value.items()}


def _pair(value: Any) -> tuple[Any, Any]:
    if not isinstance(value, list) or not 0 < len(value) < 3:
        raise MessageError("a change's value is not a pair")
    if not is_shallow(value):
        raise MessageError("a change's value is nested too deeply")
    try:
        # what is carried is sent on, so it must be encodable
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise MessageError("a change's value is not text") from error
    # one alone has not changed
    return value[0], value[-1]
