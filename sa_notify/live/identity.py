"""When two statements are the same live query."""

import datetime
import decimal
import enum
import uuid
from collections.abc import Hashable, Mapping
from typing import Any

from sa_notify.live.dependencies import Dependencies

_PLAIN = (
    bool,
    int,
    str,
    bytes,
    uuid.UUID,
    datetime.date,
    datetime.datetime,
    datetime.time,
    datetime.timedelta,
    type(None),
)


class _Unique:
    """Equal to nothing but itself."""


def freeze(value: Any) -> Hashable:
    """Something hashable that equals another value's only when both surely are the same value.

    ``1``, ``1.0`` and ``True`` are three values; what can't be compared is equal to nothing.
    """
    kind = type(value)
    if kind in _PLAIN:
        # an offset is part of what a statement says, though equal instants compare equal
        return (kind, value, getattr(value, "tzinfo", None) and str(value))
    if kind in (float, decimal.Decimal):
        return (kind, str(value))
    if isinstance(value, enum.Enum):
        return (kind, value.name)
    if kind in (list, tuple):
        return (kind, *(freeze(item) for item in value))
    if kind in (set, frozenset):
        return (kind, frozenset(freeze(item) for item in value))
    if isinstance(value, Mapping):
        return (kind, frozenset((freeze(name), freeze(item)) for name, item in value.items()))
    return _Unique()


def identity(dependencies: Dependencies, layout: Hashable, *rest: Hashable) -> Hashable:
    """Equal for statements with the same SQL, the same bound values and the same rows on the wire.

    :param layout: what else decides how a row looks: its columns' names and key.
    """
    return (dependencies.sql, freeze(dict(dependencies.params)), layout, *rest)
