"""Tables of every kind, and what is refused where nothing could be announced."""

from typing import Any, ClassVar

import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table, Text, create_engine, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from sa_notify import realtime
from sa_notify.errors import RealtimeError


def items(metadata: MetaData, **options: Any) -> Table:
    return Table("items", metadata, Column("id", Integer, primary_key=True), Column("a", Text), **options)


def told(database: Any) -> list[tuple[str, str, list[str]]]:
    """Table, operation and key of what was announced."""
    return [(m["t"], c["o"], c.get("k", [])) for m in database.ear.messages() for c in m["c"]]


def test_unlogged(database: Any, metadata: MetaData) -> None:
    """An unlogged table is a table."""
    database.create(items(metadata, prefixes=["UNLOGGED"]))
    assert database.run("INSERT INTO items VALUES (1)") == [{"o": "i", "k": ["1"]}]


@pytest.mark.parametrize("prefix", ["TEMPORARY", "temp", "GLOBAL TEMPORARY"])
def test_temporary(metadata: MetaData, prefix: str) -> None:
    """A temporary table is refused when it is decorated: no reader could look its rows up."""
    with pytest.raises(RealtimeError, match="is temporary: .* Make it a table"):
        realtime(items(metadata, prefixes=[prefix]))


@pytest.mark.parametrize("kind", ["VIEW", "MATERIALIZED VIEW"])
def test_views(database: Any, metadata: MetaData, kind: str) -> None:
    """A view that a model takes for a table is refused when triggers are made, with the mend."""
    database.write(f"CREATE {kind} items AS SELECT 1 AS id, 'x' AS a")
    realtime(items(metadata))
    with pytest.raises(ProgrammingError, match="items is a view, whose changes no trigger sees") as refused:
        metadata.create_all(database.engine)
    assert "Decorate the models of the tables that it reads" in str(refused.value)


def test_writes_through_a_view(database: Any, metadata: MetaData) -> None:
    """Rows written through a view, simple or with INSTEAD OF, are announced under their table."""
    database.create(items(metadata))
    database.write(
        "CREATE VIEW simple AS SELECT * FROM items",
        "CREATE VIEW own AS SELECT id FROM items",
        "CREATE FUNCTION put() RETURNS trigger LANGUAGE plpgsql"
        " AS 'BEGIN INSERT INTO items VALUES (NEW.id); RETURN NEW; END'",
        "CREATE TRIGGER put INSTEAD OF INSERT ON own FOR EACH ROW EXECUTE FUNCTION put()",
    )
    database.write("INSERT INTO simple VALUES (1)", "INSERT INTO own VALUES (2), (3)")
    assert told(database) == [("public.items", "i", [str(number)]) for number in (1, 2, 3)]


class Base(DeclarativeBase):
    pass


class Person(Base):
    __tablename__ = "people"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20))
    kind: Mapped[str] = mapped_column(String(20))
    __mapper_args__: ClassVar = {"polymorphic_on": "kind", "polymorphic_identity": "person"}


class Worker(Person):
    __tablename__ = "workers"
    id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    pay: Mapped[int]
    __mapper_args__: ClassVar = {"polymorphic_identity": "worker"}


class Guest(Person):
    host: Mapped[str | None] = mapped_column(String(20))
    __mapper_args__: ClassVar = {"polymorphic_identity": "guest"}


@pytest.fixture
def family(database: Any) -> Any:
    Base.metadata.info.pop("sa_notify", None)
    for model in (Person, Worker, Guest):
        realtime(delivery=database.delivery, carry=())(model)
    Base.metadata.create_all(database.engine)
    with Session(database.engine) as session:
        session.add_all([Worker(id=1, name="a", pay=1), Guest(id=2, name="b")])
        session.commit()
    database.ear.attend()
    told(database)
    return database


def test_joined_inheritance(family: Any) -> None:
    """A subclass is announced under each table that a change of it touches, and no other."""
    with Session(family.engine) as session:
        worker = session.get_one(Worker, 1)
        worker.pay = 2
        session.commit()
        assert told(family) == [("public.workers", "u", ["1"])]
        worker.name = "c"
        session.commit()
        assert told(family) == [("public.people", "u", ["1"])]
        session.delete(worker)
        session.commit()
        assert sorted(told(family)) == [("public.people", "d", ["1"]), ("public.workers", "d", ["1"])]


def test_single_table_inheritance(family: Any) -> None:
    """A single-table subclass is announced under its parent's table, once."""
    with Session(family.engine) as session:
        session.get_one(Guest, 2).host = "x"
        session.commit()
    (message,) = family.ear.messages()
    assert (message["t"], message["c"]) == ("public.people", [{"o": "u", "k": ["2"], "f": ["host"]}])


