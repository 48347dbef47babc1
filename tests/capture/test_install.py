"""``create_all()`` installs and mends, ``drop_all()`` removes, and neither does more than it must."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text, create_engine, event, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.schema import CreateSchema

from sa_notify import realtime
from sa_notify.capture.catalog import SHELLS, installed
from sa_notify.capture.listeners import install_all


def items(metadata: MetaData, name: str = "items", **options: Any) -> Table:
    table = Table(name, metadata, Column("id", Integer, primary_key=True), Column("a", Text))
    realtime(**options)(table)
    return table


def standing(engine: Any) -> list[tuple[str | None, str | None, int]]:
    with engine.connect() as connection:
        return [(item.schema, item.table, len(item.whole)) for item in installed(connection)]


def ddl_of(engine: Any, action: Any) -> list[str]:
    """The statements other than SELECT that the action runs."""
    seen: list[str] = []

    @event.listens_for(engine, "before_cursor_execute")
    def _see(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "SELECT" not in statement.split("\n", maxsplit=1)[0] and not statement.startswith("--"):
            seen.append(statement)

    action()
    event.remove(engine, "before_cursor_execute", _see)
    return seen


def test_create_and_drop(engine: Any, metadata: MetaData) -> None:
    """Triggers and function come with the table and go with it."""
    items(metadata)
    metadata.create_all(engine)
    assert standing(engine) == [("public", "items", 4)]

    metadata.drop_all(engine)
    assert standing(engine) == []


def test_only_decorated_tables(engine: Any, metadata: MetaData) -> None:
    """Tables that are not realtime get nothing."""
    Table("plain", metadata, Column("id", Integer, primary_key=True))
    metadata.create_all(engine)

    assert standing(engine) == []


def test_existing_table(engine: Any) -> None:
    """A table that stood before its model was decorated gets its triggers from the next create_all()."""
    before, after = MetaData(), MetaData()
    Table("items", before, Column("id", Integer, primary_key=True), Column("a", Text))
    before.create_all(engine)
    items(after)
    after.create_all(engine)

    assert standing(engine) == [("public", "items", 4)]


def test_idempotent(engine: Any, metadata: MetaData) -> None:
    """Where nothing differs no DDL is run."""
    items(metadata)
    metadata.create_all(engine)

    assert ddl_of(engine, lambda: metadata.create_all(engine)) == []


def test_changed_options(engine: Any, metadata: MetaData) -> None:
    """Changed options replace the function, without touching the table's triggers."""
    items(metadata)
    metadata.create_all(engine)
    changed = MetaData()
    items(changed, bulk_limit=3)
    with engine.connect() as writer:
        writer.execute(text("INSERT INTO items VALUES (1)"))  # holds a lock that trigger DDL would wait for
        with engine.begin() as connection:
            connection.execute(text("SET LOCAL lock_timeout = '2s'"))
            install_all(connection, changed.tables.values())

    with engine.connect() as connection:
        (item,) = installed(connection)
    assert item.params is not None and item.params.bulk_limit == 3


@pytest.mark.parametrize(
    "damage",
    [
        "DROP TRIGGER _sa_notify_upd ON items",
        "{create} _sa_notify_ins AFTER INSERT ON items REFERENCING NEW TABLE AS x FOR EACH STATEMENT {call}",
        "{create} _sa_notify_trunc AFTER TRUNCATE ON items FOR EACH STATEMENT WHEN (false) {call}",
        "{create} _sa_notify_del AFTER DELETE ON items FOR EACH ROW {call}",
    ],
)
def test_damaged_triggers_are_mended(engine: Any, metadata: MetaData, damage: str) -> None:
    """A trigger that is missing or not as generated is made again; a disabled one stays disabled."""
    items(metadata)
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE items DISABLE TRIGGER _sa_notify_del"))
        call = f"EXECUTE FUNCTION {installed(connection)[0].function}()"
        connection.execute(text(damage.format(create="CREATE OR REPLACE TRIGGER", call=call)))
    metadata.create_all(engine)

    with engine.connect() as connection:
        (item,) = installed(connection)
    assert item.whole == frozenset(SHELLS)
    assert item.disabled == ({"_sa_notify_del"} if "_del" not in damage else item.disabled)


@pytest.mark.parametrize(
    ("state", "command"), [("D", "DISABLE"), ("A", "ENABLE ALWAYS"), ("R", "ENABLE REPLICA")]
)
def test_state_of_a_trigger_survives(engine: Any, metadata: MetaData, state: str, command: str) -> None:
    """What somebody set with ALTER TABLE ... TRIGGER is kept when the trigger is made again."""
    items(metadata)
    metadata.create_all(engine)
    with engine.begin() as connection:
        function = installed(connection)[0].function
        connection.execute(
            text(
                "CREATE OR REPLACE TRIGGER _sa_notify_ins AFTER INSERT ON items REFERENCING NEW TABLE AS x"
                f" FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
            )
        )
        connection.execute(text(f"ALTER TABLE items {command} TRIGGER _sa_notify_ins"))
    metadata.create_all(engine)

    with engine.connect() as connection:
        enabled = connection.execute(text("SELECT tgenabled FROM pg_trigger WHERE tgname = '_sa_notify_ins'"))
        assert enabled.scalar_one() == state
        assert installed(connection)[0].whole == frozenset(SHELLS)


