"""Nothing that goes wrong in capture can fail the write; what can't be said in full is said shorter."""

from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text
from sqlalchemy.types import NullType


@pytest.fixture
def items(database: Any, metadata: MetaData) -> Table:
    """One row; b is carried."""
    table = Table(
        "items", metadata,
        Column("id", Text, primary_key=True), Column("a", Text), Column("b", Text), Column("c", Integer),
    )  # fmt: skip
    database.create(table, carry=["b"])
    database.run("INSERT INTO items VALUES ('1', 'a', 'b', 1)")
    return table


def one(database: Any, statement: str) -> dict[str, Any]:
    (change,) = database.run(statement)
    return dict(change)


@pytest.mark.parametrize(
    "alteration",
    ["DROP COLUMN b", "RENAME COLUMN b TO z"],
)
def test_carried_column_gone(database: Any, items: Table, alteration: str) -> None:
    """Without its carried column a change goes out by its keys, since it was captured too."""
    database.write(f"ALTER TABLE items {alteration}")

    assert one(database, "UPDATE items SET a = 'x'") == {"o": "u", "k": ["1"]}
    assert [warning.split("announced ")[1].split("\n")[0].strip() for warning in database.warnings] == [
        "without values (SQLSTATE 42703)",
        "by its keys only (SQLSTATE 42703)",
    ]
    assert one(database, "INSERT INTO items (id) VALUES ('2')") == {"o": "i", "k": ["2"]}
    assert one(database, "DELETE FROM items WHERE id = '2'") == {"o": "d", "k": ["2"]}


@pytest.mark.parametrize("alteration", ["DROP COLUMN a", "RENAME COLUMN a TO z"])
def test_captured_column_gone(database: Any, items: Table, alteration: str) -> None:
    """Without a captured column updates go out by their keys; inserts and deletes are as before."""
    database.write(f"ALTER TABLE items {alteration}")

    assert one(database, "UPDATE items SET c = 2") == {"o": "u", "k": ["1"]}
    assert "public.items" in database.warnings[0] and "42703" in database.warnings[0]
    assert one(database, "INSERT INTO items (id) VALUES ('2')") == {
        "o": "i",
        "k": ["2"],
        "w": {"b": [None, None]},
    }


@pytest.mark.parametrize("alteration", ["DROP COLUMN id CASCADE", "RENAME COLUMN id TO z"])
def test_key_column_gone(database: Any, items: Table, alteration: str) -> None:
    """Without the key every change concerns the whole table."""
    database.write(f"ALTER TABLE items {alteration}")

    for statement in ("INSERT INTO items (a) VALUES ('y')", "UPDATE items SET c = 2", "DELETE FROM items"):
        filled = "(z)" if "RENAME" in alteration else "(a)"
        changes = database.run(statement.replace("(a)", filled))
        assert changes == [{"o": "b"}]
        assert 'as "read the table again"' in database.warnings[-1]


@pytest.mark.parametrize("sql_type", ["int USING length(a)", "json USING to_json(a)", "bytea USING a::bytea"])
def test_retyped_column(database: Any, items: Table, sql_type: str) -> None:
    """A column may change its type under the trigger, within a session that used it before."""
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE items SET a = 'y'")
        connection.exec_driver_sql(f"ALTER TABLE items ALTER COLUMN a TYPE {sql_type}")
        connection.exec_driver_sql("UPDATE items SET a = NULL")

    assert database.ear.changes()[-1] == {"o": "u", "k": ["1"], "f": ["a"], "w": {"b": ["b", "b"]}}


def test_columns_change_within_a_transaction(database: Any, items: Table) -> None:
    """DDL between two writes of a transaction breaks neither."""
    database.write(
        "UPDATE items SET a = 'p'",
        "ALTER TABLE items ADD COLUMN d int, DROP COLUMN c",
        "UPDATE items SET a = 'q'",
    )

    assert [change["o"] for change in database.ear.changes()] == ["u", "u"]


@pytest.mark.parametrize("delivery", ["notify"])
@pytest.mark.parametrize("letter", ["x", "é", "☃", "\\u0001"])
def test_large_values(database: Any, items: Table, letter: str) -> None:
    """Values that don't fit are left out, counted in bytes; the names of columns stay."""
    value = "chr(1)" if letter.startswith("\\") else f"'{letter}'"
    change = one(database, f"UPDATE items SET b = repeat({value}, 7950)")

    assert change == {"o": "u", "k": ["1"], "f": ["b"]}
    assert "in part (SQLSTATE 54000)" in database.warnings[0]


@pytest.mark.parametrize("delivery", ["notify"])
def test_values_that_just_fit(database: Any, items: Table) -> None:
    """Room is used up to the last bytes, and never passed."""
    sizes = []
    for length in range(7780, 7960):
        database.write(f"INSERT INTO items (id, b) VALUES ('{length}', repeat('é', {length // 2}))")
        (payload,) = database.ear.payloads()
        assert len(payload.encode()) <= 7999
        assert all("SQLSTATE 54000" in warning for warning in database.warnings)
        sizes.append((len(payload.encode()), '"w"' in payload))

    assert max(size for size, carried in sizes if carried) > 7950
    assert not sizes[-1][1]


