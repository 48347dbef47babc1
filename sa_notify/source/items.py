"""A row's change as a trigger wrote it, in a NOTIFY or in the outbox."""

from collections.abc import Mapping
from typing import Final

import msgspec

from sa_notify.change import Change, Op
from sa_notify.lazy import lazy_change

_OPS: Final[Mapping[str, Op]] = {"i": "insert", "u": "update", "d": "delete"}

#: What reading it may raise; then :func:`sa_notify.source.message.parse_items` knows more.
UNREADABLE: Final = (KeyError, ValueError, msgspec.DecodeError, RecursionError)


class Item(msgspec.Struct, gc=False):
    """One of the usual: whole tables are none."""

    o: str
    k: tuple[str, ...]
    f: tuple[str, ...] = ()
    w: msgspec.Raw = msgspec.Raw(b"")  # bytes that nobody changes

    def change(self, table: str) -> Change:
        """As a change of that table.

        :raises KeyError: for an op that this release does not know.
        :raises ValueError: without a key.
        """
        op = _OPS[self.o]
        if not self.k:
            raise ValueError
        return lazy_change(table, op, self.k, self.f if self.f and op == "update" else None, self.w)