def test_renamed_and_moved_table(engine: Any, metadata: MetaData) -> None:
    """A table that was renamed and moved brings its function along: one table has one function."""
    items(metadata)
    metadata.create_all(engine)
    after = MetaData(schema="else")
    items(after, name="things")
    with engine.begin() as connection:
        connection.execute(text('CREATE SCHEMA "else"'))
        connection.execute(text('ALTER TABLE items SET SCHEMA "else"'))
        connection.execute(text('ALTER TABLE "else".items RENAME TO things'))
    after.create_all(engine)

    with engine.connect() as connection:
        (item,) = installed(connection)
    assert (item.function_schema, item.schema, item.table) == ("else", "else", "things")
    assert item.function.startswith("sa_notify_things_")


def test_schemas(engine: Any) -> None:
    """Tables of one name in several schemas each have their own function, in their schema."""
    metadata = MetaData()
    for schema in (None, "one", "Two"):
        realtime(Table("items", metadata, Column("id", Integer, primary_key=True), schema=schema))
    with engine.begin() as connection:
        connection.execute(CreateSchema("one"))
        connection.execute(CreateSchema("Two"))
    metadata.create_all(engine)

    with engine.connect() as connection:
        assert [(i.function_schema, i.schema) for i in installed(connection)] == [
            ("Two", "Two"), ("one", "one"), ("public", "public"),
        ]  # fmt: skip
    metadata.drop_all(engine)
    assert standing(engine) == []


def test_schema_translate_map(database: Any, metadata: MetaData) -> None:
    """Each tenant's schema gets its own, and announces under its own name."""
    items(metadata)
    for tenant in ("t1", "t2"):
        translated = database.engine.execution_options(schema_translate_map={None: tenant})
        with translated.begin() as connection:
            connection.execute(CreateSchema(tenant))
            metadata.create_all(connection)
        database.write(f"INSERT INTO {tenant}.items VALUES (1)")
    assert [message["t"] for message in database.ear.messages()] == ["t1.items", "t2.items"]

    with database.engine.execution_options(schema_translate_map={None: "t1"}).begin() as connection:
        metadata.drop_all(connection)
    assert standing(database.engine) == [("t2", "items", 4)]


def test_search_path(database: Any, metadata: MetaData) -> None:
    """Without a schema the connection's search_path decides, at creation."""
    items(metadata)
    with database.engine.begin() as connection:
        connection.execute(CreateSchema("app"))
        connection.execute(text("SET LOCAL search_path = app, public"))
        metadata.create_all(connection)
        assert ddl_of(database.engine, lambda: metadata.create_all(connection)) == []

    (change,) = database.run("INSERT INTO app.items VALUES (1)")
    assert (change["o"], change["k"]) == ("i", ["1"])


def test_selected_tables(engine: Any, metadata: MetaData) -> None:
    """``tables=`` and ``checkfirst=`` work as without us; a table that is not there is left out."""
    one, two = items(metadata, "one"), items(metadata, "two")
    metadata.create_all(engine, tables=[one])
    assert standing(engine) == [("public", "one", 4)]
    metadata.create_all(engine, tables=[two], checkfirst=False)
    assert standing(engine) == [("public", "one", 4), ("public", "two", 4)]
    metadata.drop_all(engine, tables=[one])
    assert standing(engine) == [("public", "two", 4)]


def test_other_dialects(metadata: MetaData) -> None:
    """On another database nothing is installed and nothing fails."""
    items(metadata)
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        seen = ddl_of(engine, lambda: (metadata.create_all(connection), metadata.drop_all(connection)))

    assert not [statement for statement in seen if "sa_notify" in statement]
    engine.dispose()


def test_async_engine(database: Any, metadata: MetaData) -> None:
    """``run_sync(metadata.create_all)`` does the same."""
    items(metadata)

    async def create() -> None:
        engine = create_async_engine(database.engine.url.set(drivername="postgresql+psycopg"))
        async with engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
            await connection.run_sync(metadata.create_all)
        await engine.dispose()

    asyncio.run(create())

    assert standing(database.engine) == [("public", "items", 4)]


def test_hand_written_triggers_are_left_alone(engine: Any, metadata: MetaData) -> None:
    """Triggers and functions that are not ours survive, even ones that look alike."""
    items(metadata)
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(
            text(
                "CREATE FUNCTION sa_notify_mine() RETURNS trigger LANGUAGE plpgsql"
                " AS 'BEGIN RETURN NULL; END'"
            )
        )
        connection.execute(
            text("CREATE TRIGGER _sa_notify_mine AFTER INSERT ON items EXECUTE FUNCTION sa_notify_mine()")
        )
    metadata.create_all(engine)
    with engine.connect() as connection:
        assert [item.function for item in installed(connection)] != ["sa_notify_mine"]
    metadata.drop_all(engine)
    with engine.connect() as connection:
        left = connection.execute(text("SELECT proname FROM pg_proc WHERE proname ^@ 'sa_notify'"))
        assert left.scalars().all() == ["sa_notify_mine"]


def test_two_at_once(engine: Any, metadata: MetaData) -> None:
    """Two that install at the same time both succeed."""
    from concurrent.futures import ThreadPoolExecutor

    items(metadata)
    plain = MetaData()
    Table("items", plain, Column("id", Integer, primary_key=True), Column("a", Text))
    plain.create_all(engine)

    def install() -> None:
        with engine.begin() as connection:
            install_all(connection, metadata.tables.values())

    for _ in range(5):
        with ThreadPoolExecutor(4) as pool:
            for done in [pool.submit(install) for _ in range(4)]:
                done.result()
        with engine.begin() as connection:
            connection.execute(text(f"DROP FUNCTION {installed(connection)[0].function} CASCADE"))
