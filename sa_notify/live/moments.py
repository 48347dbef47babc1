"""PostgreSQL's dates, times and intervals as numbers that compare as it compares them.

Infinities and years that Python has no dates for included: days or microseconds as ``int``, and ±infinity
as ``float``, with which Python compares integers exactly.
"""

import datetime as dt
import re
from functools import lru_cache

Moment = int | float

_INFINITE = {"infinity": float("inf"), "-infinity": float("-inf")}
_DAY = 86_400_000_000
_CYCLE_YEARS, _CYCLE_DAYS = 400, 146_097
_START = dt.datetime(1, 1, 1)  # noqa: DTZ001
_MICROSECOND = dt.timedelta(microseconds=1)

_DATE = r"(?P<year>\d{4,7})-(?P<month>\d\d)-(?P<day>\d\d)"
_CLOCK = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)(?:\.(?P<fraction>\d{1,6}))?"
_ONLY_DATE = re.compile(_DATE + r"(?P<bc> BC)?", re.ASCII)
_ONLY_TIME = re.compile(_CLOCK, re.ASCII)
_PLAIN = re.compile(_DATE + "[T ]" + _CLOCK + r"(?P<bc> BC)?", re.ASCII)
_ZONED = re.compile(_DATE + "[T ]" + _CLOCK + r"\+00(?::00)?(?P<bc> BC)?", re.ASCII)
_INTERVAL = re.compile(
    r"(?:(?P<years>[+-]?\d+) years?)? ?(?:(?P<months>[+-]?\d+) mons?)? ?(?:(?P<days>[+-]?\d+) days?)? ?"
    r"(?:(?P<sign>[+-]?)(?P<hours>\d{2,}):(?P<minutes>\d\d):(?P<seconds>\d\d)(?:\.(?P<fraction>\d{1,6}))?)?",
    re.ASCII,
)


@lru_cache(maxsize=4096)
def day_of(text: str) -> Moment | None:
    """Days of a ``date``; ``None`` when the text is none."""
    if text in _INFINITE:
        return _INFINITE[text]
    found = _ONLY_DATE.fullmatch(text)
    return None if found is None else _days(found)


@lru_cache(maxsize=4096)
def timestamp_of(text: str) -> Moment | None:
    """Microseconds of a ``timestamp``, written by ``to_json`` or ``::text``; ``None`` when it is none."""
    return _instant(_PLAIN, text)


@lru_cache(maxsize=4096)
def timestamptz_of(text: str) -> Moment | None:
    """Microseconds of a ``timestamptz`` in UTC; ``None`` when the text is none."""
    return _instant(_ZONED, text)


@lru_cache(maxsize=4096)
def time_of(text: str) -> int | None:
    """Microseconds of a ``time``, which may be 24:00:00; ``None`` when the text is none."""
    found = _ONLY_TIME.fullmatch(text)
    return None if found is None else _clock(found)


@lru_cache(maxsize=4096)
def interval_of(text: str) -> Moment | None:
    """Microseconds of an ``interval``, to whose order a month is 30 days and a day 24 hours."""
    if text in _INFINITE:
        return _INFINITE[text]
    found = _INTERVAL.fullmatch(text) if text.strip() == text else None
    if found is None or not text:
        return None
    days = int(found["years"] or 0) * 360 + int(found["months"] or 0) * 30 + int(found["days"] or 0)
    seconds = int(found["hours"] or 0) * 3600 + int(found["minutes"] or 0) * 60 + int(found["seconds"] or 0)
    micros = seconds * 1_000_000 + _micros(found["fraction"])
    return days * _DAY + (-micros if found["sign"] == "-" else micros)


def day(value: dt.date) -> int:
    """As :func:`day_of`."""
    return value.toordinal()


def timestamp(value: dt.datetime) -> int:
    """As :func:`timestamp_of`; as :func:`timestamptz_of` where the value has a time zone."""
    offset = value.utcoffset() or dt.timedelta()
    return (value.replace(tzinfo=None) - _START - offset) // _MICROSECOND + _DAY


def time(value: dt.time) -> int:
    """As :func:`time_of`."""
    return ((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond


def interval(value: dt.timedelta) -> int:
    """As :func:`interval_of`."""
    return value // _MICROSECOND


def _instant(pattern: re.Pattern[str], text: str) -> Moment | None:
    if text in _INFINITE:
        return _INFINITE[text]
    found = pattern.fullmatch(text)
    if found is None or (days := _days(found)) is None:
        return None
    return days * _DAY + _clock(found)


def _days(found: re.Match[str]) -> int | None:
    year = int(found["year"])
    if found["bc"]:
        year = 1 - year  # there is no year 0
    cycles, within = divmod(year - 1, _CYCLE_YEARS)
    try:
        inner = dt.date(within + 1, int(found["month"]), int(found["day"]))
    except ValueError:
        return None
    return inner.toordinal() + cycles * _CYCLE_DAYS


def _clock(found: re.Match[str]) -> int:
    seconds = (int(found["hour"]) * 60 + int(found["minute"])) * 60 + int(found["second"])
    return seconds * 1_000_000 + _micros(found["fraction"])


def _micros(fraction: str | None) -> int:
    return int(fraction.ljust(6, "0")) if fraction else 0
