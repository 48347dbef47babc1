"""Delivery by the outbox: what its rows are, who may see them, and what becomes of the write without it."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import JSON, Column, Integer, MetaData, Table, Text, text

DOORBELL = 8314047775763333121
BULK = [{"o": "b"}]
ALL_SLOTS = " UNION ALL ".join(f"SELECT * FROM sa_notify.outbox_{n}" for n in range(4))

pytestmark = pytest.mark.parametrize("delivery", ["outbox"])


@pytest.fixture
def items(database: Any, metadata: MetaData) -> Table:
    """Three rows with all values, limit 5."""
    table = Table(
        "items", metadata, Column("id", Integer, primary_key=True), Column("a", Text), Column("j", JSON)
    )
    database.create(table, carry="all", bulk_limit=5)
    database.write("INSERT INTO items VALUES (1, 'x'), (2, 'y'), (3, 'z')")
    database.ear.payloads()
    return table


@pytest.fixture
def stranger(database: Any, items: Table) -> Iterator[str]:
    """A role that may write the table and nothing else."""
    role = f"stranger_{database.engine.url.database}"
    database.write(
        f"CREATE ROLE {role}", f"GRANT ALL ON items TO {role}", f"GRANT CREATE ON SCHEMA public TO {role}"
    )
    yield role
    database.write(f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def rows(database: Any) -> list[Any]:
    with database.engine.connect() as connection:
        return list(connection.execute(text(f"{ALL_SLOTS} ORDER BY seq")))


def shut(database: Any) -> None:
    """Nobody wants any table any more."""
    database.ear.attend = lambda: None
    database.ear._cursor.execute("SELECT pg_advisory_unlock_all()")


def test_values(database: Any, items: Table) -> None:
    """Old and new values travel, an unchanged one once, those of large types not."""
    database.write(
        "INSERT INTO items VALUES (4, 'n', '{}')", "UPDATE items SET a = 'm', j = '[]' WHERE id = 4",
        "UPDATE items SET j = '{}' WHERE id = 4", "DELETE FROM items WHERE id = 4",
    )  # fmt: skip

    assert [row.body for row in rows(database)] == [
        '{"o":"i","k":["4"],"w":{"a":[null,"n"]}}',
        '{"o":"u","k":["4"],"f":["a","j"],"w":{"a":["n","m"]}}',
        '{"o":"u","k":["4"],"f":["j"],"w":{"a":["m"]}}',
        '{"o":"d","k":["4"],"w":{"a":["m",null]}}',
    ]


@pytest.mark.parametrize(("size", "there"), [(1900, True), (2100, False), (1_000_000, False)])
def test_large_values(database: Any, items: Table, size: int, there: bool) -> None:
    """A value of more than 2,000 bytes is left out of its row, and only of that."""
    noise = f"(SELECT string_agg(md5(n::text), '') FROM generate_series(1, {size} / 32) n)"
    database.write(f"UPDATE items SET a = {noise} WHERE id = 1", "UPDATE items SET a = 'w' WHERE id = 2")

    first, second = database.ear.changes()
    assert first["f"] == ["a"] and ("a" in first["w"]) is there
    assert second["w"] == {"a": ["y", "w"]}
    assert database.warnings == []


def test_transaction(database: Any, items: Table) -> None:
    """Rows tell their transaction and their order; what was rolled back is not there."""
    with database.engine.begin() as connection:
        connection.execute(text("INSERT INTO items VALUES (30)"))
        inner = connection.begin_nested()
        connection.execute(text("INSERT INTO items VALUES (31)"))
        inner.rollback()
        connection.execute(text("DELETE FROM items WHERE id = 30"))
        xid = connection.execute(text("SELECT pg_current_xact_id()::text")).scalar()

    found = rows(database)
    assert [row.xid for row in found] == [xid, xid] and found[0].seq < found[1].seq
    assert [row.body[:11] for row in found] == ['{"o":"i","k', '{"o":"d","k']
    assert {(row.relation, row.depth) for row in found} == {("public.items", 1)}


def test_no_subtransaction_writes(database: Any, items: Table) -> None:
    """Capture uses no transaction ids: more than 64 in a transaction would slow every other session."""
    database.write(*[f"INSERT INTO items VALUES ({number})" for number in range(100, 200)])

    with database.engine.connect() as connection:
        ids = connection.execute(text("SELECT DISTINCT xmin::text FROM sa_notify.outbox_0")).all()
    assert len(ids) == 1


def test_packing(database: Any, metadata: MetaData) -> None:
    """Rows of a statement share rows of about 8,000 bytes, in order and whole."""
    table = Table("many", metadata, Column("id", Integer, primary_key=True), Column("a", Text))
    database.create(table, carry="all")
    database.write("INSERT INTO many SELECT n, repeat('é', n / 20) FROM generate_series(1, 1000) n")

    sizes = [len(row.body.encode()) for row in rows(database)]
    assert 7000 < sum(sizes) / len(sizes) < 8000 and max(sizes) < 12_000
    assert [change["k"] for change in database.ear.changes()] == [[str(n)] for n in range(1, 1001)]


def test_rows_that_did_not_change_are_no_hole(database: Any, metadata: MetaData) -> None:
    """A long statement whose rows are partly as they were before is told, and does not fail."""
    table = Table("many", metadata, Column("id", Integer, primary_key=True), Column("a", Text))
    database.create(table, carry="all")
    database.write("INSERT INTO many SELECT n, 'b' FROM generate_series(1, 900) n")
    database.write("UPDATE many SET a = repeat('é', 90) WHERE id > 450")
    database.ear.changes()
    before = len(rows(database))
    database.write("UPDATE many SET a = repeat('é', 90)")

    sizes = [len(row.body.encode()) for row in rows(database)[before:]]
    assert 7000 < sum(sizes[:-1]) / len(sizes[:-1]) < 8000
    assert [change["k"] for change in database.ear.changes()] == [[str(n)] for n in range(1, 451)]


def test_one_notice_for_a_table(database: Any, items: Table) -> None:
    """Whatever a transaction changes past the limit or muted is one row, which a savepoint takes back."""
    many = "INSERT INTO items SELECT nextval('numbers')::int FROM generate_series(1, 6)"
    database.write("CREATE SEQUENCE numbers START 100")

    assert database.run(many, many, "SET LOCAL sa_notify.muted = 'on'", "UPDATE items SET a = 'm'") == BULK
    undone = ["SAVEPOINT s", many, "ROLLBACK TO s"]
    assert database.run(*undone, many, "UPDATE items SET a = 'o' WHERE id = 1")[:1] == BULK
    assert database.run("SET LOCAL sa_notify.muted = 'on'", "UPDATE items SET a = '1'") == BULK


def test_serializable_writers_do_not_fail_for_each_other(database: Any, items: Table) -> None:
    """Two that write much, each to a table of its own, have nothing to do with each other."""
    database.create(Table("others", MetaData(), Column("id", Integer, primary_key=True)), bulk_limit=5)
    engine = database.engine.execution_options(isolation_level="SERIALIZABLE")
    with engine.connect() as first, engine.connect() as second:
        for rows in (6, 1):
            for connection, table in ((first, "items"), (second, "others")):
                connection.exec_driver_sql(
                    f"INSERT INTO {table} (id) SELECT 10 * {rows} + n FROM generate_series(1, {rows}) n"
                )
        first.commit()
        second.commit()

    heard = [(message["t"], message["c"][0]["o"]) for message in database.ear.messages()]
    assert sorted(heard) == [
        ("public.items", "b"), ("public.items", "i"), ("public.others", "b"), ("public.others", "i"),
    ]  # fmt: skip


@pytest.mark.superuser
def test_settings_hide_nothing(database: Any, items: Table, stranger: str) -> None:
    """What a writer sets, names or makes for itself does not keep its changes from being told."""
    told = "set_config('sa_notify.told', concat(',', (SELECT 'items'::regclass::oid), ','), true)"
    gate = "pg_try_advisory_xact_lock_shared(bigint) RETURNS bool LANGUAGE sql AS 'SELECT true'"
    changes = database.run(
        f"SET LOCAL ROLE {stranger}",
        f"SELECT {told}, set_config('sa_notify.n', '99', true)",
        "CREATE TEMP TABLE outbox_0 (seq bigint, xid xid8, depth smallint, relation text, body text)",
        f"CREATE FUNCTION pg_temp.{gate}",
        f"CREATE FUNCTION public.{gate}",
        "SET LOCAL search_path = public, pg_temp, sa_notify, pg_catalog",
        "UPDATE items SET a = 'h' WHERE id = 1",
        "INSERT INTO items SELECT generate_series(50, 60)",
    )  # fmt: skip

    assert [change["o"] for change in changes] == ["u", "b"]
    assert database.warnings == []


@pytest.mark.superuser
@pytest.mark.parametrize(
    "attempt",
    [
        "SELECT FROM sa_notify.outbox_0",
        "INSERT INTO sa_notify.outbox_0 (depth, relation, body) VALUES (1, 'x', 'y')",
        "TRUNCATE sa_notify.outbox_0",
        "SELECT nextval('sa_notify.outbox_turn')",
        "SELECT setval('sa_notify.outbox_turn', 1)",
        (
            "CREATE TRIGGER _sa_notify_ins AFTER INSERT ON own REFERENCING NEW TABLE AS _sa_notify_new"
            " FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
        ),
    ],
)
def test_strangers_stay_out(database: Any, items: Table, stranger: str, attempt: str) -> None:
    """Other roles can't read, forge or steer the outbox, nor run its function on tables of their own."""
    with database.engine.connect() as connection:
        function = connection.execute(
            text("SELECT proname FROM pg_proc WHERE proname ^@ 'sa_notify_'")
        ).scalar()
        connection.execute(text(f"SET LOCAL ROLE {stranger}"))
        connection.execute(text("CREATE TABLE own (id int)"))
        with pytest.raises(Exception, match="permission denied"):
            connection.execute(text(attempt.replace("{function}", function)))


