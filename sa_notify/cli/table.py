"""Rows as lines of text."""

import time
from collections.abc import Sequence


def lines(titles: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """A heading and a line for each row, in columns as wide as they have to be."""
    texts = [list(titles), *([printable(str(cell)) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in texts]


def printable(text: str) -> str:
    """The same with what a terminal might obey written out: names and keys are others' choice."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def ago(since: float, now: float | None = None) -> str:
    """How long ago that was.

    :param since: seconds since 1970.
    """
    seconds = max(0, int((time.time() if now is None else now) - since))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
