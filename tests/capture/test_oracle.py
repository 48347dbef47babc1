"""Random writes: who reads again what is announced has the table, and nothing is announced in vain."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from psycopg2 import IntegrityError, errors
from sqlalchemy import Column, Connection, ForeignKeyConstraint, Integer, MetaData, Table, Text, text
from sqlalchemy.exc import DBAPIError

from sa_notify import realtime
from tests.capture.conftest import Notices

LIMIT = 3
Rows = dict[tuple[str, ...], tuple[Any, ...]]

numbers = st.integers(0, 3)
words = st.sampled_from(["", "x", "é\"'\\", "7"])


def values(function: Callable[..., str]) -> Any:
    return st.builds(function, numbers, words, numbers, words)


STATEMENTS = st.one_of(
    values(lambda a, b, v, w: f"INSERT INTO t VALUES ({a}, {q(b)}, {v}, {q(w)})"),
    values(lambda a, b, v, w: f"INSERT INTO t VALUES ({a}, {q(b)}, {v}, {q(w)}), ({a}, {q(w)}, {v}, {q(b)})"),
    values(
        lambda a, b, v, w: f"INSERT INTO t VALUES ({a}, {q(b)}, {v}, {q(w)}) ON CONFLICT (a, b) DO NOTHING"
    ),
    values(
        lambda a, b, v, w: (
            f"INSERT INTO t VALUES ({a}, {q(b)}, {v}, {q(w)})"
            f" ON CONFLICT (a, b) DO UPDATE SET v = {v} WHERE t.w <> {q(w)}"
        )
    ),
    values(lambda a, b, v, w: f"UPDATE t SET v = {v}, w = {q(w)} WHERE a = {a} AND b = {q(b)}"),
    values(lambda a, b, v, w: f"UPDATE t SET v = v + {v} WHERE a >= {a}"),
    values(lambda a, b, v, w: f"UPDATE t SET a = {v}, w = {q(w)} WHERE a = {a} AND b = {q(b)}"),
    values(lambda a, b, v, w: f"UPDATE t SET a = a + 4 WHERE a > {a}"),
    values(lambda a, b, v, w: f"UPDATE t SET b = w, w = b WHERE v = {v}"),
    values(lambda a, b, v, w: f"DELETE FROM t WHERE a = {a} OR v = {v}"),
    values(lambda a, b, v, w: f"INSERT INTO child SELECT {a}, a, b, {v} FROM t WHERE w = {q(w)} LIMIT 1"),
    values(
        lambda a, b, v, w: (
            f"WITH gone AS (DELETE FROM t WHERE a = {a} RETURNING v) UPDATE t SET v = {v} WHERE b = {q(b)}"
        )
    ),
    values(
        lambda a, b, v, w: (
            f"MERGE INTO t USING (VALUES ({a}, {q(b)}), ({v}, {q(w)})) s(a, b) ON t.a = s.a AND t.b = s.b"
            f" WHEN MATCHED AND t.v > {v} THEN DELETE WHEN MATCHED THEN UPDATE SET v = {v}"
            " WHEN NOT MATCHED THEN INSERT VALUES (s.a, s.b, 0, 'm')"
        )
    ),
    values(
        lambda a, b, v, w: (
            f"INSERT INTO t SELECT i, {q(b)}, {v}, NULLIF({q(w)}, '') FROM generate_series(0, {a + 2}) i"
            " ON CONFLICT DO NOTHING"
        )
    ),
    values(lambda a, b, v, w: f"UPDATE t SET w = NULLIF({q(w)}, '') WHERE b = {q(b)} AND a < 3"),
    values(lambda a, b, v, w: f"UPDATE t SET v = {v % 2} WHERE a = {a}"),
    st.just("TRUNCATE t, child"),
)
START = """
INSERT INTO t SELECT a, b, a % 2, NULLIF(b, '') FROM generate_series(0, 2) a, unnest(ARRAY['', 'x']) b
"""
#: Statements, each kept or rolled back to a savepoint.
TRANSACTIONS = st.lists(st.tuples(STATEMENTS, st.booleans()), min_size=1, max_size=4)


def q(word: str) -> str:
    return "'" + word.replace("'", "''") + "'"


class Mirror:
    """A reader that holds two tables' rows and reads again what is announced."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.rows: dict[str, Rows] = {"t": {}, "child": {}}

    def read(self, table: str) -> Rows:
        """The whole table."""
        key = 2 if table == "t" else 1
        found = self._connection.execute(text(f"SELECT * FROM {table}"))
        return {tuple(str(value) for value in row[:key]): tuple(row) for row in found}

    def apply(self, table: str, change: dict[str, Any]) -> None:
        """Read what one change names."""
        now = self.read(table)
        if change["o"] in ("t", "b"):
            self.rows[table] = now
            return
        key = tuple(change["k"])
        self.rows[table].pop(key, None)
        if key in now:
            self.rows[table][key] = now[key]


