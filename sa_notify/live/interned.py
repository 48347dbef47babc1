"""Equal things as one object: what all queries of a kind have is kept once."""

from collections.abc import Hashable
from functools import lru_cache
from typing import Any, TypeVar, cast
from weakref import WeakValueDictionary

T = TypeVar("T", bound=Hashable)


def interned(thing: T) -> T:
    """The thing, or one that is equal and of the same type; for names and what is made of them alone.

    Few are remembered, so that nothing is kept for long that nobody uses.
    """
    return cast(T, _remembered(type(thing), thing))


@lru_cache(maxsize=4096)
def _remembered(kind: Any, thing: Hashable) -> Hashable:  # noqa: ARG001
    return thing


class Kind:
    """Equal for equal parts; the same object for as long as anybody holds it."""

    __slots__ = ("__weakref__", "_hash", "_parts")

    def __init__(self, parts: Hashable) -> None:
        self._parts, self._hash = parts, hash(parts)

    @classmethod
    def of(cls, parts: Hashable) -> "Kind":
        # by its parts: a key that is the value itself would keep it for ever
        return _KINDS.setdefault(parts, cls(parts))

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, Kind) and self._hash == other._hash and self._parts == other._parts

    def __hash__(self) -> int:
        return self._hash


_KINDS: "WeakValueDictionary[Hashable, Kind]" = WeakValueDictionary()
