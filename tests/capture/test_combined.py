"""Statements within statements: several writes in one, foreign keys, other people's triggers."""

from typing import Any

import pytest
from sqlalchemy import Column, Computed, Integer, MetaData, Table, Text, text


@pytest.fixture
def items(database: Any, metadata: MetaData) -> Table:
    """Three rows."""
    table = Table(
        "items", metadata,
        Column("id", Integer, primary_key=True), Column("a", Text), Column("b", Integer),
    )  # fmt: skip
    database.create(table)
    database.write("INSERT INTO items VALUES (1, 'x', 1), (2, 'y', 2), (3, 'z', 3)")
    database.ear.payloads()
    return table


def told(database: Any) -> list[tuple[Any, ...]]:
    """Table, operation, key and names of each change, sorted."""
    return sorted(
        (message["t"].removeprefix("public."), change["o"], *change.get("k", ()), *change.get("f", ()))
        for message in database.ear.messages()
        for change in message["c"]
    )


def run(database: Any, *statements: str) -> list[tuple[Any, ...]]:
    database.write(*statements)
    assert database.warnings == []
    return told(database)


def test_several_writes_in_one_statement(database: Any, items: Table) -> None:
    """A WITH that inserts twice, updates and deletes in the same table tells each row once."""
    assert run(
        database,
        "WITH one AS (INSERT INTO items VALUES (4) RETURNING id),"
        " two AS (UPDATE items SET b = 9 WHERE id = 1),"
        " three AS (DELETE FROM items WHERE id = 2) INSERT INTO items SELECT id + 1 FROM one",
    ) == [("items", "d", "2"), ("items", "i", "4"), ("items", "i", "5"), ("items", "u", "1", "b")]


def test_writes_of_two_tables_in_one_statement(database: Any, items: Table) -> None:
    """Rows moved from one table to another by one statement are told under each."""
    database.create(Table("old", MetaData(), Column("id", Integer, primary_key=True)))
    assert run(
        database, "WITH m AS (DELETE FROM items WHERE id < 3 RETURNING id) INSERT INTO old SELECT id FROM m"
    ) == [("items", "d", "1"), ("items", "d", "2"), ("old", "i", "1"), ("old", "i", "2")]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO items VALUES (1) ON CONFLICT (id) DO UPDATE SET b = 5 WHERE false",
        "INSERT INTO items VALUES (1) ON CONFLICT (id) DO UPDATE SET a = items.a",
        "MERGE INTO items USING (VALUES (1)) s(id) ON s.id = items.id WHEN MATCHED THEN DO NOTHING",
        "MERGE INTO items USING (SELECT 1 WHERE false) s(id) ON s.id = items.id WHEN MATCHED THEN DELETE",
        "WITH gone AS (DELETE FROM items WHERE false RETURNING id) INSERT INTO items SELECT id FROM gone",
        "UPDATE items SET id = id",
        "UPDATE items SET a = a, b = b * 1",
    ],
)
def test_silence(database: Any, items: Table, statement: str) -> None:
    """Arms that touch nothing, or change nothing, are not told."""
    assert run(database, statement) == []


FOREIGN_KEYS = [
    ("ON DELETE CASCADE", "DELETE FROM items WHERE id = 1", [("parts", "d", "1"), ("parts", "d", "3")]),
    (
        "ON DELETE SET NULL", "DELETE FROM items WHERE id = 1",
        [("parts", "u", "1", "item"), ("parts", "u", "3", "item")],
    ),
    (
        "ON DELETE SET DEFAULT", "DELETE FROM items WHERE id = 1",
        [("parts", "u", "1", "item"), ("parts", "u", "3", "item")],
    ),
    (
        "ON UPDATE CASCADE", "UPDATE items SET id = 9 WHERE id = 1",
        [("parts", "u", "1", "item"), ("parts", "u", "3", "item")],
    ),
    (
        "ON UPDATE SET NULL", "UPDATE items SET id = 9 WHERE id = 1",
        [("parts", "u", "1", "item"), ("parts", "u", "3", "item")],
    ),
    ("ON DELETE CASCADE", "DELETE FROM items WHERE id = 3", []),
]  # fmt: skip


