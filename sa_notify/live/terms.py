"""Values of a column in terms that Python compares as PostgreSQL does.

They come as a change carries them, as a statement's bound values, and as rows on the wire have them. What is
not certain is :data:`NOT_KNOWN`, never a guess.
"""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import types
from sqlalchemy.dialects.postgresql import DOMAIN
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.types import TypeDecorator, TypeEngine

from sa_notify.live import moments, readers
from sa_notify.live.readers import NAN, NOT_KNOWN, Reader
from sa_notify.live.resolve import POSTGRESQL, resolved

__all__ = ["NAN", "NOT_KNOWN", "TEXT", "Reader", "Terms", "is_plain", "terms_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """How values of a type are read and compared. NULL is ``None`` everywhere, and no reader is asked for it.

    :param name: equal for types whose values compare with each other.
    :param of_change: from what a change carries, in its values or as text in its key.
    :param of_wire: from a row on the wire; right only for types that are not decorated.
    :param of_sent: from what a driver is given.
    :param ordered: Python's ``<`` of any two values is PostgreSQL's; else only equality is.
    :param stored: names of the PostgreSQL types that all this holds for (``enum``: any enum).
    :param text_of: the text that a cast makes of what a change carries; ``None`` where that is not certain.
    """

    name: str
    of_change: Reader
    of_wire: Reader
    of_sent: Reader
    ordered: bool
    stored: frozenset[str]
    text_of: Reader | None = None

    def of_bind(self, value: Any, type_: TypeEngine[Any]) -> Any:
        """A bound value that a column of these terms is compared with; ``None`` for NULL.

        :param type_: the bound parameter's type.
        """
        other = terms_of(type_)
        if other is None or (other.name != self.name and (self.name, other.name) != ("float", "number")):
            return NOT_KNOWN
        sent = _sent(value, type_)
        if sent is None or sent is NOT_KNOWN:
            return sent
        if not _fits(sent, resolved(type_)):
            return NOT_KNOWN
        return self.of_sent(sent)


def terms_of(type_: TypeEngine[Any]) -> Terms | None:
    """How values of the type are compared; ``None`` where PostgreSQL and Python may differ."""
    try:
        return _cached(type_)
    except TypeError:  # a type of the application's own that can't be hashed
        return _terms_of(type_)


@lru_cache(maxsize=2048)
def _cached(type_: TypeEngine[Any]) -> Terms | None:
    return _terms_of(type_)


def is_plain(type_: TypeEngine[Any]) -> bool:
    """Whether rows on the wire have values of the type as PostgreSQL has them."""
    if isinstance(type_, TypeDecorator) or type_._has_column_expression:  # noqa: SLF001
        return False
    plain = resolved(type_)
    if isinstance(plain, types.Numeric) and not isinstance(plain, types.Float):
        return bool(plain.asdecimal)
    return True


def _terms_of(type_: TypeEngine[Any]) -> Terms | None:
    if type_._has_bind_expression or any(_has_collation(layer) for layer in _layers(type_)):  # noqa: SLF001
        return None
    plain = resolved(type_)
    if isinstance(plain, types.Enum) and plain.native_enum:
        return _enum(plain)
    try:
        name = plain.compile(dialect=POSTGRESQL).upper()
    except (SQLAlchemyError, NotImplementedError):
        return None
    return next((terms for pattern, terms in _BY_NAME if pattern.fullmatch(name)), None)


def _layers(type_: TypeEngine[Any]) -> Iterator[Any]:
    impl: Any = type_
    while True:
        yield impl
        impl = impl.dialect_impl(POSTGRESQL)
        yield impl
        if isinstance(impl, DOMAIN):
            impl = impl.data_type
        elif isinstance(impl, TypeDecorator):
            impl = impl.impl_instance
        else:
            return


def _has_collation(type_: Any) -> bool:
    return getattr(type_, "collation", None) is not None


def _enum(type_: types.Enum) -> Terms:
    # their order is that of their creation, which Python does not know
    name = f"enum:{type_.schema}.{type_.name}"
    return Terms(name, *_TEXTS, ordered=False, stored=frozenset({"enum"}), text_of=readers.text)


# -- bound values


def _sent(value: Any, type_: TypeEngine[Any]) -> Any:
    """What a driver is given for it."""
    try:
        processor = type_.dialect_impl(POSTGRESQL).bind_processor(POSTGRESQL)
        return value if processor is None else processor(value)
    except Exception:  # noqa: BLE001 - an application's own type; whoever runs the statement will hear of it
        return NOT_KNOWN


def _fits(value: Any, type_: Any) -> bool:
    """Whether a driver's cast to the type leaves the value as it is."""
    if isinstance(value, Decimal):
        if isinstance(type_, types.Integer):
            return False
        scale = getattr(type_, "scale", None)
        exponent = value.as_tuple().exponent
        return scale is None or not isinstance(exponent, int) or -exponent <= scale
    return getattr(type_, "precision", None) is None or not isinstance(
        value, (dt.datetime, dt.time, dt.timedelta)
    )


# -- the types


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TEXTS: Final = (readers.text,) * 3
TEXT: Final = Terms("text", *_TEXTS, ordered=False, stored=_names("text varchar"), text_of=readers.text)
_WHOLE = Terms(
    "number",
    readers.whole,
    readers.whole,
    readers.sent_number,
    True,
    _names("int2 int4 int8"),
    readers.text_of_whole,
)
_NUMERIC = Terms(
    "number", readers.whole, readers.whole, readers.sent_number, True, _names("numeric"), readers.text
)
_FLOAT = Terms("float", readers.real, readers.real, readers.real, True, _names("float8"))
_BOOL = Terms(
    "bool",
    readers.boolean,
    readers.boolean,
    readers.only(bool, bool),
    True,
    _names("bool"),
    readers.text_of_bool,
)
_DATE = Terms("date", readers.day, readers.day, readers.only(dt.date, moments.day), True, _names("date"))
_TIMESTAMP = Terms(
    "timestamp",
    readers.instant,
    readers.instant,
    readers.sent_datetime(zoned=False),
    True,
    _names("timestamp"),
)
_TIMESTAMPTZ = Terms(
    "timestamptz",
    readers.zoned_instant,
    readers.zoned_instant,
    readers.sent_datetime(zoned=True),
    True,
    _names("timestamptz"),
)
_TIME = Terms("time", readers.time, readers.wire_time, readers.sent_time, True, _names("time"))
# a driver's interval has no months: its text on the wire is another
_INTERVAL = Terms(
    "interval",
    readers.interval,
    readers.not_known,
    readers.only(dt.timedelta, moments.interval),
    True,
    _names("interval"),
)
# in lower case, with hyphens: the order of the texts is that of the bytes
_UUID = Terms("uuid", readers.text, readers.text, readers.sent_uuid, True, _names("uuid"), readers.text)

_BY_NAME: tuple[tuple[re.Pattern[str], Terms], ...] = tuple(
    (re.compile(pattern), terms)
    for pattern, terms in (
        (r"(VARCHAR(\(\d+\))?|TEXT)", TEXT),
        (r"(SMALLINT|INTEGER|BIGINT)", _WHOLE),
        (r"(NUMERIC|DECIMAL)(\(\d+(, ?\d+)?\))?", _NUMERIC),
        (r"(FLOAT|FLOAT\((2[5-9]|[345]\d)\)|DOUBLE PRECISION)", _FLOAT),
        (r"BOOLEAN", _BOOL),
        (r"DATE", _DATE),
        (r"TIMESTAMP(\(\d\))? WITHOUT TIME ZONE", _TIMESTAMP),
        (r"TIMESTAMP(\(\d\))? WITH TIME ZONE", _TIMESTAMPTZ),
        (r"TIME(\(\d\))? WITHOUT TIME ZONE", _TIME),
        (r"INTERVAL( [A-Z ]+)?(\s*\(\d\))?", _INTERVAL),
        (r"UUID", _UUID),
    )
)
