"""Mappings that have one entry most of the time, of which there are as many as clients.

A dictionary with one entry takes 232 bytes, a pair 56. A mapping is a pair, or a dictionary of several
entries, or :data:`EMPTY`.
"""

from collections.abc import Iterable
from typing import TypeVar

V = TypeVar("V")

Few = tuple[()] | tuple[int, V] | dict[int, V]
EMPTY: tuple[()] = ()


def items(few: Few[V]) -> Iterable[tuple[int, V]]:
    """Its entries."""
    if isinstance(few, dict):
        return few.items()
    return (few,) if few else ()


def find(few: Few[V], key: int) -> V | None:
    """What is under the key."""
    if isinstance(few, dict):
        return few.get(key)
    return few[1] if few and few[0] == key else None


def put(few: Few[V], key: int, value: V) -> Few[V]:
    """The mapping with an entry more, or another one under the key; what was given may have changed."""
    if isinstance(few, dict):
        few[key] = value
        return few
    return (key, value) if not few or few[0] == key else {few[0]: few[1], key: value}


def without(few: Few[V], key: int) -> Few[V]:
    """The mapping without an entry; what was given may have changed."""
    if isinstance(few, dict):
        few.pop(key, None)
        return next(iter(few.items())) if len(few) == 1 else few
    return EMPTY if few and few[0] == key else few
