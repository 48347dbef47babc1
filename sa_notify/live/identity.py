"""When two statements are the same live query."""

import datetime as dt
import enum
import ipaddress
from collections.abc import Hashable, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import Range

from sa_notify.errors import QueryError
from sa_notify.live.dependencies import Dependencies
from sa_notify.live.interned import Kind
from sa_notify.live.resolve import signature

_EQUAL_IS_SAME = frozenset(
    {
        *(bool, int, str, bytes, type(None), UUID, dt.date, dt.timedelta),
        *(ipaddress.IPv4Address, ipaddress.IPv6Address, ipaddress.IPv4Network, ipaddress.IPv6Network),
    }
)


class _Unique:
    """Equal to nothing but itself."""


def freeze(value: Any) -> Hashable:
    """Something hashable that equals another value's only when both surely are the same value.

    ``1``, ``1.0`` and ``True`` are three values, and so are equal moments of different time zones. What
    can't be told is equal to nothing, not even to itself frozen again.
    """
    kind: Any = type(value)
    if kind in _EQUAL_IS_SAME:
        return (kind, value)
    if kind in (float, Decimal):
        return (kind, repr(value))
    if kind in (dt.datetime, dt.time):
        return (kind, value.isoformat())  # with its offset, which is part of what a statement says
    if isinstance(value, enum.Enum):
        return (kind, value.name, freeze(value.value))
    return _freeze_container(value, kind)


def _freeze_container(value: Any, kind: Any) -> Hashable:
    if kind in (list, tuple):
        return (kind, *(freeze(item) for item in value))
    if kind in (set, frozenset):
        return (kind, frozenset(freeze(item) for item in value))
    if kind is dict:
        return (kind, *((freeze(name), freeze(item)) for name, item in value.items()))
    if kind in (bytearray, memoryview):
        return (kind, bytes(value))
    if kind is Range:
        return (kind, freeze(value.lower), freeze(value.upper), value.bounds, value.empty)
    return _Unique()


def identity(dependencies: Dependencies, layout: Hashable, *rest: Hashable) -> Hashable:
    """Equal for statements with the same SQL, the same bound values and the same rows on the wire.

    :param layout: what else decides how a row looks: :attr:`sa_notify.live.shape.Shape.layout`.
    :param rest: whatever else must be the same for two subscribers to share a query.
    :raises QueryError: a parameter of the statement has no value.
    """
    if dependencies.unbound:
        name = dependencies.unbound[0]
        raise QueryError(f"the parameter {name!r} has no value: bind it in the query's function")
    types = tuple(signature(type_) for type_ in dependencies.types.values())
    names, options = tuple(dependencies.params), _named(dependencies.options)
    kind = Kind.of((dependencies.sql, names, types, options, dependencies.loaded, layout, *rest))
    return (kind, *(freeze(value) for value in dependencies.params.values()))


def _named(values: Mapping[str, Any]) -> Hashable:
    return tuple((name, freeze(value)) for name, value in values.items())