@pytest.mark.parametrize(("action", "statement", "expected"), FOREIGN_KEYS)
def test_foreign_keys(
    database: Any, items: Table, action: str, statement: str, expected: list[tuple[str, ...]]
) -> None:
    """Whatever a foreign key does to the rows that refer is told; where it does nothing, nothing is."""
    parts = Table("parts", MetaData(), Column("id", Integer, primary_key=True), Column("item", Integer))
    database.create(parts)
    database.write(
        "ALTER TABLE parts ALTER COLUMN item SET DEFAULT 2",
        f"ALTER TABLE parts ADD FOREIGN KEY (item) REFERENCES items {action}",
        "INSERT INTO parts VALUES (1, 1), (2, 2), (3, 1)",
    )
    database.ear.payloads()

    assert [change for change in run(database, statement) if change[0] == "parts"] == expected


def test_tree(database: Any, metadata: MetaData) -> None:
    """A foreign key within a table takes whole branches along, each row once."""
    table = Table("tree", metadata, Column("id", Integer, primary_key=True), Column("above", Integer))
    database.create(table)
    database.write(
        "ALTER TABLE tree ADD FOREIGN KEY (above) REFERENCES tree ON DELETE CASCADE",
        "INSERT INTO tree VALUES (1, NULL), (2, 1), (3, 2), (4, 2), (5, NULL)",
    )
    database.ear.payloads()

    assert run(database, "DELETE FROM tree WHERE id = 1") == [("tree", "d", str(n)) for n in range(1, 5)]


