"""The table that every variant writes to, and the statements that write."""

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    DateTime,
    Engine,
    Identity,
    Integer,
    MetaData,
    Numeric,
    Table,
    Text,
    text,
)

NEW_IDS = 10_000_000  # single INSERTs number their rows from here, far from those of bulk statements

_BODY = "repeat('a sentence of a body, ', 6)"
_VALUES = f"""
    SELECT id, id % 997, 'title of ' || id, {_BODY}, 'open', id % 5, date '2024-01-01' + id % 365, false,
        id % 100 / 7.0, timestamptz '2024-01-01 00:00:00+00'
    FROM generate_series({{first}}, {{last}}) AS id"""

UPDATE_SET = "UPDATE items SET status = 'busy', priority = priority + 1, updated_at = clock_timestamp()"
UPDATE_ONE = f"""
\\set id random(1, :rows)
{UPDATE_SET} WHERE id = :id;
"""
INSERT_ONE = f"""
\\set owner random(1, 997)
INSERT INTO items (owner_id, title, body, status, priority, due, done, estimate, updated_at)
VALUES (:owner, 'title of one', {_BODY}, 'open', 1, '2024-01-01', false, 1.25, now());
"""
LOOP = f"""
DO $$ BEGIN FOR n IN 1..{{count}} LOOP {UPDATE_SET} WHERE id = n; END LOOP; END $$
"""


def items(metadata: MetaData) -> Table:
    """Ten columns of common types, about 250 bytes a row."""
    return Table(
        "items",
        metadata,
        Column("id", Integer, Identity(start=NEW_IDS), primary_key=True),
        Column("owner_id", Integer, nullable=False, index=True),
        Column("title", Text, nullable=False),
        Column("body", Text, nullable=False),
        Column("status", Text, nullable=False),
        Column("priority", Integer, nullable=False),
        Column("due", Date),
        Column("done", Boolean, nullable=False),
        Column("estimate", Numeric(8, 2)),
        Column("updated_at", DateTime(timezone=True), nullable=False),
    )


def fill(engine: Engine, rows: int) -> None:
    """Create ``items`` with ``rows`` rows, and ``seed`` with the same, for :func:`restore`."""
    metadata = MetaData()
    table = items(metadata)
    metadata.create_all(engine)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(insert_rows(1, rows)))
        connection.execute(text(f"CREATE TABLE seed AS SELECT * FROM {table.name}"))
        connection.execute(text("VACUUM (ANALYZE)"))


def insert_rows(first: int, last: int) -> str:
    """One INSERT of the rows with these ids."""
    return f"INSERT INTO items {_VALUES.format(first=first, last=last)}"


def copy_source(first: int, last: int) -> str:
    """A COPY that gives, as text, the rows with these ids; ``COPY items FROM STDIN`` takes them."""
    return f"COPY ({_VALUES.format(first=first, last=last)}) TO STDOUT"


def restore(fills: tuple[str, ...]) -> list[str]:
    """Bring ``items`` back to its seed, unseen by any trigger, and empty what triggers filled."""
    return [
        "SET session_replication_role = replica",
        f"TRUNCATE {', '.join(('items', *fills))}",
        "INSERT INTO items SELECT * FROM seed",
        "RESET session_replication_role",
        "VACUUM items",
    ]
