"""README's role set, each role logged in as itself: what it can do, and what it can't."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, Table, Text, create_engine
from sqlalchemy.exc import ProgrammingError

from sa_notify.change import ChangeSet
from sa_notify.source.base import Source
from sa_notify.source.connect import listen_connect
from sa_notify.source.notify import NotifySource
from sa_notify.source.outbox.check import RIGHTS
from sa_notify.source.outbox.source import OutboxSource
from tests.capture.roles import SCRIPT, Roles
from tests.source.colours import Reader, colour_named


@pytest.fixture
def items(database: Any, metadata: MetaData, roles: Roles) -> Table:
    """A table with a sequence that the owner made, and README's script run for it."""
    table = Table("items", metadata, Column("id", Integer, primary_key=True), Column("a", Text))
    database.create(table, carry=["a"])
    with database.engine.begin() as connection:
        roles.grant(connection)
        if database.delivery == "outbox":
            connection.exec_driver_sql(roles.script("outbox"))
    return table


@contextmanager
def logged_in(roles: Roles, role: str) -> Iterator[Engine]:
    engine = create_engine(roles.url(role))
    yield engine
    engine.dispose()


@pytest.fixture
def dispatcher(roles: Roles, delivery: str, items: Table) -> Iterator[Source]:
    """Follows the database as the dispatcher."""
    with logged_in(roles, roles.dispatcher) as engine:
        connect = listen_connect(engine)
        source: Source = NotifySource(connect) if delivery == "notify" else OutboxSource(connect)
        yield source
        source.close()


@pytest.fixture
def write(roles: Roles, items: Table) -> Iterator[Callable[..., None]]:
    """Runs statements as the writer."""
    with logged_in(roles, roles.writer) as engine:

        def run(*statements: str) -> None:
            with engine.begin() as connection:
                for statement in statements:
                    connection.exec_driver_sql(statement)

        yield run


def test_writer_is_heard_by_the_dispatcher(
    write: Callable[..., None], dispatcher: Source, delivery: str
) -> None:
    """Every change that the writer makes, with no right but its own, reaches who logs in as dispatcher."""
    reader = Reader(dispatcher, colour_named("threads"))
    reader.open()
    if isinstance(dispatcher, OutboxSource):
        dispatcher.take(["public.items"])
        dispatcher.keep(["public.items"])
    write("INSERT INTO items (a) VALUES ('x'), ('y')", "UPDATE items SET a = 'z' WHERE id = 1")
    write("TRUNCATE items", "INSERT INTO items (a) VALUES ('w')", "DELETE FROM items")

    def done(changesets: list[ChangeSet]) -> bool:
        return len(ops(changesets)) >= 6

    changesets = reader.until(done)
    assert ops(changesets) == ["insert", "insert", "update", "truncate", "insert", "delete"]
    update = changesets[0].changes[2]
    assert (update.table, update.key, update.values) == ("public.items", ("1",), {"a": ("x", "z")})


def ops(changesets: list[ChangeSet]) -> list[str]:
    return [change.op for changeset in changesets for change in changeset.changes]


def test_dispatcher_reads_what_it_shows(roles: Roles, write: Callable[..., None]) -> None:
    """It may read the tables of the queries, and write none."""
    write("INSERT INTO items (a) VALUES ('x')")
    with logged_in(roles, roles.dispatcher) as engine, engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT a FROM items").scalars().all() == ["x"]
        with pytest.raises(ProgrammingError, match="permission denied"):
            connection.exec_driver_sql("UPDATE items SET a = 'y'")


def test_later_tables(database: Any, write: Callable[..., None]) -> None:
    """What the owner makes after the script was run needs no other."""
    later = Table("later", MetaData(), Column("id", Integer, primary_key=True))
    database.create(later)
    database.ear.payloads()
    write("INSERT INTO later DEFAULT VALUES")
    assert database.ear.changes() == [{"o": "i", "k": ["1"]}]


OURS = [
    "CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "ALTER FUNCTION {function}() SECURITY INVOKER",
    "ALTER FUNCTION {function}() RESET ALL",
    "DROP FUNCTION {function}() CASCADE",
    "SELECT {function}()",
    "ALTER TABLE items DISABLE TRIGGER _sa_notify_ins",
    "DROP TRIGGER _sa_notify_ins ON items",
    "CREATE TRIGGER x AFTER INSERT ON items EXECUTE FUNCTION {function}()",
    "CREATE TABLE own (id int)",
    (
        "CREATE TEMP TABLE own (id int); CREATE TRIGGER _sa_notify_ins AFTER INSERT ON own"
        " REFERENCING NEW TABLE AS _sa_notify_new FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
    ),
]
OF_THE_OUTBOX = [
    "SELECT FROM sa_notify.outbox_0",
    "INSERT INTO sa_notify.outbox_0 (depth, relation, body) VALUES (1, 'x', 'y')",
    "DELETE FROM sa_notify.outbox_0",
    "TRUNCATE sa_notify.outbox_0",
    "LOCK TABLE sa_notify.outbox_0",
    "SELECT FROM sa_notify.outbox_reader",
    "UPDATE sa_notify.outbox_gate SET standing = false",
    "SELECT nextval('sa_notify.outbox_seq')",
    "SELECT setval('sa_notify.outbox_turn', 1)",
    "SELECT last_value FROM sa_notify.outbox_turn",
    "CREATE TABLE sa_notify.own (id int)",
    "DROP SCHEMA sa_notify CASCADE",
]


@pytest.mark.parametrize("attempt", OURS)
def test_writer_cannot_touch_what_is_ours(
    database: Any, write: Callable[..., None], roles: Roles, attempt: str
) -> None:
    """Functions, triggers and their schemas are the owner's."""
    refused(database, write, attempt)


@pytest.mark.parametrize("delivery", ["outbox"])
@pytest.mark.parametrize("attempt", OF_THE_OUTBOX)
def test_writer_cannot_touch_the_outbox(database: Any, write: Callable[..., None], attempt: str) -> None:
    """Whoever writes through it can neither read nor steer it."""
    refused(database, write, attempt)


def refused(database: Any, write: Callable[..., None], attempt: str) -> None:
    with database.engine.connect() as connection:
        function = connection.exec_driver_sql(
            "SELECT proname FROM pg_proc WHERE proname ^@ 'sa_notify_'"
        ).scalar_one()
    with pytest.raises(ProgrammingError, match="permission denied|must be owner") as refusal:
        write(attempt.replace("{function}", function))
    assert isinstance(refusal.value.orig, psycopg2.errors.InsufficientPrivilege)


def test_nobody_is_a_superuser(database: Any, roles: Roles) -> None:
    """Nothing of ours needs a role with an attribute other than LOGIN."""
    attributes = "rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls"
    with database.engine.connect() as connection:
        found = connection.exec_driver_sql(
            f"SELECT rolname, rolcanlogin, {attributes} FROM pg_roles WHERE rolname = ANY (%s)",
            ([roles.owner, roles.writer, roles.dispatcher],),
        ).all()
        assert connection.exec_driver_sql("SELECT current_user").scalar() == roles.owner
    assert sorted(found) == sorted((r, True, False) for r in (roles.owner, roles.writer, roles.dispatcher))


def test_script_grants_what_the_source_asks_for() -> None:
    """README and the message of a source that may not read the outbox name the same rights."""
    assert SCRIPT["outbox"].split() == RIGHTS.format(role="todo_dispatcher").split()