@pytest.mark.parametrize("delivery", ["notify"])
@pytest.mark.parametrize("letter", ["x", "é"])
def test_large_key(database: Any, items: Table, letter: str) -> None:
    """A key that does not fit makes the change concern the whole table."""
    database.write("ALTER TABLE items DROP CONSTRAINT items_pkey")

    assert one(database, f"INSERT INTO items (id) VALUES (repeat('{letter}', 8000))") == {"o": "b"}


@pytest.mark.parametrize("delivery", ["notify"])
def test_large_neighbour(database: Any, items: Table) -> None:
    """A row that does not fit takes nothing from the others of its statement."""
    changes = database.run(
        "INSERT INTO items (id, b) VALUES ('2', 'small'), ('3', repeat('x', 9000)), ('4', 'small')"
    )

    assert [sorted(change) for change in changes] == [["k", "o", "w"], ["k", "o"], ["k", "o", "w"]]


@pytest.mark.parametrize("delivery", ["notify"])
def test_megabyte_of_json(database: Any, metadata: MetaData) -> None:
    """A megabyte of JSONB is announced by its column's name."""
    database.write("CREATE TABLE docs (id int PRIMARY KEY, body jsonb)")
    table = Table("docs", metadata, Column("id", Integer, primary_key=True), Column("body", Text))
    database.create(table, carry=["body"])
    database.run("INSERT INTO docs VALUES (1, '{}')")

    change = one(database, "UPDATE docs SET body = jsonb_build_object('x', repeat('y', 1000000))")

    assert change == {"o": "u", "k": ["1"], "f": ["body"]}


def test_values_that_cannot_be_said(database: Any, metadata: MetaData) -> None:
    """A value whose conversion fails costs the values, not the write."""
    database.write(
        "CREATE TYPE odd AS ENUM ('one')",
        "CREATE FUNCTION odd_json(odd) RETURNS json LANGUAGE plpgsql AS 'BEGIN RETURN 1 / 0; END'",
        "CREATE CAST (odd AS json) WITH FUNCTION odd_json(odd)",
        "CREATE TABLE odds (id int PRIMARY KEY, v odd)",
    )
    table = Table("odds", metadata, Column("id", Integer, primary_key=True), Column("v", NullType))
    database.create(table, carry=["v"])

    assert one(database, "INSERT INTO odds VALUES (1, 'one')") == {"o": "i", "k": ["1"]}
    assert "without values (SQLSTATE 22012)" in database.warnings[0]


@pytest.mark.parametrize("delivery", ["notify"])
def test_garbled_settings(database: Any, items: Table) -> None:
    """A setting of ours that somebody filled with rubbish costs detail, not the write."""
    database.write("SET LOCAL sa_notify.n = 'rubbish'", "UPDATE items SET a = 'x'")

    assert database.ear.changes() == [{"o": "b"}]


def test_types_and_columns_are_never_blocked(database: Any, items: Table) -> None:
    """No column is tied to a trigger: each can be dropped and retyped without CASCADE."""
    database.write(
        "ALTER TABLE items ALTER COLUMN b TYPE varchar(5), ALTER COLUMN id TYPE varchar(9)",
        "ALTER TABLE items DROP COLUMN a, DROP COLUMN b, DROP COLUMN c",
    )


def test_columns_named_as_variables(database: Any, metadata: MetaData) -> None:
    """Columns may be called what the function's own names are."""
    names = [
        "o",
        "n",
        "items",
        "item",
        "level",
        "row_limit",
        "relation",
        "muted",
        "number",
        "packed",
        "s",
        "k",
    ]
    table = Table("items", metadata, *[Column(name, Integer, primary_key=name == "k") for name in names])
    database.create(table, carry=["o", "n"])
    database.run("INSERT INTO items (k) VALUES (1)")
    change = one(database, "UPDATE items SET " + ", ".join(f"{name} = 1" for name in names))

    assert change["f"] == names[:-1] and change["w"] == {"o": [None, 1], "n": [None, 1]}
    assert database.warnings == []


@pytest.mark.superuser
def test_writers_need_no_rights(database: Any, items: Table) -> None:
    """A role that may only write the table writes it, and its changes are heard in full."""
    role = f"writer_{database.engine.url.database}"
    database.write(f"CREATE ROLE {role}", f"GRANT SELECT, UPDATE ON items TO {role}")
    try:
        changes = database.run(f"SET LOCAL ROLE {role}", "UPDATE items SET a = 'w'")
    finally:
        database.write(f"DROP OWNED BY {role}", f"DROP ROLE {role}")

    assert changes == [{"o": "u", "k": ["1"], "f": ["a"], "w": {"b": ["b", "b"]}}]
    assert database.warnings == []
