"""What a rendered list page shows, read from its HTML alone."""

import re
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from typing import Any


@dataclass
class ShownPage:
    """A list page as a browser has it: rows in order, each with the inner HTML of its cells, and its look as ""."""

    rows: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    total: int | None = None
    bar: dict[str, str | None] = field(default_factory=dict)


def read_page(html: str) -> ShownPage:
    """Parse a page; cells come without the blanks that the template puts around them."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    found = re.search(r'class="nav-link active">List(?: \((\d+)\))?</a>', html)
    reader.page.total = int(found[1]) if found and found[1] else None
    return reader.page


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.page = ShownPage()
        self.column: str | None = None
        self.inner: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "template" and "data-sa-notify-bar" in values:
            self.page.bar = values
        if tag == "template" and "data-sa-key" in values:
            look = values.get("data-sa-look")
            self.page.rows.append((str(values["data-sa-key"]), {"": look} if look else {}))
        if tag == "td" and (values.get("class") or "").startswith("col-"):
            self.column, self.inner = str(values["class"])[4:], []
        elif self.column is not None:
            self.inner.append(str(self.get_starttag_text()))

    def handle_endtag(self, tag: str) -> None:
        if tag == "td" and self.column is not None:
            self.page.rows[-1][1][self.column] = "".join(self.inner).strip()
            self.column = None
        elif self.column is not None:
            self.inner.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self._add(data)

    def handle_entityref(self, name: str) -> None:
        self._add(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self._add(f"&#{name};")

    def _add(self, text: str) -> None:
        if self.column is not None:
            self.inner.append(text)


def display(cell: str) -> str:
    """A cell's content; for a cell that is edited in place, what its widget shows."""
    found = re.fullmatch(r'<a [^>]*data-role="x-editable[^>]*>(.*)</a>', cell, re.DOTALL)
    return found[1] if found else cell


def shown(rows: Any) -> list[tuple[str, dict[str, str]]]:
    """Rows with the display values of their cells, blanks around them dropped."""
    return [(key, {name: display(cell).strip() for name, cell in cells.items()}) for key, cells in rows]


def text(cell: str) -> str:
    return unescape(cell)
