"""Queries that must show the same as another, whatever happens: metamorphic relations."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

from tests.oracle.selects import Node, Query

#: Rows of a page, and pages that a list is cut into; the last has all that is left.
PAGE, PAGES = 3, 4
Rows = list[tuple[str, dict[str, Any]]]


def applies(query: Query) -> bool:
    """Whether the relations hold: an ordered list of rows."""
    return "union" not in query and not query.get("group") and not query.get("distinct")


def _reordered(query: Query) -> Query:
    """All that AND and OR join stands the other way round."""
    made = copy.deepcopy(query)
    for node in list(_nodes(made.get("where"))):
        if node[0] in ("and", "or"):
            node[1:] = node[:0:-1]
    return made


def _redundant(query: Query) -> Query:
    """A condition that is always true, and what is there twice."""
    column: Node = ["col", 0, "n"]
    always: Node = ["or", ["null", False, column], ["null", True, column]]
    given = query.get("where")
    return {**query, "where": ["and", always, given, copy.deepcopy(given)] if given else always}


def _twice_negated(query: Query) -> Query:
    return {**query, "where": ["not", ["not", query["where"]]]} if query.get("where") else query


def _nodes(node: Any) -> Iterator[Node]:
    if isinstance(node, list) and node:
        yield node
        for part in node:
            yield from _nodes(part)


_ONE: dict[str, Callable[[Query], Query]] = {
    "reordered": _reordered,
    "redundant": _redundant,
    "twice_negated": _twice_negated,
}
KINDS = (*_ONE, "pages")


def variants(query: Query, kind: str) -> list[Query]:
    """The query as it is compared, and those that make the same."""
    if kind != "pages":
        return [query, _ONE[kind](query)]
    whole = {name: value for name, value in query.items() if name not in ("limit", "offset", "total")}
    pages = [{**whole, "limit": PAGE, "offset": PAGE * number} for number in range(PAGES)]
    return [whole, *pages, {**whole, "offset": PAGE * PAGES}]


def differ(kind: str, shown: list[Rows]) -> str:
    """What is not as the relation says; an empty text when all is."""
    whole, *others = shown
    if kind == "pages":
        # a row that a join repeats is numbered anew on each page
        together = [row for page in others for _, row in page]
        return "" if [row for _, row in whole] == together else f"the pages {together} are not {whole}"
    return "" if whole == others[0] else f"{kind}: {others[0]} is not {whole}"