def test_cascade_to_a_subclass(family: Any) -> None:
    """What a foreign key takes along is announced too."""
    family.write("DELETE FROM people WHERE id = 1")
    assert sorted(told(family)) == [("public.people", "d", ["1"]), ("public.workers", "d", ["1"])]


def test_tenants_write_apart(database: Any, metadata: MetaData) -> None:
    """A tenant's changes are announced under the tenant's schema alone."""
    realtime(delivery=database.delivery, carry=())(items(metadata))
    for tenant in ("one", 'T"wo'):
        database.write('CREATE SCHEMA "{}"'.format(tenant.replace('"', '""')))
        with database.engine.begin() as connection:
            metadata.create_all(connection.execution_options(schema_translate_map={None: tenant}))
    database.ear.attend()
    tenants = create_engine(database.engine.url, execution_options={"schema_translate_map": {None: 'T"wo'}})
    with tenants.begin() as connection:
        connection.execute(metadata.tables["items"].insert(), {"id": 1})
    tenants.dispose()
    assert told(database) == [('"T""wo".items', "i", ["1"])]


def test_deferred_constraints(database: Any, metadata: MetaData) -> None:
    """Constraints that are checked at commit change nothing about what is announced before."""
    database.write(
        "CREATE TABLE pairs (id int PRIMARY KEY)",
        "CREATE TABLE items (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, a text,"
        " pair int REFERENCES pairs DEFERRABLE INITIALLY DEFERRED)",
    )
    database.create(items(metadata))
    first = "INSERT INTO items VALUES (1, 'x', 5), (2, 'y', 5)"
    assert database.run(first, "INSERT INTO pairs VALUES (5)") == [
        {"o": "i", "k": ["1"]},
        {"o": "i", "k": ["2"]},
    ]
    # for a moment two rows have the key 2
    swapped = database.run(
        "UPDATE items SET id = 2, a = 'z' WHERE id = 1", "UPDATE items SET id = 1 WHERE a = 'y'"
    )
    assert sorted({(change["o"], *change["k"]) for change in swapped}) == [
        ("d", "1"), ("d", "2"), ("i", "1"), ("i", "2"),
    ]  # fmt: skip


def test_commit_that_fails(database: Any, metadata: MetaData) -> None:
    """What a deferred constraint refuses at commit was never heard."""
    database.write("CREATE TABLE items (id int PRIMARY KEY, a text UNIQUE DEFERRABLE INITIALLY DEFERRED)")
    database.create(items(metadata))
    with pytest.raises(Exception, match="duplicate key"):
        database.write("INSERT INTO items VALUES (1, 'x'), (2, 'x')")
    assert told(database) == []


BROKEN = {
    "a statement inside": ("items := ARRAY(", "items := (SELECT 1 / 0); items := ARRAY(", [{"o": "b"}]),
    "a name that is not there": ("FROM _sa_notify_new n", "FROM _sa_notify_gone n", [{"o": "b"}]),
}


@pytest.mark.parametrize("how", BROKEN)
def test_broken_body(database: Any, metadata: MetaData, how: str) -> None:
    """A function that somebody broke lets the write commit, says so, and announces the whole table."""
    before, after, expected = BROKEN[how]
    database.create(items(metadata))
    with database.engine.begin() as connection:
        connection.execute(
            text(
                "DO $do$ BEGIN EXECUTE (SELECT replace(pg_get_functiondef(oid), :before, :after) FROM pg_proc"
                " WHERE proname ^@ 'sa_notify_items'); END $do$".replace(":before", f"$a${before}$a$")
                .replace(":after", f"$a${after}$a$")
                .replace(":=", "\\:=")
            )
        )
    assert database.run("INSERT INTO items VALUES (1)") == expected
    assert database.warnings and "is announced" in database.warnings[-1]
    with database.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM items")) == 1


def test_body_that_is_no_plpgsql(database: Any, metadata: MetaData) -> None:
    """PostgreSQL refuses to store a body that it can't read, so such a one breaks no write."""
    database.create(items(metadata))
    with pytest.raises(ProgrammingError, match="syntax error|does not exist"):
        database.write(
            "DO $do$ BEGIN EXECUTE (SELECT replace(pg_get_functiondef(oid), 'BEGIN', 'BEGUN') FROM pg_proc"
            " WHERE proname ^@ 'sa_notify_items'); END $do$"
        )
    assert database.run("INSERT INTO items VALUES (1)") == [{"o": "i", "k": ["1"]}]
