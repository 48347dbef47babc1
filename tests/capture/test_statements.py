"""Every way to change rows is announced, exactly."""

from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text, text

BULK = [{"o": "b"}]


def keys(changes: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    return sorted((change["o"], *change["k"]) for change in changes)


@pytest.fixture
def items(database: Any, metadata: MetaData) -> Table:
    """Three rows, limit 5."""
    table = Table(
        "items", metadata,
        Column("id", Integer, primary_key=True), Column("a", Text), Column("b", Integer),
    )  # fmt: skip
    database.create(table, bulk_limit=5)
    database.write("INSERT INTO items VALUES (1, 'x', 1), (2, 'y', 2), (3, 'z', 3)")
    database.ear.payloads()
    return table


def test_insert(database: Any, items: Table) -> None:
    """An INSERT announces each new key, without names of columns."""
    assert database.run("INSERT INTO items VALUES (4), (5)") == [
        {"o": "i", "k": ["4"]},
        {"o": "i", "k": ["5"]},
    ]


def test_update_names_what_changed(database: Any, items: Table) -> None:
    """An UPDATE announces, row by row, the columns whose values differ."""
    changes = database.run("UPDATE items SET a = 'x', b = b + CASE id WHEN 1 THEN 0 ELSE 1 END")

    expected = [
        {"o": "u", "k": ["2"], "f": ["a", "b"]},
        {"o": "u", "k": ["3"], "f": ["a", "b"]},
    ]
    assert sorted(changes, key=lambda change: change["k"]) == expected


def test_delete(database: Any, items: Table) -> None:
    """A DELETE announces the keys that are gone."""
    assert keys(database.run("DELETE FROM items WHERE id < 3")) == [("d", "1"), ("d", "2")]


def test_truncate(database: Any, items: Table) -> None:
    """A TRUNCATE concerns the whole table and has no key."""
    assert database.run("TRUNCATE items") == [{"o": "t"}]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE items SET a = 'n' WHERE id = 99",
        "DELETE FROM items WHERE id = 99",
        "INSERT INTO items SELECT 1 WHERE false",
        "INSERT INTO items VALUES (1) ON CONFLICT DO NOTHING",
        "UPDATE items SET a = a",
        "SELECT 1",
    ],
)
def test_silence(database: Any, items: Table, statement: str) -> None:
    """What changes nothing is not announced."""
    assert database.run(statement) == []


@pytest.mark.parametrize("delivery", ["notify"])
def test_silent_statement_assigns_no_number(database: Any, items: Table) -> None:
    """Numbers count messages, not statements."""
    database.write("UPDATE items SET a = a", "DELETE FROM items WHERE id = 1")

    assert [message["n"] for message in database.ear.messages()] == [1]


def test_changed_key_is_delete_and_insert(database: Any, items: Table) -> None:
    """A row under a new key is another row; a key that another row takes over is an update of it."""
    assert keys(database.run("UPDATE items SET id = 9 WHERE id = 3")) == [("d", "3"), ("i", "9")]


def test_swapped_keys_are_updates(database: Any, metadata: MetaData) -> None:
    """Two rows that swap their keys are two updates."""
    table = Table("pairs", metadata, Column("id", Integer, primary_key=True), Column("a", Text))
    database.create(table)
    database.write(
        "ALTER TABLE pairs DROP CONSTRAINT pairs_pkey, ADD PRIMARY KEY (id) DEFERRABLE INITIALLY DEFERRED",
        "INSERT INTO pairs VALUES (1, 'x'), (2, 'y')",
    )
    database.ear.payloads()

    changes = database.run("UPDATE pairs SET id = 3 - id")

    assert sorted(changes, key=lambda c: c["k"]) == [
        {"o": "u", "k": ["1"], "f": ["a"]},
        {"o": "u", "k": ["2"], "f": ["a"]},
    ]


