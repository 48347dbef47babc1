"""Rows of the outbox as changes.

Only the triggers' owner can write them, so unlike a NOTIFY they need no proof against strangers; what is
out of the ordinary (another format, values nested deeply) goes the careful way of :mod:`..message`.
"""

import json
import logging
import math
from collections.abc import Mapping
from typing import Any

from sa_notify.change import Change, Op
from sa_notify.errors import MessageError
from sa_notify.source.message import parse_items

logger = logging.getLogger(__name__)

_OPS: Mapping[str, Op] = {"i": "insert", "u": "update", "d": "delete"}
_PLAIN = frozenset((str, int, bool, type(None)))
_NOTHING: Mapping[str, tuple[Any, Any]] = {}


def changes(relation: str, body: str) -> tuple[Change, ...]:
    """The changes of one row; its whole table where they are not of a format that this release reads."""
    try:
        # an escape may be a lone surrogate, of which no client could be told
        if "\\u" not in body:
            return tuple([_change(relation, item) for item in json.loads(f"[{body}]")])
    except (_Unusual, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    return _with_care(relation, body)


def _with_care(relation: str, body: str) -> tuple[Change, ...]:
    try:
        return parse_items(relation, f"[{body}]")
    except MessageError as error:
        logger.warning(
            "a row of the outbox was taken as a change of its whole table: %s", error,
            extra={"payload_size": len(body)},
        )  # fmt: skip
        return (Change(relation, "bulk"),)


class _Unusual(Exception):
    """To be read with care."""


def _change(relation: str, item: dict[str, Any]) -> Change:
    op = _OPS.get(item["o"])
    if op is None:
        raise _Unusual
    values, columns = item.get("w"), item.get("f") if op == "update" else None
    return Change(
        relation,
        op,
        tuple(item["k"]),
        tuple(columns) if columns else None,
        _values(values) if values else _NOTHING,
    )


def _values(values: dict[str, list[Any]]) -> Mapping[str, tuple[Any, Any]]:
    found = {}
    for name, pair in values.items():
        old, new = pair[0], pair[-1]
        if type(old) not in _PLAIN or type(new) not in _PLAIN or len(pair) > 2:
            _check(old, new, *pair[2:3])
        found[name] = (old, new)
    return found


def _check(*values: Any) -> None:
    """Numbers that JSON can't hold again, and what may be nested, are unusual."""
    if len(values) > 2 or not all(type(each) in _PLAIN or _finite(each) for each in values):
        raise _Unusual


def _finite(value: Any) -> bool:
    return type(value) is float and math.isfinite(value)
