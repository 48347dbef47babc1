"""Who migrates or looks runs nothing that a writer has put where ``search_path`` leads."""

import itertools
import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection

from sa_notify.capture.catalog import existing, installed
from sa_notify.capture.coverage import coverage
from sa_notify.capture.ddl import Target, install, remove
from sa_notify.capture.outbox import create_outbox, drop_outbox, outbox_state
from sa_notify.capture.spec import TriggerParams
from sa_notify.capture.template import catalog_sql

FILES = ["installed", "existing", "coverage", "outbox", "install"]
TYPES = ["name", "text", '"char"', "oid", "regclass", "regprocedure", "regnamespace", "int2", "int4", "int8"]
TYPES += ["bool", "float4", "oid[]", "text[]", "json", "int2vector"]
OPERATORS = ["=", "<>", "||", "<", ">", "^@", "<=", ">=", "+", "-"]
KEYWORDS = {"count"} | {
    "array",
    "exists",
    "coalesce",
    "values",
    "cast",
    "any",
    "in",
    "and",
    "or",
    "not",
    "on",
}
#: More arguments than two: of the functions that take them.
LONG = ["text, text, int4", "text, text, text", "name, text, int4", "text, name, text, regclass"]


def overloads(names: list[str]) -> Iterator[tuple[str, str]]:
    """Functions by name and arguments that fit better than PostgreSQL's own wherever those need a cast."""
    signatures = [*TYPES, *map(", ".join, itertools.product(TYPES, repeat=2)), *LONG]
    return itertools.product(names, signatures)


def deceit(connection: Connection, names: list[str]) -> None:
    """Make them all, as whoever the connection is."""
    statements = [
        f"CREATE FUNCTION public.{name}({arguments}) RETURNS bool LANGUAGE plpgsql AS"
        " $$BEGIN RAISE EXCEPTION 'deceived'; END$$"
        for name, arguments in overloads(names)
    ]
    for n, (name, left, right) in enumerate(itertools.product(OPERATORS, TYPES, TYPES)):
        statements.append(
            f"CREATE FUNCTION public.deceit{n}({left}, {right}) RETURNS bool LANGUAGE plpgsql AS"
            f" $$BEGIN RAISE EXCEPTION 'deceived by % % %', {left!r}, '{name}', {right!r}; END$$;"
            f" CREATE OPERATOR public.{name}"
            f" (LEFTARG = {left}, RIGHTARG = {right}, FUNCTION = public.deceit{n})"
        )
    connection.exec_driver_sql(";\n".join(statements).replace("%", "%%"))


@pytest.fixture
def names() -> list[str]:
    """Functions that our statements call."""
    words = {word for file in FILES for word in re.findall(r"\b([a-z_0-9]+)\(", catalog_sql(file))}
    assert {"starts_with", "concat", "to_regclass", "acldefault", "array_append"} <= words
    return sorted(words - KEYWORDS)


TARGETS = [Target(None, "items"), Target("public", "p"), Target("public", "h")]


def migrate(connection: Connection, delivery: str) -> None:
    """Install, look, mend, look, remove."""
    plain = TriggerParams(key=("id",), columns=("a",), delivery=delivery)
    always = TriggerParams(key=("id",), columns=(), delivery=delivery, always=True)
    for params in (plain, always, plain):
        for target in TARGETS:
            run(connection, install(target, params))
        found = installed(connection)
        assert [
            item.drift(target, params) for item in found for target in TARGETS if item.table == target.table
        ] == [()] * 3
    connection.exec_driver_sql(
        "DROP TRIGGER _sa_notify_upd ON p1; ALTER TABLE items DISABLE TRIGGER _sa_notify_ins"
    )
    for target in TARGETS:
        run(connection, install(target, plain))
    assert existing(connection, TARGETS) == TARGETS
    assert len(coverage(connection, [(None, "items"), ("public", "p"), ("public", "h1")])) == 3
    assert (outbox_state(connection) is not None) == (delivery == "outbox")
    connection.exec_driver_sql("ALTER TABLE h RENAME TO g")
    run(connection, install(Target("public", "g"), plain))
    for target in (*TARGETS[:2], Target("public", "g")):
        run(connection, remove(target))
    assert installed(connection) == []
    if delivery == "outbox":
        run(connection, drop_outbox())


def run(connection: Connection, statements: Any) -> None:
    for statement in statements:
        connection.execute(statement)


def test_overloads(database: Any, names: list[str]) -> None:
    """Nothing of it runs: not while triggers are installed, looked at, mended and removed."""
    database.write(
        "CREATE TABLE items (id int PRIMARY KEY, a text)",
        "CREATE TABLE p (id int PRIMARY KEY, a text) PARTITION BY RANGE (id)",
        "CREATE TABLE p1 PARTITION OF p DEFAULT",
        "CREATE TABLE h (id int PRIMARY KEY, a text)",
        "CREATE TABLE h1 () INHERITS (h)",
    )
    with database.engine.begin() as connection:
        if database.delivery == "outbox":
            run(connection, create_outbox())
        deceit(connection, names)
        migrate(connection, database.delivery)
