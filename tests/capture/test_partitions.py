"""Partitions and children: whichever table a statement names, its changes are announced."""

from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, text
from sqlalchemy.exc import DBAPIError

from sa_notify import realtime
from sa_notify.capture.catalog import installed
from sa_notify.capture.coverage import coverage
from sa_notify.capture.ddl import Target, install, remove
from sa_notify.capture.spec import spec_for

SHELLS = ["_sa_notify_del", "_sa_notify_ins", "_sa_notify_trunc", "_sa_notify_upd"]


def columns() -> list[Column[Any]]:
    return [Column("id", Integer, primary_key=True), Column("a", Integer)]


@pytest.fixture
def parts(database: Any, metadata: MetaData) -> Table:
    """A realtime table of three partitions, one of which is partitioned itself."""
    database.write(
        "CREATE TABLE p (id int PRIMARY KEY, a int) PARTITION BY RANGE (id)",
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10)",
        "CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (100) PARTITION BY RANGE (id)",
        "CREATE TABLE p2a PARTITION OF p2 FOR VALUES FROM (10) TO (50)",
    )
    table: Table = database.create(Table("p", metadata, *columns()))
    return table


@pytest.fixture
def heirs(database: Any, metadata: MetaData) -> Table:
    """A realtime table with a child."""
    database.write("CREATE TABLE p (id int PRIMARY KEY, a int)", "CREATE TABLE c (b int) INHERITS (p)")
    table: Table = database.create(Table("p", metadata, *columns()))
    return table


def heard(database: Any, *statements: str) -> list[tuple[str, str, list[str]]]:
    """Table, operation and key of each change that the statements caused."""
    database.write(*statements)
    messages = database.ear.messages()
    return [(message["t"], change["o"], change.get("k")) for message in messages for change in message["c"]]


def shells(database: Any, table: str) -> list[str]:
    with database.engine.connect() as connection:
        found = connection.execute(
            text("SELECT tgname FROM pg_trigger WHERE tgrelid = to_regclass(:t) ORDER BY 1"), {"t": table}
        )
        return list(found.scalars())


def functions(database: Any) -> list[str]:
    with database.engine.connect() as connection:
        found = connection.execute(text("SELECT proname FROM pg_proc WHERE proname ^@ 'sa_notify'"))
        return list(found.scalars())


def names_and_doubts(database: Any, table: Table) -> tuple[frozenset[str], tuple[str, ...]]:
    with database.engine.connect() as connection:
        (found,) = coverage(connection, [table]).values()
    return found.names, found.doubts


def test_writes_to_any_of_them(database: Any, parts: Table) -> None:
    """A change is announced once, under the table that the statement names."""
    assert heard(database, "INSERT INTO p VALUES (1), (11)") == [
        ("public.p", "i", ["1"]),
        ("public.p", "i", ["11"]),
    ]
    assert heard(database, "UPDATE p1 SET a = 1") == [("public.p1", "u", ["1"])]
    assert heard(database, "DELETE FROM p2") == [("public.p2", "d", ["11"])]
    assert heard(database, "INSERT INTO p2a VALUES (12)") == [("public.p2a", "i", ["12"])]
    assert sorted({entry[:2] for entry in heard(database, "TRUNCATE p2")}) == [
        ("public.p2", "t"),
        ("public.p2a", "t"),
    ]
    names = frozenset({"public.p", "public.p1", "public.p2", "public.p2a"})
    assert names_and_doubts(database, parts) == (names, ())


def test_rows_that_move(database: Any, parts: Table) -> None:
    """A row that goes to another partition is announced as its key says."""
    heard(database, "INSERT INTO p VALUES (1)")
    assert heard(database, "UPDATE p SET a = 1") == [("public.p", "u", ["1"])]
    assert sorted(heard(database, "UPDATE p SET id = 20")) == [
        ("public.p", "d", ["1"]),
        ("public.p", "i", ["20"]),
    ]


MOVING = (
    "MERGE INTO p USING (VALUES (1), (2)) s(id) ON s.id = p.id WHEN MATCHED THEN UPDATE SET id = 20 + p.id"
)
WAYS = {
    "directly": [MOVING],
    "prepared": [f"PREPARE moving AS {MOVING}", "EXECUTE moving", "DEALLOCATE moving"],
    "by a function": [
        f"CREATE FUNCTION moved() RETURNS void LANGUAGE plpgsql AS $$BEGIN {MOVING}; END$$",
        "SELECT moved()",
    ],
    "by a function of SQL": [
        f"CREATE FUNCTION moved() RETURNS void LANGUAGE sql AS $${MOVING}$$",
        "SELECT moved()",
    ],
}


