"""Rows of the outbox as changes.

Only the triggers' owner can write them, so unlike a NOTIFY they need no proof against strangers; what is
out of the ordinary (another format, values within values) goes the careful way of
:mod:`sa_notify.source.message`.
"""

import logging
from collections.abc import Sequence

import msgspec

from sa_notify.change import Change
from sa_notify.errors import MessageError
from sa_notify.source.items import UNREADABLE, Item
from sa_notify.source.message import parse_items

logger = logging.getLogger(__name__)

_items = msgspec.json.Decoder(list[list[Item]]).decode


def all_changes(rows: Sequence[tuple[str, str]]) -> list[tuple[Change, ...]]:
    """The changes of each row, given as relation and body; see :func:`changes`.

    Parsed together, which takes half as long as one by one where a row holds one change.
    """
    try:
        return _parsed(rows)
    except UNREADABLE:
        return [changes(*row) for row in rows]


def changes(relation: str, body: str) -> tuple[Change, ...]:
    """The changes of one row; its whole table where they are not of a format that this release reads."""
    try:
        return _parsed([(relation, body)])[0]
    except UNREADABLE:
        return _with_care(relation, body)


def _parsed(rows: Sequence[tuple[str, str]]) -> list[tuple[Change, ...]]:
    """:raises ValueError: when some row needs care, as other errors of ``UNREADABLE`` do."""
    text = f"[[{'],['.join([body for _, body in rows])}]]"
    # an escape may be half a character, of which no client can be told
    if "\\" in text and "\\u" in text:
        raise ValueError
    found = _items(text)
    if len(found) != len(rows) or not all(found):
        raise ValueError
    return [tuple([item.change(row[0]) for item in items]) for row, items in zip(rows, found, strict=True)]


def _with_care(relation: str, body: str) -> tuple[Change, ...]:
    try:
        return parse_items(relation, f"[{body}]")
    except MessageError as error:
        size = {"payload_size": len(body)}
        logger.warning("a row of the outbox was taken as a change of its whole table: %s", error, extra=size)
        return (Change(relation, "bulk"),)
