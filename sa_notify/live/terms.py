"""Values of a column in terms that Python compares as PostgreSQL does.

They come as a change carries them, as a statement's bound values, and as rows on the wire have them. What is
not certain is :data:`NOT_KNOWN`, never a guess.
"""

import datetime as dt
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache, total_ordering
from typing import Any, Final
from uuid import UUID

from sqlalchemy import types
from sqlalchemy.dialects.postgresql import DOMAIN
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.types import TypeDecorator, TypeEngine

from sa_notify.live import moments
from sa_notify.live.resolve import POSTGRESQL, resolved

Reader = Callable[[Any], Any]


class _NotKnown:
    """It may be any value, or NULL."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "NOT_KNOWN"


NOT_KNOWN: Final = _NotKnown()


@total_ordering
class _Nan:
    """PostgreSQL's NaN: equal to itself, and greater than everything else."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return other is self

    def __lt__(self, other: object) -> bool:
        return False

    def __hash__(self) -> int:
        return 0


NAN: Final = _Nan()


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


@lru_cache(maxsize=2048)
def _cached(type_: TypeEngine[Any]) -> Terms | None:
    return _terms_of(type_)


def terms_of(type_: TypeEngine[Any]) -> Terms | None:
    """How values of the type are compared; ``None`` where PostgreSQL and Python may differ."""
    return _cached(type_)


def is_plain(type_: TypeEngine[Any]) -> bool:
    """Whether rows on the wire have values of the type as PostgreSQL has them."""
    if isinstance(type_, TypeDecorator) or type_._has_column_expression:  # noqa: SLF001
        return False
    plain = resolved(type_)
    return (
        bool(plain.asdecimal)
        if isinstance(plain, types.Numeric) and not isinstance(plain, types.Float)
        else True
    )


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
    return Terms(name, _text, _text, _text, ordered=False, stored=frozenset({"enum"}), text_of=_text)


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


# -- readers; strict, so that a column of another type than its model says is noticed


def _text(term: Any) -> Any:
    return term if type(term) is str else NOT_KNOWN


def _whole(term: Any) -> Any:
    return term if type(term) is int else _number_of_text(term) if type(term) is str else NOT_KNOWN


@lru_cache(maxsize=4096)
def _number_of_text(text: str) -> Any:
    if text in _SPECIAL:
        return _SPECIAL[text]
    if _NUMBER.fullmatch(text) is None:
        return NOT_KNOWN
    return Decimal(text)


_NUMBER = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII)
_SPECIAL: dict[str, Any] = {"NaN": NAN, "Infinity": float("inf"), "-Infinity": float("-inf")}


def _sent_number(value: Any) -> Any:
    if type(value) is int:
        return value
    if type(value) is not Decimal:
        return NOT_KNOWN
    if value.is_nan():
        return NAN
    return value if value.is_finite() else float(value)


def _float(term: Any) -> Any:
    if type(term) is float or (type(term) is int and abs(term) <= _EXACT_INTEGERS):
        return _canonical(float(term))
    return _SPECIAL.get(term, NOT_KNOWN) if type(term) is str else NOT_KNOWN


_EXACT_INTEGERS = 2**53


def _canonical(value: float) -> Any:
    return value if value == value else NAN  # noqa: PLR0124


def _bool(term: Any) -> Any:
    return term if type(term) is bool else _BOOLS.get(term, NOT_KNOWN) if type(term) is str else NOT_KNOWN


_BOOLS = {"true": True, "false": False}


def _moment(read: Callable[[str], Any]) -> Reader:
    def of_text(term: Any) -> Any:
        found = read(term) if type(term) is str else None
        return NOT_KNOWN if found is None else found

    return of_text


def _sent_datetime(*, zoned: bool) -> Reader:
    def of_sent(value: Any) -> Any:
        # the other kind would be read in the session's time zone
        if type(value) is not dt.datetime or (value.utcoffset() is not None) != zoned:
            return NOT_KNOWN
        return moments.timestamp(value)

    return of_sent


def _sent_time(value: Any) -> Any:
    return moments.time(value) if type(value) is dt.time and value.tzinfo is None else NOT_KNOWN


def _wire_time(term: Any) -> Any:
    # 24:00:00 reaches Python as midnight
    return _time(term) or NOT_KNOWN


def _only(kind: type, convert: Reader) -> Reader:
    return lambda value: convert(value) if type(value) is kind else NOT_KNOWN


def _sent_uuid(value: Any) -> Any:
    try:
        return str(value if isinstance(value, UUID) else UUID(value))
    except (ValueError, TypeError, AttributeError):
        return NOT_KNOWN


_day, _time = _moment(moments.day_of), _moment(moments.time_of)
_plain_instant, _zoned_instant = _moment(moments.timestamp_of), _moment(moments.timestamptz_of)
_interval = _moment(moments.interval_of)


def _not_known(_: Any) -> Any:
    return NOT_KNOWN


# -- texts that casts make of what changes carry


def _text_of_whole(term: Any) -> Any:
    value = _whole(term)
    return NOT_KNOWN if value is NOT_KNOWN else str(value)


def _text_of_bool(term: Any) -> Any:
    value = _bool(term)
    return NOT_KNOWN if value is NOT_KNOWN else "true" if value else "false"


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


TEXT: Final = Terms("text", _text, _text, _text, ordered=False, stored=_names("text varchar"), text_of=_text)
_WHOLE = Terms("number", _whole, _whole, _sent_number, True, _names("int2 int4 int8"), _text_of_whole)
_NUMERIC = Terms("number", _whole, _whole, _sent_number, True, _names("numeric"), _text)
_FLOAT = Terms("float", _float, _float, _float, True, _names("float8"))
_BOOL = Terms("bool", _bool, _bool, _only(bool, bool), True, _names("bool"), _text_of_bool)
_DATE = Terms("date", _day, _day, _only(dt.date, moments.day), True, _names("date"))
_TIMESTAMP = Terms(
    "timestamp", _plain_instant, _plain_instant, _sent_datetime(zoned=False), True, _names("timestamp")
)
_TIMESTAMPTZ = Terms(
    "timestamptz", _zoned_instant, _zoned_instant, _sent_datetime(zoned=True), True, _names("timestamptz")
)
_TIME = Terms("time", _time, _wire_time, _sent_time, True, _names("time"))
# a driver's interval has no months: its text on the wire is another
_INTERVAL = Terms(
    "interval", _interval, _not_known, _only(dt.timedelta, moments.interval), True, _names("interval")
)
# in lower case, with hyphens: the order of the texts is that of the bytes
_UUID = Terms("uuid", _text, _text, _sent_uuid, True, _names("uuid"), _text)

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