@pytest.mark.parametrize("way", WAYS)
def test_rows_that_a_merge_moves(database: Any, parts: Table, way: str) -> None:
    """PostgreSQL tells triggers of statements nothing of them: the whole table is announced."""
    heard(database, "INSERT INTO p VALUES (1), (2), (3)")
    assert heard(database, *WAYS[way]) == [("public.p", "b", None)]
    with database.engine.connect() as connection:
        assert connection.execute(text("SELECT id FROM p ORDER BY id")).scalars().all() == [3, 21, 22]


def test_rows_that_a_partition_swallows(database: Any, parts: Table) -> None:
    """A trigger of where a row should go may drop it: then there are fewer new rows than old ones."""
    heard(database, "INSERT INTO p VALUES (1), (2), (3)")
    database.write(
        "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN RETURN CASE WHEN NEW.id = 12 THEN NULL ELSE NEW END; END'",
        "CREATE TRIGGER swallow BEFORE INSERT ON p2a FOR EACH ROW EXECUTE FUNCTION swallow()",
    )
    assert sorted(heard(database, "UPDATE p SET id = id + 10")) == [
        *(("public.p", "d", [key]) for key in ("1", "2", "3")),
        *(("public.p", "i", [key]) for key in ("11", "13")),
    ]


def test_partitions_made_later(database: Any, parts: Table) -> None:
    """A new partition is a doubt until the next create_all(); what the root writes there is heard at once."""
    database.write("CREATE TABLE p3 PARTITION OF p FOR VALUES FROM (100) TO (200)")
    assert heard(database, "INSERT INTO p VALUES (100)") == [("public.p", "i", ["100"])]
    assert heard(database, "INSERT INTO p3 VALUES (101)") == []
    (doubt,) = names_and_doubts(database, parts)[1]
    assert doubt.startswith("public.p3 shares rows with public.p and has no enabled sa_notify triggers")

    parts.metadata.create_all(database.engine)
    assert names_and_doubts(database, parts)[1] == ()
    assert heard(database, "INSERT INTO p3 VALUES (102)") == [("public.p3", "i", ["102"])]


def test_attached_and_detached(database: Any, parts: Table) -> None:
    """ATTACH and DETACH meet no obstacle in our triggers; a table that left keeps telling of itself."""
    database.write("ALTER TABLE p DETACH PARTITION p1")
    assert heard(database, "INSERT INTO p1 VALUES (1)") == [("public.p1", "i", ["1"])]
    database.write("ALTER TABLE p ATTACH PARTITION p1 FOR VALUES FROM (0) TO (10)")
    assert heard(database, "UPDATE p SET a = 2") == [("public.p", "u", ["1"])]
    assert names_and_doubts(database, parts)[1] == ()


def test_detached_table_becomes_its_own(database: Any, parts: Table) -> None:
    """A former partition that is decorated gets a function of its own, the table that it left keeps its."""
    database.write("ALTER TABLE p DETACH PARTITION p1")
    database.create(Table("p1", MetaData(), *columns()), bulk_limit=7)
    assert len(functions(database)) == 2
    with database.engine.begin() as connection:
        for statement in remove(Target(None, "p1")):
            connection.execute(statement)
    assert shells(database, "p1") == []
    assert shells(database, "p") == shells(database, "p2a") == SHELLS


def test_undecorated_former_partition_goes_alone(database: Any, parts: Table) -> None:
    """Removing capture from a table that left takes nothing from the table that it left."""
    database.write("ALTER TABLE p DETACH PARTITION p1")
    with database.engine.begin() as connection:
        for statement in remove(Target(None, "p1")):
            connection.execute(statement)
    assert shells(database, "p1") == [] and shells(database, "p2a") == SHELLS
    assert len(functions(database)) == 1


def test_all_go_together(database: Any, parts: Table) -> None:
    """Removing a table's capture removes it from its partitions and drops the function."""
    with database.engine.begin() as connection:
        for statement in remove(Target(None, "p")):
            connection.execute(statement)
    assert [shells(database, name) for name in ("p", "p1", "p2", "p2a")] == [[], [], [], []]
    assert functions(database) == []


