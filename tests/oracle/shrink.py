"""Makes a failing script as small as it goes, as long as it fails."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

from tests.oracle.script import referred

Script = dict[str, Any]
#: Tries in all; each plays a script.
TRIES = 1500


def shrunk(script: Script, fails: Callable[[Script], bool], tries: int = TRIES) -> Script:
    """A smaller script that fails, too."""
    best, left = script, tries
    changed = True
    while changed and left > 0:
        changed = False
        for step in (_fewer_events, _fewer_rows, _plainer, _simpler_queries, _simpler_events):
            for candidate in step(best):
                left -= 1
                if left <= 0:
                    break
                if _size(candidate) < _size(best) and fails(candidate):
                    best, changed = candidate, True
                    break
            if changed:
                break
    return {**best, "queries": referred(best)}


def _size(script: Script) -> int:
    return len(str({**script, "queries": referred(script)}))


def _fewer_events(script: Script) -> Iterator[Script]:
    yield from ({**script, "events": events} for events in _shorter(script["events"]))


def _fewer_rows(script: Script) -> Iterator[Script]:
    yield from ({**script, "rows": rows} for rows in _shorter(script["rows"]))


def _plainer(script: Script) -> Iterator[Script]:
    for name in ("order", "pace"):
        if script[name]:
            yield {**script, name: 0}


def _shorter(items: list[Any]) -> Iterator[list[Any]]:
    """Without long stretches, then without shorter ones."""
    length = len(items) // 2
    while length:
        for start in range(0, len(items), length):
            yield items[:start] + items[start + length :]
        length //= 2
    if len(items) == 1:
        yield []


def _simpler_queries(script: Script) -> Iterator[Script]:
    for name, query in referred(script).items():
        for simpler in _simpler(query):
            yield {**script, "queries": {**script["queries"], name: simpler}}


def _simpler(query: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name in ("where", "having", "limit", "offset", "total", "inner", "cte"):
        if query.get(name) is not None:
            yield {key: value for key, value in query.items() if key != name}
    for name in ("joins", "order", "columns", "group"):
        if isinstance(query.get(name), list) and len(query[name]) > (name in ("columns", "group")):
            for n in range(len(query[name])):
                yield {**query, name: query[name][:n] + query[name][n + 1 :]}
    if query.get("columns") == "entities":
        yield {**query, "columns": "entity"}
    for path in _conditions(query):
        yield from _without(query, path)


def _conditions(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where there are conditions made of others."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    if isinstance(node, list) and node and node[0] in ("and", "or", "not"):
        yield path
    for name, value in items:
        yield from _conditions(value, (*path, name))


def _without(query: dict[str, Any], path: tuple[Any, ...]) -> Iterator[dict[str, Any]]:
    """One of its parts instead of the whole, and the whole without one of its parts."""
    made = copy.deepcopy(query)
    parent: Any = made
    for name in path[:-1]:
        parent = parent[name]
    whole = parent[path[-1]]
    for part in whole[1:]:
        parent[path[-1]] = part
        yield copy.deepcopy(made)
    for n in range(1, len(whole)):
        if len(whole) > 2:
            parent[path[-1]] = whole[:n] + whole[n + 1 :]
            yield copy.deepcopy(made)


def _simpler_events(script: Script) -> Iterator[Script]:
    events = script["events"]
    for n, event in enumerate(events):
        others: list[Any] = []
        if event[0] in ("undo", "try"):
            others = [["bare", *event[1:]]]
        if event[0] == "meanwhile":
            others = [[*event[:3], inner] for inner in _shorter(event[3])]
        for other in others:
            yield {**script, "events": [*events[:n], other, *events[n + 1 :]]}
