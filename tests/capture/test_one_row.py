"""Statements of one row take a shorter way, and what sends them stands outside of what catches errors."""

from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text


@pytest.fixture
def items(database: Any, metadata: MetaData) -> Table:
    """Three rows, limit 2."""
    table = Table("items", metadata, Column("id", Integer, primary_key=True), Column("a", Text))
    database.create(table, bulk_limit=2)
    database.run("INSERT INTO items VALUES (1, 'x')", "INSERT INTO items VALUES (2, 'y')")
    return table


def by_key(changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(changes, key=lambda change: change.get("k", []))


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("UPDATE items SET a = 'z' WHERE id = 1", [{"o": "u", "k": ["1"], "f": ["a"]}]),
        ("UPDATE items SET a = a WHERE id = 1", []),
        ("UPDATE items SET id = 5 WHERE id = 1", [{"o": "d", "k": ["1"]}, {"o": "i", "k": ["5"]}]),
        # one of two rows keeps its key: pairs of one row with another must not count as one row
        (
            "UPDATE items SET id = id + (id / 2) * 7, a = 'z'",
            [{"o": "u", "k": ["1"], "f": ["a"]}, {"o": "d", "k": ["2"]}, {"o": "i", "k": ["9"]}],
        ),
        ("UPDATE items SET id = 3 - id", None),
        ("UPDATE items SET a = NULL", [{"o": "u", "k": [key], "f": ["a"]} for key in "12"]),
    ],
)
def test_keys_kept_and_changed(database: Any, items: Table, statement: str, expected: Any) -> None:
    """One row, or several of which some keep their keys, are told the same way."""
    database.write("ALTER TABLE items DROP CONSTRAINT items_pkey")
    if expected is None:
        expected = [{"o": "u", "k": [key], "f": ["a"]} for key in "12"]

    assert by_key(database.run(statement)) == by_key(expected)
    assert database.warnings == []


def test_key_without_value(database: Any, items: Table) -> None:
    """A key that lost its value is the whole table, in a statement of one row too."""
    database.write("ALTER TABLE items DROP CONSTRAINT items_pkey, ALTER COLUMN id DROP NOT NULL")

    assert by_key(database.run("UPDATE items SET id = NULL WHERE id = 1")) == [
        {"o": "b"},
        {"o": "d", "k": ["1"]},
    ]
    assert database.run("UPDATE items SET a = 'n' WHERE id IS NULL") == [{"o": "b"}, {"o": "b"}]


def test_limit(database: Any, items: Table) -> None:
    """The limit counts rows, not changes: a key that changes is two of them."""
    assert len(database.run("UPDATE items SET id = id + 10")) == 4
    assert len(database.run("INSERT INTO items VALUES (1), (2)")) == 2
    assert database.run("INSERT INTO items VALUES (3), (4), (5)") == [{"o": "b"}]
    assert database.run("DELETE FROM items") == [{"o": "b"}]


def test_largest_limit(database: Any, metadata: MetaData) -> None:
    """The largest integer is a limit too."""
    table = Table("items", metadata, Column("id", Integer, primary_key=True))
    database.create(table, bulk_limit=2**31 - 1)

    assert database.run("INSERT INTO items VALUES (1)") == [{"o": "i", "k": ["1"]}]
    assert database.warnings == []


def test_hundreds_of_columns(database: Any, metadata: MetaData) -> None:
    """More columns than a function takes arguments are compared."""
    names = [f"c{number}" for number in range(300)]
    table = Table(
        "wide", metadata, Column("id", Integer, primary_key=True), *[Column(name, Integer) for name in names]
    )
    database.create(table)

    changes = database.run("INSERT INTO wide (id) VALUES (1)", "UPDATE wide SET c0 = 1, c299 = 1")

    assert changes[1] == {"o": "u", "k": ["1"], "f": ["c0", "c299"]}
    assert database.warnings == []


@pytest.mark.superuser
@pytest.mark.parametrize("delivery", ["notify"])
@pytest.mark.parametrize("revoked", ["pg_notify(text, text)", "set_config(text, text, bool)"])
def test_rights_that_were_taken_away(database: Any, items: Table, revoked: str) -> None:
    """Where sending is forbidden, writing is not: a warning says that nobody is told."""
    role = f"quiet_{database.engine.url.database}"
    database.write(
        f"CREATE ROLE {role}",
        f"GRANT ALL ON items TO {role}",
        f"REVOKE EXECUTE ON FUNCTION {revoked} FROM PUBLIC",
    )
    try:
        changes = database.run(f"SET LOCAL ROLE {role}", "UPDATE items SET a = 'w' WHERE id = 1")
        warnings = database.warnings
    finally:
        database.write(
            f"GRANT EXECUTE ON FUNCTION {revoked} TO PUBLIC", f"DROP OWNED BY {role}", f"DROP ROLE {role}"
        )

    assert changes == ([] if revoked.startswith("pg_notify") else [{"o": "b"}])
    assert "42501" in warnings[-1]


@pytest.mark.parametrize("number", ["9223372036854775807", "9223372036854775806", "-1", "1e3", " 7 "])
def test_odd_numbers(database: Any, items: Table, number: str) -> None:
    """A number of messages that somebody tampered with costs detail at most."""
    database.write(f"SET LOCAL sa_notify.n = '{number}'", "UPDATE items SET a = 'x'", "DELETE FROM items")

    assert database.ear.changes()


@pytest.mark.parametrize("delivery", ["notify"])
def test_failure_after_several_messages(database: Any, metadata: MetaData) -> None:
    """What was prepared before a failure is not sent after it."""
    table = Table("many", metadata, Column("id", Integer, primary_key=True))
    database.create(table)
    database.write(
        "SET LOCAL sa_notify.n = '9223372036854775806'", "INSERT INTO many SELECT generate_series(1, 900)"
    )

    assert database.ear.changes() == [{"o": "b"}]


def test_plans_are_not_compiled(database: Any, items: Table) -> None:
    """A session whose first statement has many rows compiles nothing, and joins by hashing."""
    with database.engine.connect() as connection:
        (settings,) = connection.exec_driver_sql(
            "SELECT proconfig FROM pg_proc WHERE starts_with(proname, 'sa_notify_')"
        ).one()

    assert {"jit=off", "enable_mergejoin=off"} <= set(settings)