@pytest.fixture
def tables(database: Any, metadata: MetaData) -> Any:
    """A table with a composite key, and one whose rows go with it."""
    child = Table(
        "child", metadata, Column("id", Integer, primary_key=True), Column("a", Integer), Column("b", Text),
        Column("v", Integer),
        ForeignKeyConstraint(["a", "b"], ["t.a", "t.b"], ondelete="CASCADE", onupdate="CASCADE"),
    )  # fmt: skip
    parent = Table(
        "t", metadata, Column("a", Integer, primary_key=True), Column("b", Text, primary_key=True),
        Column("v", Integer), Column("w", Text),
    )  # fmt: skip
    database.create(parent, bulk_limit=LIMIT)
    realtime(delivery=database.delivery, carry=(), bulk_limit=LIMIT)(child)
    metadata.create_all(database.engine)
    database.ear.attend()
    return database


def write(database: Any, statements: list[tuple[str, bool]]) -> int:
    """Run one transaction; how many of its statements stand."""
    standing, notices = 0, Notices()
    with database.engine.begin() as connection:
        connection.connection.dbapi_connection.notices = notices
        for statement, kept in statements:
            savepoint = connection.begin_nested()
            if not _taken(connection, statement):
                savepoint.rollback()
                continue
            savepoint.commit() if kept else savepoint.rollback()
            standing += kept
    assert not [notice for notice in notices.all if notice.startswith("WARNING")]
    return standing


def _taken(connection: Connection, statement: str) -> bool:
    """Whether PostgreSQL takes it: what it refuses is part of the game."""
    try:
        connection.exec_driver_sql(statement)
    except DBAPIError as error:
        if not isinstance(error.orig, IntegrityError | errors.CardinalityViolation):
            raise
        return False
    return True


def check_needed(before: Rows, after: Rows, changes: list[dict[str, Any]], columns: list[str]) -> None:
    """Of one statement exactly the rows and columns that differ are announced."""
    if any(change["o"] in ("t", "b") for change in changes):
        return
    differing = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    assert {tuple(change["k"]) for change in changes} == differing
    for change in changes:
        key = tuple(change["k"])
        expected = "i" if key not in before else "d" if key not in after else "u"
        assert change["o"] == expected
        if expected == "u":
            pairs = zip(columns, before[key], after[key], strict=True)
            assert change["f"] == [name for name, old, new in pairs if old != new]


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(TRANSACTIONS, min_size=1, max_size=5))
def test_a_reader_has_the_table(tables: Any, transactions: list[list[tuple[str, bool]]]) -> None:
    """After each transaction, reading what it announced is as good as reading everything."""
    tables.write("TRUNCATE t, child", START)
    tables.ear.messages()
    with tables.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        mirror = Mirror(connection)
        mirror.rows["t"] = mirror.read("t")
        for statements in transactions:
            before = {name: dict(rows) for name, rows in mirror.rows.items()}
            standing = write(tables, statements)
            heard: dict[str, list[dict[str, Any]]] = {"t": [], "child": []}
            for message in tables.ear.messages():
                name = message["t"].removeprefix("public.")
                heard[name] += message["c"]
                for change in message["c"]:
                    mirror.apply(name, change)
            for name, columns in (("t", ["a", "b", "v", "w"]), ("child", ["id", "a", "b", "v"])):
                assert mirror.rows[name] == mirror.read(name)
                if (
                    standing == 1
                    and not statements[0][0].startswith(("MERGE", "WITH"))
                    and len(statements) == 1
                ):
                    check_needed(before[name], mirror.rows[name], heard[name], columns)