def test_upsert(database: Any, items: Table) -> None:
    """Both arms of an upsert are announced, each with its own rows."""
    statement = "INSERT INTO items VALUES (1, 'u'), (7, 'n') ON CONFLICT (id) DO UPDATE SET a = excluded.a"

    assert keys(database.run(statement)) == [("i", "7"), ("u", "1")]


def test_merge(database: Any, items: Table) -> None:
    """All three arms of a MERGE are announced."""
    changes = database.run(
        "MERGE INTO items USING (VALUES (1), (2), (8)) AS s(id) ON s.id = items.id"
        " WHEN MATCHED AND s.id = 1 THEN DELETE WHEN MATCHED THEN UPDATE SET a = 'm'"
        " WHEN NOT MATCHED THEN INSERT VALUES (s.id)"
    )

    assert keys(changes) == [("d", "1"), ("i", "8"), ("u", "2")]


def test_copy(database: Any, items: Table) -> None:
    """COPY is announced as the inserts that it is."""
    import io

    with database.engine.begin() as connection:
        cursor = connection.connection.cursor()
        cursor.copy_expert("COPY items FROM STDIN", io.StringIO("11\tp\t1\n12\tq\t2\n"))

    assert keys(database.ear.changes()) == [("i", "11"), ("i", "12")]


def test_writable_cte(database: Any, items: Table) -> None:
    """Writes inside WITH are announced."""
    changes = database.run(
        "WITH gone AS (DELETE FROM items WHERE id = 1 RETURNING *)"
        " INSERT INTO items SELECT id + 20, a FROM gone"
    )

    assert keys(changes) == [("d", "1"), ("i", "21")]


def test_cascades(database: Any, items: Table, metadata: MetaData) -> None:
    """What foreign keys do to other rows is announced under their own table."""
    for name, action in (("gone", "CASCADE"), ("loose", "SET NULL")):
        table = Table(name, metadata, Column("id", Integer, primary_key=True), Column("item", Integer))
        database.create(table)
        database.write(
            f"ALTER TABLE {name} ADD FOREIGN KEY (item) REFERENCES items ON DELETE {action}",
            f"INSERT INTO {name} VALUES (1, 1), (2, 2), (3, 1)",
        )
    database.ear.payloads()
    database.write("DELETE FROM items WHERE id = 1")

    heard = {message["t"]: message["c"] for message in database.ear.messages()}
    assert keys(heard["public.items"]) == [("d", "1")]
    assert keys(heard["public.gone"]) == [("d", "1"), ("d", "3")]
    assert sorted(heard["public.loose"], key=lambda c: c["k"]) == [
        {"o": "u", "k": ["1"], "f": ["item"]},
        {"o": "u", "k": ["3"], "f": ["item"]},
    ]


@pytest.mark.parametrize(("rows", "bulk"), [(1, False), (5, False), (6, True), (5000, True)])
@pytest.mark.parametrize("kind", ["insert", "update", "delete"])
def test_bulk_limit(database: Any, items: Table, rows: int, bulk: bool, kind: str) -> None:
    """Up to the limit each row is announced, one row more is one notice, whatever the statement."""
    insert = f"INSERT INTO items SELECT n + 100, 'x', n FROM generate_series(1, {rows}) n"
    if kind != "insert":
        database.run(insert)
    statement = {
        "insert": insert,
        "update": "UPDATE items SET b = b + 1 WHERE id > 100",
        "delete": "DELETE FROM items WHERE id > 100",
    }[kind]

    changes = database.run(statement)

    assert (
        changes == BULK
        if bulk
        else keys(changes) == sorted((kind[0], str(n + 100)) for n in range(1, rows + 1))
    )


def test_changed_keys_up_to_the_limit(database: Any, items: Table) -> None:
    """The limit counts rows of the statement: five changed keys are ten changes, not a bulk notice."""
    database.run("INSERT INTO items VALUES (4), (5)")

    assert len(database.run("UPDATE items SET id = id + 10")) == 10