OTHERS = {
    "changes the row": (
        "BEFORE UPDATE", "NEW.a := 'forced'; RETURN NEW;", "UPDATE items SET b = 7 WHERE id = 1",
        [("items", "u", "1", "a", "b")],
    ),
    "takes the change back": (
        "BEFORE UPDATE", "RETURN OLD;", "UPDATE items SET b = 7 WHERE id = 1", [],
    ),
    "suppresses the write": (
        "BEFORE DELETE", "RETURN NULL;", "DELETE FROM items WHERE id = 1", [],
    ),
    "deletes instead": (
        "AFTER UPDATE", "DELETE FROM items WHERE id = NEW.id; RETURN NULL;",
        "UPDATE items SET b = 7 WHERE id = 1",
        [("items", "d", "1"), ("items", "u", "1", "b")],
    ),
    "writes another table": (
        "AFTER INSERT", "INSERT INTO log VALUES (NEW.id); RETURN NULL;", "INSERT INTO items VALUES (6), (7)",
        [("items", "i", "6"), ("items", "i", "7"), ("log", "i", "6"), ("log", "i", "7")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", OTHERS)
def test_triggers_of_others(database: Any, items: Table, what: str) -> None:
    """What a row trigger of somebody else makes of a write is what is told."""
    when, body, statement, expected = OTHERS[what]
    database.create(Table("log", MetaData(), Column("id", Integer, primary_key=True)))
    database.write(
        f"CREATE FUNCTION other() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {body} END$$",
        f"CREATE TRIGGER other {when} ON items FOR EACH ROW EXECUTE FUNCTION other()",
    )
    assert run(database, statement) == expected


def test_statement_trigger_of_others(database: Any, items: Table) -> None:
    """A statement trigger that writes the same table again, down to a few levels, is told at each."""
    database.write(
        "CREATE FUNCTION again() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN IF pg_trigger_depth() < 4 THEN"
        " INSERT INTO items SELECT max(id) + 1 FROM items; END IF; RETURN NULL; END$$",
        "CREATE TRIGGER again AFTER INSERT ON items FOR EACH STATEMENT EXECUTE FUNCTION again()",
    )
    assert run(database, "INSERT INTO items VALUES (10)") == [("items", "i", str(n)) for n in range(10, 14)]


@pytest.mark.parametrize(
    "size", ["repeat('y', 100000)", "(SELECT string_agg(md5(n::text), '') FROM generate_series(1, 4000) n)"]
)
def test_toasted(database: Any, items: Table, size: str) -> None:
    """Values stored compressed or apart are told when they change, and not when they don't."""
    assert run(database, f"UPDATE items SET a = {size}") == [("items", "u", str(n), "a") for n in (1, 2, 3)]
    assert run(database, f"UPDATE items SET a = {size}") == []
    assert run(database, "UPDATE items SET a = a || '', b = 0") == [
        ("items", "u", str(n), "b") for n in (1, 2, 3)
    ]
    assert run(database, "UPDATE items SET a = left(a, -1) || '!' WHERE id = 2") == [("items", "u", "2", "a")]
    assert run(database, "DELETE FROM items WHERE id = 2") == [("items", "d", "2")]


def test_generated_from_what_is_hidden(database: Any, metadata: MetaData) -> None:
    """A stored column is told when it changes, though what it is computed from is excluded."""
    table = Table(
        "sums", metadata, Column("id", Integer, primary_key=True), Column("hidden", Integer),
        Column("twice", Integer, Computed("hidden * 2", persisted=True)),
    )  # fmt: skip
    database.create(table, exclude=["hidden"])

    assert run(database, "INSERT INTO sums (id, hidden) VALUES (1, 2)", "UPDATE sums SET hidden = 3") == [
        ("sums", "i", "1"), ("sums", "u", "1", "twice"),
    ]  # fmt: skip


def virtual(database: Any, options: dict[str, Any]) -> None:
    """A table whose last column PostgreSQL computes when it is read, where that can be."""
    with database.engine.connect() as connection:
        if int(connection.execute(text("SHOW server_version_num")).scalar_one()) < 180000:
            pytest.skip("virtual generated columns came with PostgreSQL 18")
    columns = [Column("n", Integer), Column("twice", Integer, Computed("n * 2", persisted=False))]
    table = Table("sums", MetaData(), Column("id", Integer, primary_key=True), *columns)
    database.create(table, **options)


@pytest.mark.superuser
@pytest.mark.parametrize("exclude", [[], ["n"]])
@pytest.mark.parametrize("session", ["origin", "replica"])
def test_virtual_columns(database: Any, exclude: list[str], session: str) -> None:
    """Whatever else is captured, a column that triggers can't see is told when its row changes, unwarned."""
    virtual(database, {"exclude": exclude, "always": True})
    playing = f"SET LOCAL session_replication_role = {session}"
    names = ["n", "twice"] if not exclude else ["twice"]
    run(database, playing, "INSERT INTO sums (id, n) VALUES (1, 2), (2, 2)")

    assert run(database, playing, "UPDATE sums SET n = 3 WHERE id = 1") == [("sums", "u", "1", *names)]
    assert run(database, playing, "UPDATE sums SET n = n + 1") == [
        ("sums", "u", "1", *names), ("sums", "u", "2", *names),
    ]  # fmt: skip
    assert run(database, playing, "UPDATE sums SET n = n") == []


@pytest.mark.parametrize("delivery", ["outbox"])
def test_virtual_values_stay(database: Any) -> None:
    """Of all values those that a trigger can't see are left out; the row's change names the column."""
    virtual(database, {"carry": "all"})

    assert database.run("INSERT INTO sums (id, n) VALUES (1, 2)", "UPDATE sums SET n = 3") == [
        {"o": "i", "k": ["1"], "w": {"n": [None, 2]}},
        {"o": "u", "k": ["1"], "f": ["n", "twice"], "w": {"n": [2, 3]}},
    ]
    assert database.warnings == []
