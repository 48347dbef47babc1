"""What one change tells of its row, worked out once for all queries."""

from typing import Any

from sa_notify.change import Change
from sa_notify.live.images import Image, images
from sa_notify.live.rowkey import rowkey
from sa_notify.live.terms import NOT_KNOWN, Terms

_MISSING: Any = object()


class Known:
    """A change and its row before and after.

    :ivar columns: names of the columns that an update changed; ``None`` where that is not known, or the row
        came or went.
    """

    __slots__ = ("_images", "_rowkey", "_terms", "change", "columns")

    def __init__(self, change: Change) -> None:
        self.change = change
        self.columns = change.columns if change.op == "update" and change.key is not None else None
        self._images: dict[tuple[str, ...], tuple[Image, Image]] = {}
        self._rowkey: str | None = None
        self._terms: dict[tuple[str, str], tuple[Any, ...]] = {}

    @property
    def rowkey(self) -> str:
        """What names the row on the wire, where its key is known."""
        if self._rowkey is None:
            self._rowkey = rowkey(self.change.key or ())
        return self._rowkey

    def images(self, key: tuple[str, ...]) -> tuple[Image, Image]:
        """The row before and after.

        :param key: stored names of the columns of the table's key.
        """
        found = self._images.get(key)
        if found is None:
            found = self._images[key] = images(self.change, key)
        return found

    def in_terms(self, column: str, terms: Terms, key: tuple[str, ...]) -> tuple[Any, ...]:
        """The column's values before and after, where there is a row; ``NOT_KNOWN`` if one is not known."""
        found = self._terms.get((column, terms.name))
        if found is None:
            there = (image for image in self.images(key) if image is not None)
            found = tuple(_read(image.get(column, _MISSING), terms) for image in there)
            self._terms[column, terms.name] = found
        return found


def _read(term: Any, terms: Terms) -> Any:
    if term is None:
        return None
    return NOT_KNOWN if term is _MISSING else terms.of_change(term)