def test_doorbell(database: Any, items: Table) -> None:
    """A writer rings only while the reader sleeps; payloads are empty, so nothing leaks or piles up."""
    database.write("UPDATE items SET a = 'q' WHERE id = 1")
    assert [payload for payload in database.ear.payloads() if payload == ""] == []

    database.ear._cursor.execute(f"SELECT pg_advisory_lock({DOORBELL})")
    database.write("UPDATE items SET a = 'r' WHERE id = 1", "UPDATE items SET a = 's' WHERE id = 1")
    assert [payload for payload in database.ear.payloads() if payload == ""] == [""]


def test_nothing_while_nobody_wants_it(database: Any, items: Table) -> None:
    """A closed gate costs neither a row nor a look at the changes, whichever slot and kind of write."""
    shut(database)
    database.write("ALTER TABLE items DROP COLUMN a")
    database.write("INSERT INTO items VALUES (7)", "UPDATE items SET id = 8 WHERE id = 7", "TRUNCATE items")

    assert database.warnings == [] and rows(database) == []


def test_gate_is_the_tables_own(database: Any, items: Table, metadata: MetaData) -> None:
    """That somebody wants one table captures no other."""
    other = Table("other", metadata, Column("id", Integer, primary_key=True))
    database.create(other)
    shut(database)
    database.ear._cursor.execute(
        "SELECT pg_advisory_lock(8314047771468365824 + 'other'::regclass::oid::bigint)"
    )
    database.write("INSERT INTO items VALUES (7)", "INSERT INTO other VALUES (7)")

    assert [row.relation for row in rows(database)] == ["public.other"]