@pytest.mark.parametrize("delivery", ["notify"])
def test_transaction(database: Any, items: Table) -> None:
    """Messages of one transaction share its xid and are numbered; what was rolled back is unheard."""
    with database.engine.begin() as connection:
        connection.execute(text("INSERT INTO items VALUES (30)"))
        inner = connection.begin_nested()
        connection.execute(text("INSERT INTO items VALUES (31)"))
        inner.rollback()
        connection.execute(text("DELETE FROM items WHERE id = 30"))
        connection.execute(text("INSERT INTO items VALUES (30)"))
        xid = connection.execute(text("SELECT pg_current_xact_id()::text")).scalar()

    messages = database.ear.messages()
    assert [(message["v"], message["x"], message["n"]) for message in messages] == [
        (1, xid, 1), (1, xid, 2), (1, xid, 3),
    ]  # fmt: skip
    assert [message["c"][0]["o"] for message in messages] == ["i", "d", "i"]


@pytest.mark.parametrize("delivery", ["notify"])
def test_numbers_begin_again(database: Any, items: Table) -> None:
    """Each transaction counts from one, in a session that had others before."""
    numbers = []
    for n in (40, 41):
        database.write(f"INSERT INTO items VALUES ({n})")
        numbers += [message["n"] for message in database.ear.messages()]

    assert numbers == [1, 1]


def test_repeated_change_is_heard_each_time(database: Any, items: Table) -> None:
    """The same change twice in a transaction is two messages: PostgreSQL collapses only equal ones."""
    statements = ["UPDATE items SET b = b + 1 WHERE id = 1"] * 3

    assert len(database.run(*statements)) == 3


def test_muted(database: Any, items: Table) -> None:
    """While muted, each touched table is one notice however often it is written; zero rows are silent."""
    database.write(
        "SET LOCAL sa_notify.muted = 'on'",
        "INSERT INTO items VALUES (50)",
        "UPDATE items SET b = 9",
        "DELETE FROM items WHERE id = 50",
        "TRUNCATE items",
    )
    (message,) = database.ear.messages()
    assert message["c"] == BULK and "n" not in message

    assert database.run("SET LOCAL sa_notify.muted = 'on'", "DELETE FROM items WHERE id = 77") == []
    assert keys(database.run("INSERT INTO items VALUES (51)")) == [("i", "51")]


def test_nested_trigger_statements(database: Any, items: Table) -> None:
    """What another trigger writes is announced too."""
    database.write(
        "CREATE FUNCTION again() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN UPDATE items SET b = 100 WHERE id = NEW.id; RETURN NULL; END'",
        "CREATE TRIGGER again AFTER INSERT ON items FOR EACH ROW EXECUTE FUNCTION again()",
    )

    assert keys(database.run("INSERT INTO items VALUES (60, 'x', 1)")) == [("i", "60"), ("u", "60")]


def test_generic_plan_stays_fast(database: Any, metadata: MetaData) -> None:
    """A session's first single-row statement does not spoil the plan of a later one over many rows."""
    table = Table("many", metadata, Column("id", Integer, primary_key=True), Column("b", Integer))
    database.create(table, bulk_limit=20_000)
    with database.engine.connect() as connection:
        connection.execute(text("INSERT INTO many SELECT n, 0 FROM generate_series(1, 10000) n"))
        for _ in range(7):
            connection.execute(text("UPDATE many SET b = b + 1 WHERE id = 1"))
        connection.execute(text("SET LOCAL statement_timeout = '5s'"))
        connection.execute(text("UPDATE many SET b = b + 1"))
        connection.commit()

    assert len([c for c in database.ear.changes() if c["o"] == "u"]) == 10_007


@pytest.mark.parametrize("delivery", ["notify"])
def test_large_statement_is_packed(database: Any, metadata: MetaData) -> None:
    """Many rows share messages, none of which passes 7,999 bytes."""
    table = Table("many", metadata, Column("id", Integer, primary_key=True))
    database.create(table)
    database.write("INSERT INTO many SELECT n FROM generate_series(1, 1000) n")

    payloads = database.ear.payloads()

    assert len(payloads) <= 4
    assert max(len(payload.encode()) for payload in payloads) <= 7999
