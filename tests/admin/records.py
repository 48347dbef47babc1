"""What the page of one record shows, read from its HTML alone."""

import json
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

from sa_notify.live.query import Query
from tests.admin.visitor import Visitor


def marker(html: str) -> dict[str, Any]:
    """The attributes of the page's one mark, and the columns that its table is of."""
    reader = _Reader()
    reader.feed(html)
    assert len(reader.marks) == 1, f"{len(reader.marks)} marks"
    return {**reader.marks[0], "columns": reader.columns}


def has_marker(html: str) -> bool:
    return "data-sa-notify-record" in html


def follow(visitor: Visitor, url: str) -> Query:
    """Load a page and subscribe with its token."""
    return visitor.subscribe(marker(visitor.get(url))["data-sa-token"])


def details(html: str) -> list[str]:
    """The cells of a details table, or what a page of one's own shows in their place."""
    reader = _Reader()
    reader.feed(html)
    return reader.cells


def submitted(html: str) -> list[tuple[str, str]]:
    """What a form, or a piece of one, would submit, in order; without buttons and hidden fields."""
    reader = _Form()
    reader.feed(html)
    reader.close()
    return sorted(pair for pair in reader.pairs() if pair[0] != "csrf_token")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.marks: list[dict[str, str | None]] = []
        self.columns: list[str] = []
        self.cells: list[str] = []
        self._inner: list[str] | None = None
        self._tag = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if "data-sa-notify-record" in values:
            self.marks.append(values)
        if "data-sa-columns" in values:
            self.columns = json.loads(values["data-sa-columns"] or "")
        if self._inner is not None:
            self._inner.append(str(self.get_starttag_text()))
        elif tag in ("td", "dd") or "data-sa-column" in values:
            self._inner, self._tag = [], tag

    def handle_endtag(self, tag: str) -> None:
        if self._inner is None:
            return
        if tag == self._tag:
            self.cells.append("".join(self._inner).strip())
            self._inner = None
        else:
            self._inner.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if self._inner is not None:
            self._inner.append(data)

    def handle_entityref(self, name: str) -> None:
        self.handle_data(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.handle_data(f"&#{name};")


class _Form(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self._found: list[tuple[str, str]] = []
        self._select: tuple[str, bool, list[str], list[str]] | None = None
        self._area: tuple[str, list[str]] | None = None

    def pairs(self) -> Iterator[tuple[str, str]]:
        yield from self._found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        name, value = values.get("name") or "", values.get("value") or ""
        if tag == "input":
            boxes = values.get("type") in ("checkbox", "radio")
            if values.get("type") not in ("submit", "file") and name and (not boxes or "checked" in values):
                self._found.append((name, value))
        elif tag == "select":
            self._select = (name, "multiple" in values, [], [])
        elif tag == "option" and self._select:
            self._select[2].append(value)
            if "selected" in values:
                self._select[3].append(value)
        elif tag == "textarea":
            self._area = (name, [])

    def handle_data(self, data: str) -> None:
        if self._area:
            self._area[1].append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "select" and self._select:
            name, multiple, options, selected = self._select
            chosen = selected or ([] if multiple else options[:1])
            self._found += [(name, value) for value in chosen]
            self._select = None
        elif tag == "textarea" and self._area:
            self._found.append((self._area[0], "".join(self._area[1]).removeprefix("\r\n")))
            self._area = None