def test_slots_turn_at_once(database: Any, items: Table) -> None:
    """Writers follow the turn from one statement to the next, round the four slots."""
    for turn in range(6):
        with database.engine.begin() as connection:
            connection.execute(text(f"SELECT setval('sa_notify.outbox_turn', {turn})"))
            connection.execute(text("UPDATE items SET a = :a WHERE id = 1"), {"a": f"turn {turn}"})
    with database.engine.connect() as connection:
        held = [
            connection.execute(text(f"SELECT count(*) FROM sa_notify.outbox_{n}")).scalar() for n in range(4)
        ]

    assert held == [2, 2, 1, 1]


@pytest.mark.parametrize(
    ("damage", "mend"),
    [
        ("ALTER SCHEMA sa_notify RENAME TO gone", "ALTER SCHEMA gone RENAME TO sa_notify"),
        ("ALTER TABLE sa_notify.outbox_2 RENAME TO gone", "ALTER TABLE sa_notify.gone RENAME TO outbox_2"),
    ],
)
@pytest.mark.parametrize("before", [True, False])
def test_without_the_outbox(database: Any, items: Table, damage: str, mend: str, before: bool) -> None:
    """A write goes through without it, tells so by NOTIFY, and is told as before when it is back."""
    with database.engine.connect() as connection:
        if before:
            connection.execute(text("UPDATE items SET a = 'before' WHERE id = 1"))
            connection.commit()
            database.ear.changes()
        connection.execute(text(damage))
        connection.execute(text("UPDATE items SET a = 'without' WHERE id = 1"))
        connection.commit()
        assert database.ear.changes() == BULK
        connection.execute(text(mend))
        connection.execute(text("UPDATE items SET a = 'after' WHERE id = 1"))
        connection.commit()
        assert database.ear.changes() == [
            {"o": "u", "k": ["1"], "f": ["a"], "w": {"a": ["without", "after"]}}
        ]


@pytest.mark.superuser
def test_owner_without_rights(database: Any, items: Table, stranger: str) -> None:
    """A function whose owner may not insert tells by NOTIFY."""
    (function,) = (
        database.engine.connect()
        .exec_driver_sql("SELECT oid::regprocedure FROM pg_proc WHERE proname ^@ 'sa_notify_'")
        .one()
    )
    database.write(f"ALTER FUNCTION {function} OWNER TO {stranger}", "UPDATE items SET a = 'w' WHERE id = 1")
    try:
        assert "by NOTIFY" in database.warnings[0] and database.ear.changes() == BULK
    finally:
        database.write(f"ALTER FUNCTION {function} OWNER TO CURRENT_USER")
