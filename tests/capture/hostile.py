"""A writer who means harm: may create what it likes in ``public`` and ``pg_temp``, and set what it likes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Column, Connection, Integer, MetaData, Table, create_engine
from sqlalchemy.types import NullType

from tests.capture.conftest import Notices

#: column: its type, and a value that reads the same under any setting
COLUMNS = {
    "a": ("text", r"""E'\u00e9"'"""),
    "at": ("timestamptz", "'2026-01-31 12:00:00.5+02'"),
    "dur": ("interval", "'1 mon 2 days'"),
    "raw": ("bytea", r"E'\\x00ff'"),
    "f": ("float8", "0.1"),
    "num": ("numeric", "1.50"),
    "doc": ("jsonb", "'[1.50]'"),
    "nums": ("int4[]", "'{1,2}'"),
    "span": ("tstzrange", "'[2026-01-01 00:00+00,)'"),
    "day": ("date", "'2026-01-31'"),
    "big": ("int8", "9007199254740993"),
    "yes": ("bool", "true"),
}
_NAMES = ", ".join(COLUMNS)
_VALUES = ", ".join(value for _, value in COLUMNS.values())
_NULLS = ", ".join(f"{name} = NULL" for name in COLUMNS)
_EQ = "OPERATOR(pg_catalog.=)"

#: Every kind of write; names and operators say where they are, so that nothing but ours is deceived.
WRITES = [
    f"INSERT INTO public.{{table}} (id, {_NAMES}) VALUES (1, {_VALUES})",
    "INSERT INTO public.{table} (id) VALUES (2), (3)",
    f"UPDATE public.{{table}} SET {_NULLS} WHERE id {_EQ} 1",
    "UPDATE public.{table} SET a = 'same'",
    f"UPDATE public.{{table}} SET id = 9 WHERE id {_EQ} 3",
    "INSERT INTO public.{table} (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET big = 5",
    "INSERT INTO public.{table} (id) VALUES (11), (12), (13), (14), (15), (16)",
    f"DELETE FROM public.{{table}} WHERE id {_EQ} 2",
    "DELETE FROM public.{table} WHERE id OPERATOR(pg_catalog.<) 11",
    "TRUNCATE public.{table}",
]
#: What of it is announced, message by message.
OPERATIONS = ["i", "ii", "u", "uuu", "di", "u", "b", "d", "dd", "t"]


def target(database: Any) -> None:
    """Make ``items``, which is announced with all values, and ``plain`` like it, which is not."""
    columns = ", ".join(f"{name} {sql_type}" for name, (sql_type, _) in COLUMNS.items())
    for name in ("items", "plain"):
        database.write(f"CREATE TABLE {name} (id int PRIMARY KEY, {columns})")
    declared: list[Column[Any]] = [Column(name, NullType) for name in COLUMNS]
    table = Table("items", MetaData(), Column("id", Integer, primary_key=True), *declared)
    database.create(table, carry=[*COLUMNS], bulk_limit=5)
    database.write(f"GRANT CREATE ON SCHEMA public TO {database.roles.writer}")
    database.ear.payloads()


@contextmanager
def intruder(database: Any) -> Iterator[Connection]:
    """A connection of the writer's own."""
    engine = create_engine(database.roles.url(database.roles.writer))
    with engine.connect() as connection:
        yield connection
        connection.rollback()
    engine.dispose()


def write(connection: Connection, table: str = "items") -> list[str]:
    """Run all the writes, without ending the transaction; the warnings."""
    driver = connection.connection.dbapi_connection
    assert driver is not None
    driver.notices = kept = Notices()
    for statement in WRITES:
        connection.exec_driver_sql(statement.replace("{table}", table))
    return [notice for notice in kept.all if notice.startswith("WARNING")]


def heard(database: Any) -> list[tuple[str, list[Any]]]:
    """What was announced: each message's table, and its changes in an order that no plan decides."""
    return [(message["t"], sorted(message["c"], key=str)) for message in database.ear.messages()]


def operations(messages: list[tuple[str, list[Any]]]) -> list[str]:
    """The kinds of changes of each message."""
    return ["".join(change["o"] for change in changes) for _, changes in messages]
