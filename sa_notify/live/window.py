"""What a live query's subscribers see."""

import zlib
from collections.abc import Iterable, KeysView
from dataclasses import dataclass
from typing import Any

from sa_notify.live.query import Row


@dataclass(frozen=True, slots=True)
class Window:
    """A result as its subscribers have it.

    :param by_key: its rows' values by rowkey, in order. A pair for each row and a set of the rowkeys would
        take five times the memory.
    :param total: how many rows there are without LIMIT and OFFSET; ``None`` when not asked for.
    :param version: grows by one with each diff.
    """

    by_key: dict[str, dict[str, Any]]
    total: int | None
    version: int

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows in order."""
        return tuple(self.by_key.items())

    @property
    def rowkeys(self) -> KeysView[str]:
        """What names the rows, in order."""
        return self.by_key.keys()


def check(rowkeys: Iterable[str]) -> int:
    """The wire's checksum: CRC-32, unsigned, of each rowkey and a newline, in UTF-8."""
    text = "".join([f"{rowkey}\n" for rowkey in rowkeys])
    try:
        return zlib.crc32(text.encode())
    except UnicodeEncodeError:
        return zlib.crc32(_as_browsers_encode(text))


def _as_browsers_encode(text: str) -> bytes:
    """UTF-8 with U+FFFD for half a surrogate pair, as TextEncoder writes it."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()
