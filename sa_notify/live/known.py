"""What one change tells of its row, worked out once for all queries."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sa_notify.change import Change, Key
from sa_notify.live.images import Image, images
from sa_notify.live.rowkey import rowkey
from sa_notify.live.snapshot import Snapshot
from sa_notify.live.terms import NOT_KNOWN, Terms

_MISSING: Any = object()


@dataclass(frozen=True, slots=True)
class Looked:
    """Rows of one table as they are by now.

    :param snapshot: which they were read under.
    :param rows: of those asked for those that there are: values by stored names of columns, as changes carry
        them.
    """

    snapshot: Snapshot
    rows: Mapping[Key, Mapping[str, Any]]


class Known:
    """A change and its row before and after.

    :param looked: where its new values are to come from, if they had to be read; ``None`` when they could
        not be.
    :ivar columns: names of the columns that an update changed; ``None`` where that is not known, or the row
        came or went.
    :ivar late: it is looked at again, after its new values were asked for.
    :ivar answer: the same when they were; ``None`` before.
    :ivar lacking: some queries can't do without them.
    """

    __slots__ = ("_images", "_looked", "_rowkey", "_terms", "answer", "change", "columns", "lacking", "late")

    def __init__(self, change: Change, looked: Looked | None = None, *, late: bool = False) -> None:
        self.change = change
        self.columns = change.columns if change.op == "update" and change.key is not None else None
        self.late = late
        self.answer: Known | None = None
        self.lacking = False
        self._looked = looked
        self._images: dict[tuple[str, ...], tuple[Image, Image]] = {}
        self._rowkey: str | None = None
        self._terms: dict[tuple[str, str, bool], tuple[Any, ...]] = {}

    @property
    def rowkey(self) -> str:
        """What names the row on the wire, where its key is known."""
        if self._rowkey is None:
            self._rowkey = rowkey(self.change.key or ())
        return self._rowkey

    def answered(self, xid: int, looked: Looked | None) -> "Known":
        """The change with the new values that were read, which may be those of later changes too.

        :param xid: of the change; a read that has not seen it says nothing about it.
        """
        sees = looked is not None and looked.snapshot.sees(xid)
        self.answer = Known(self.change, looked if sees else None, late=True)
        return self.answer

    def images(self, key: tuple[str, ...]) -> tuple[Image, Image]:
        """The row before and after.

        :param key: stored names of the columns of the table's key.
        """
        found = self._images.get(key)
        if found is None:
            found = images(self.change, key)
            if self._looked is not None:
                found = (found[0], self._present(key))
            self._images[key] = found
        return found

    def _present(self, key: tuple[str, ...]) -> Image:
        """The row as it was read: never mixed with what it was at the time of the change."""
        row = None if self._looked is None else self._looked.rows.get(self.change.key or ())
        return None if row is None else {**row, **dict(zip(key, self.change.key or (), strict=True))}

    def in_terms(
        self, column: str, terms: Terms, key: tuple[str, ...], *, new: bool = False
    ) -> tuple[Any, ...]:
        """The column's values before and after, where there is a row; ``NOT_KNOWN`` if one is not known.

        :param new: after alone.
        """
        found = self._terms.get((column, terms.name, new))
        if found is None:
            there = (image for image in self.images(key)[new:] if image is not None)
            found = tuple(_read(image.get(column, _MISSING), terms) for image in there)
            self._terms[column, terms.name, new] = found
        return found


def _read(term: Any, terms: Terms) -> Any:
    if term is None:
        return None
    return NOT_KNOWN if term is _MISSING else terms.of_change(term)
