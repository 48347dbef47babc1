"""Of which tables a plan may be asked: their changes say all that it wants to know."""

from collections.abc import Mapping
from functools import lru_cache

from sa_notify.capture.coverage import Coverage, Key
from sa_notify.live.dependencies import Dependencies
from sa_notify.live.query import Own


def own_of(found: Dependencies, covered: Mapping[Key, Coverage]) -> Mapping[str, Own]:
    """Tables by the name that their own changes have.

    Not those whose changes may stand for another table's (partitions, parents, one table under two names),
    nor those that are of other types in the database than the statement believes.

    :param covered: what the catalog says of the statement's tables.
    """
    names = [name for item in covered.values() for name in item.names]
    owned = (
        (item.name, Own(key, item.key))
        for key, item in covered.items()
        if isinstance(key, tuple)
        and item.name is not None
        and item.key
        and not item.doubts
        and names.count(item.name) == 1
        and _fits(item.types, found.expected.get(key, {}))
    )
    return _once(tuple(owned))


@lru_cache(maxsize=4096)
def _once(owned: tuple[tuple[str, Own], ...]) -> Mapping[str, Own]:
    """One mapping for all queries that own the same tables."""
    return dict(owned)


def _fits(types: Mapping[str, str], expected: Mapping[str, frozenset[str]]) -> bool:
    return all(types.get(column) in allowed for column, allowed in expected.items())
