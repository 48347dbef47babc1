"""Reads new values of rows by their keys, as their table's triggers would carry them."""

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Engine, text

from sa_notify import metrics
from sa_notify.capture.names import identifier
from sa_notify.capture.render_values import as_carried
from sa_notify.change import Key
from sa_notify.dispatch.runtime import Runtime
from sa_notify.live.known import Looked
from sa_notify.live.looking import Lookup
from sa_notify.live.snapshot import Snapshot
from sa_notify.web.failures import is_passing, sqlstate
from sa_notify.web.reader import READING

logger = logging.getLogger(__name__)

#: Longer values, in bytes as they are stored, stay unknown.
LARGE = 16_384

#: What a trigger's function sets, for the same texts; and that policies raise rather than hide rows.
_SETTINGS = {
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "lc_monetary": "C",
    "row_security": "off",
}
_BEGIN = "SELECT pg_current_snapshot()::text, " + ", ".join(
    f"set_config('{name}', '{value}', true)" for name, value in _SETTINGS.items()
)


class Looker:
    """Reads among an application's other reads.

    :param engine: gives the application's.
    """

    def __init__(self, runtime: Runtime, engine: Callable[[], Engine]) -> None:
        self._runtime = runtime
        self._engine = engine

    def look(self, wanted: Lookup) -> tuple[Looked | None, float, bool]:
        """What was read, or ``None``; how many seconds that took; whether it always will be ``None``."""
        began: list[float] = []

        def timed() -> tuple[Looked, float]:
            began.append(self._runtime.monotonic())  # not before a thread is free
            return look(self._engine(), wanted), self._runtime.monotonic() - began[0]

        try:
            looked, seconds = self._runtime.call(timed)
        except Exception as error:  # noqa: BLE001  # whatever it is, the queries are read
            _tell(wanted, error)
            metrics.LOOKS.labels("failed").inc()
            seconds = self._runtime.monotonic() - began[0] if began else 0.0
            metrics.DATABASE_SECONDS.inc(seconds)
            return None, seconds, not is_passing(error)
        metrics.LOOKS.labels("done").inc()
        metrics.DATABASE_SECONDS.inc(seconds)
        return looked, seconds, False


def _tell(wanted: Lookup, error: Exception) -> None:
    kind, state = type(getattr(error, "orig", error)).__name__, sqlstate(error)
    logger.warning(
        "new values of %s can't be read, its queries are: %s, SQLSTATE %s", wanted.table, kind, state
    )


def look(engine: Engine, wanted: Lookup) -> Looked:
    """The rows as they are by now.

    :raises sqlalchemy.exc.SQLAlchemyError: when the database refuses or is away.
    """
    with engine.connect().execution_options(**READING) as connection:
        snapshot = connection.execute(text(_escaped(_BEGIN))).scalar_one()
        keys = json.dumps([dict(zip(wanted.key, key, strict=True)) for key in wanted.keys])
        rows = connection.execute(text(_statement(wanted)), {"keys": keys}).all()
    return Looked(Snapshot.parse(str(snapshot)), dict(_read(wanted, row) for row in rows))


def _statement(wanted: Lookup) -> str:
    # records of the table's own type: each key's text is read as what its column is
    selected = [f"t.{identifier(name)}::text" for name in wanted.key] + list(map(_value, wanted.columns))
    same = " AND ".join(f"t.{identifier(name)} = asked.{identifier(name)}" for name in wanted.key)
    asked = f"json_populate_recordset(NULL::{wanted.table}, CAST(%s AS json)) AS asked"
    sql = _escaped(f"SELECT {', '.join(selected)} FROM {asked} JOIN {wanted.table} AS t ON {same}")  # noqa: S608
    return sql.replace("CAST(%s AS json)", "CAST(:keys AS json)")


def _value(column: str) -> str:
    name = identifier(column)
    return f"CASE WHEN pg_column_size(t.{name}) > {LARGE} THEN NULL ELSE {as_carried('t', column)} END"


def _escaped(sql: str) -> str:
    """Nothing in it is the name of a value."""
    return sql.replace(":", r"\:")


def _read(wanted: Lookup, row: Any) -> tuple[Key, dict[str, Any]]:
    width = len(wanted.key)
    return tuple(row[:width]), dict(_values(wanted.columns, row[width:]))


def _values(columns: tuple[str, ...], texts: Any) -> Iterator[tuple[str, Any]]:
    for column, told in zip(columns, texts, strict=True):
        if told is not None:
            yield column, json.loads(told)
