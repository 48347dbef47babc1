"""Statements of every size, under the limit that nobody chose: row by row up to 1,000, one notice beyond."""

import io
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text

BULK = [{"o": "b"}]
COUNTS = [1, 999, 1_000, 1_001, 100_000]


@pytest.fixture
def items(database: Any, metadata: MetaData) -> Table:
    """Empty, with what the delivery carries by default."""
    table = Table("items", metadata, Column("id", Integer, primary_key=True), Column("a", Text))
    made: Table = database.create(table, carry="all" if database.delivery == "outbox" else ())
    return made


def filled(database: Any, rows: int) -> None:
    database.write("SET LOCAL sa_notify.muted = 'on'", insert(rows))
    database.ear.payloads()


def insert(rows: int) -> str:
    return f"INSERT INTO items SELECT n, 'x' FROM generate_series(1, {rows}) n"


def expect(changes: list[dict[str, Any]], rows: int, op: str) -> None:
    if rows > 1000:
        assert changes == BULK
    else:
        assert sorted((change["o"], int(*change["k"])) for change in changes) == [
            (op, n + 1) for n in range(rows)
        ]


@pytest.mark.parametrize("rows", COUNTS)
def test_insert(database: Any, items: Table, rows: int) -> None:
    """INSERT."""
    expect(database.run(insert(rows)), rows, "i")
    assert database.warnings == []


@pytest.mark.parametrize("rows", COUNTS)
def test_copy(database: Any, items: Table, rows: int) -> None:
    """COPY, which writes in batches and is one statement."""
    with database.engine.begin() as connection:
        cursor = connection.connection.cursor()
        cursor.copy_expert(
            "COPY items FROM STDIN", io.StringIO("".join(f"{n + 1}\tx\n" for n in range(rows)))
        )

    expect(database.ear.changes(), rows, "i")


@pytest.mark.parametrize("rows", COUNTS)
@pytest.mark.parametrize(
    ("statement", "op"),
    [
        ("UPDATE items SET a = 'y'", "u"),
        ("DELETE FROM items", "d"),
        ("INSERT INTO items SELECT id, 'z' FROM items ON CONFLICT (id) DO UPDATE SET a = excluded.a", "u"),
        ("MERGE INTO items USING items s ON s.id = items.id WHEN MATCHED THEN UPDATE SET a = 'm'", "u"),
        ("WITH gone AS (DELETE FROM items RETURNING id) SELECT count(*) FROM gone", "d"),
    ],
)
def test_rows_that_stood(database: Any, items: Table, rows: int, statement: str, op: str) -> None:
    """UPDATE, DELETE, the second arm of an upsert, MERGE and a writable CTE."""
    filled(database, rows)

    expect(database.run(statement), rows, op)
    assert database.warnings == []


@pytest.mark.parametrize("rows", COUNTS)
def test_cascade(database: Any, items: Table, rows: int, metadata: MetaData) -> None:
    """What one row takes along counts for the table that it was in."""
    filled(database, 1)
    parts = Table("parts", MetaData(), Column("id", Integer, primary_key=True), Column("item", Integer))
    database.create(parts)
    database.write(
        "SET LOCAL sa_notify.muted = 'on'",
        "ALTER TABLE parts ADD FOREIGN KEY (item) REFERENCES items ON DELETE CASCADE",
        f"INSERT INTO parts SELECT n, 1 FROM generate_series(1, {rows}) n",
    )
    database.ear.payloads()
    database.write("DELETE FROM items")

    heard: dict[str, list[Any]] = {}
    for message in database.ear.messages():
        heard.setdefault(message["t"], []).extend(message["c"])
    assert [change["o"] for change in heard["public.items"]] == ["d"]
    expect(heard["public.parts"], rows, "d")