def test_partition_with_options_of_its_own(database: Any, parts: Table) -> None:
    """A partition that is decorated itself keeps its own function, whatever its root is told."""
    own = database.create(Table("p1", MetaData(), *columns()), bulk_limit=7)
    parts.metadata.create_all(database.engine)
    with database.engine.connect() as connection:
        state = {item.table: item for item in installed(connection)}
    assert state.keys() == {"p", "p1"}
    params = spec_for(own)
    assert params is not None and state["p1"].params == params.params(own)
    assert [member.table for member in state["p"].members] == ["p2", "p2a"]


@pytest.mark.parametrize(
    "damage",
    [
        "DROP TRIGGER _sa_notify_upd ON p2a",
        "ALTER TABLE p RENAME TO q; ALTER TABLE q RENAME TO p; DROP TRIGGER _sa_notify_ins ON p1",
    ],
)
def test_damage_to_a_partition_is_drift(database: Any, parts: Table, damage: str) -> None:
    """A partition without its triggers is found, and mended by the next installation."""
    database.write(*damage.split("; "))
    params = spec_for(parts).params(parts)  # type: ignore[union-attr]
    with database.engine.begin() as connection:
        (found,) = installed(connection)
        assert found.drift(Target("public", "p"), params) == ("partitions",)
        for statement in install(Target(None, "p"), params):
            connection.execute(statement)
        (found,) = installed(connection)
        assert found.drift(Target("public", "p"), params) == ()


def test_disabled_on_a_partition_stays(database: Any, parts: Table) -> None:
    """What somebody disabled on one partition is no drift, is a doubt, and stays."""
    database.write("ALTER TABLE p1 DISABLE TRIGGER _sa_notify_ins")
    parts.metadata.create_all(database.engine)
    assert heard(database, "INSERT INTO p1 VALUES (1)") == []
    assert len(names_and_doubts(database, parts)[1]) == 1


def test_children(database: Any, heirs: Table) -> None:
    """Old-style children are captured with their parent; columns of their own are not."""
    assert heard(database, "INSERT INTO c VALUES (1, 2, 3)") == [("public.c", "i", ["1"])]
    assert heard(database, "UPDATE p SET a = 5") == [("public.p", "u", ["1"])]
    assert heard(database, "UPDATE c SET b = 5") == []
    assert heard(database, "DELETE FROM c") == [("public.c", "d", ["1"])]
    assert names_and_doubts(database, heirs) == (frozenset({"public.p", "public.c"}), ())


def test_child_of_an_undecorated_parent(database: Any, heirs: Table) -> None:
    """Capturing a child says nothing of its parent, whose rows include the child's."""
    with database.engine.begin() as connection:
        for statement in remove(Target(None, "p")):
            connection.execute(statement)
    child = Table("c", MetaData(), *columns())
    realtime(child)
    child.metadata.create_all(database.engine)
    (doubt,) = names_and_doubts(database, child)[1]
    assert doubt.startswith("public.p shares rows with public.c")
    assert heard(database, "INSERT INTO c VALUES (1)") == [("public.c", "i", ["1"])]


FOREIGN = {
    "partition": (
        "CREATE TABLE p (id int, a int) PARTITION BY RANGE (id)",
        "CREATE FOREIGN TABLE far PARTITION OF p FOR VALUES FROM (0) TO (10) SERVER far",
    ),
    "child": (
        "CREATE TABLE p (id int PRIMARY KEY, a int)", "CREATE FOREIGN TABLE far () INHERITS (p) SERVER far",
    ),
}  # fmt: skip


@pytest.mark.superuser
@pytest.mark.parametrize("kind", FOREIGN)
def test_foreign_members_are_refused(database: Any, metadata: MetaData, kind: str) -> None:
    """Their rows could not be written through the table any more: "cannot collect transition tuples"."""
    database.write("CREATE FOREIGN DATA WRAPPER far", "CREATE SERVER far FOREIGN DATA WRAPPER far")
    database.write(*FOREIGN[kind])
    with pytest.raises(DBAPIError, match="far is a foreign table and a partition") as refused:
        database.create(Table("p", metadata, *columns()))
    assert "take @realtime from p" in str(refused.value)
    assert shells(database, "p") == []

    database.write("DROP FOREIGN TABLE far")
    metadata.create_all(database.engine)
    assert shells(database, "p") == SHELLS
