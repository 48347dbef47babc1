"""The catalog says whether every change of a table will be announced."""

from typing import Any

import pytest
from sqlalchemy import ARRAY, Column, Computed, Enum, Integer, MetaData, Table, Text, text

from sa_notify.capture import coverage


@pytest.fixture
def items(database: Any, metadata: MetaData) -> Table:
    """A realtime table."""
    table: Table = database.create(
        Table("items", metadata, Column("id", Integer, primary_key=True), Column("a", Text))
    )
    return table


def doubts(database: Any, *tables: Any) -> tuple[str, ...]:
    with database.engine.connect() as connection:
        return tuple(doubt for found in coverage(connection, tables).values() for doubt in found.doubts)


def test_covered(database: Any, items: Table) -> None:
    """A realtime table has its canonical name and no doubts, under a Table or a pair."""
    with database.engine.connect() as connection:
        found = coverage(connection, [items, ("public", "items"), (None, "items")])

    assert list(found) == [(None, "items"), ("public", "items")]
    assert {(c.name, c.doubts, c.names) for c in found.values()} == {
        ("public.items", (), frozenset({"public.items"}))
    }


def test_nothing_asked(database: Any) -> None:
    """No tables need no SELECT."""
    with database.engine.connect() as connection:
        assert coverage(connection, []) == {}


def test_name_is_the_announced_one(database: Any, metadata: MetaData) -> None:
    """The name is what the trigger announces under, whatever needs quoting."""
    table = Table('we"ird.% Näme', metadata, Column("id", Integer, primary_key=True), schema="My Schema")
    database.write('CREATE SCHEMA "My Schema"')
    database.create(table)
    with database.engine.begin() as connection:
        connection.execute(table.insert(), {"id": 1})
        (found,) = coverage(connection, [table]).values()
    (message,) = database.ear.messages()

    assert found.name == message["t"]


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (
            "DROP TRIGGER _sa_notify_del ON items",
            "public.items has no enabled sa_notify triggers: .*alembic upgrade",
        ),
        ("ALTER TABLE items DISABLE TRIGGER _sa_notify_trunc", "has no enabled sa_notify triggers"),
        ("ALTER TABLE items ENABLE REPLICA TRIGGER _sa_notify_ins", "has no enabled sa_notify triggers"),
        ("DROP TABLE items", "items does not exist for this connection"),
    ],
)
def test_damage(database: Any, items: Table, damage: str, sentence: str) -> None:
    """Triggers that are missing or don't fire are a doubt with its mend."""
    import re

    database.write(damage)
    (doubt,) = doubts(database, items)

    assert re.search(sentence, doubt)


def test_always_is_enabled(database: Any, items: Table) -> None:
    """ENABLE ALWAYS fires in ordinary sessions too."""
    database.write("ALTER TABLE items ENABLE ALWAYS TRIGGER _sa_notify_ins")

    assert doubts(database, items) == ()


def test_views(database: Any, items: Table) -> None:
    """A view announces nothing."""
    database.write(
        "CREATE VIEW v AS SELECT * FROM items", "CREATE MATERIALIZED VIEW m AS SELECT * FROM items"
    )

    assert doubts(database, (None, "v"), (None, "m")) == (
        "public.v is a view, which announces nothing: select from @realtime tables instead",
        "public.m is a materialized view, which announces nothing: select from @realtime tables instead",
    )


def test_search_path_and_translation(database: Any, items: Table) -> None:
    """Names are resolved as the connection's own statements would be."""
    database.write("CREATE SCHEMA app", "CREATE TABLE app.items (id int)")
    with database.engine.connect() as connection:
        connection.execute(text("SET LOCAL search_path = app"))
        assert coverage(connection, [items])[None, "items"].name == "app.items"
    with database.engine.connect().execution_options(schema_translate_map={None: "app"}) as connection:
        assert coverage(connection, [items])[None, "items"].name == "app.items"


@pytest.mark.superuser
def test_row_level_security(database: Any, items: Table) -> None:
    """Policies that apply to the reader may hide what a statement depends on."""
    role = f"reader_{database.engine.url.database}"
    database.write(
        f"CREATE ROLE {role}",
        f"GRANT SELECT ON items TO {role}",
        "ALTER TABLE items ENABLE ROW LEVEL SECURITY",
    )
    try:
        assert doubts(database, items) == ()
        with database.engine.connect() as connection:
            connection.execute(text(f"SET LOCAL ROLE {role}"))
            (doubt,) = coverage(connection, [items])[None, "items"].doubts
        assert doubt.startswith("public.items has row-level security for this role")
    finally:
        database.write(f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def test_read_only(database: Any, items: Table) -> None:
    """A read-only transaction can ask."""
    with database.engine.connect().execution_options(postgresql_readonly=True) as connection:
        assert coverage(connection, [items])[None, "items"].doubts == ()


def test_columns_that_are_not_captured(database: Any, items: Table) -> None:
    """A column that the installed trigger does not know is told, with the mend."""
    database.write("ALTER TABLE items ADD COLUMN later text")
    with database.engine.connect() as connection:
        (found,) = coverage(connection, [items]).values()

    assert found.captured == {"id", "a"}
    assert found.blind_to(["id", "a"]) == ()
    (doubt,) = found.blind_to(["a", "later"])
    assert doubt.startswith("changes of public.items.later are not announced")


@pytest.mark.parametrize("delivery", ["outbox"])
def test_columns_that_the_trigger_takes_for_something_else(database: Any, metadata: MetaData) -> None:
    """The database has another type than the model, so that a change of it may look like none."""
    columns = (Column(name, Integer) for name in ("n", "wide", "real"))
    items = Table("items", metadata, Column("id", Integer, primary_key=True), *columns)
    database.create(items, carry="all")
    database.write("ALTER TABLE items ALTER n TYPE numeric, ALTER wide TYPE bigint, ALTER real TYPE float8")
    with database.engine.connect() as connection:
        (found,) = coverage(connection, [items]).values()

    assert found.captured == {"id", "wide"}
    (doubt,) = found.blind_to(["id", "n", "wide"])
    assert "items.n" in doubt and "its type is not what its model says" in doubt


def test_a_column_that_is_computed_when_read(database: Any, metadata: MetaData) -> None:
    """A trigger sees NULL in it; where the model says so, it counts as changed with each change."""
    with database.engine.connect() as connection:
        if int(connection.execute(text("SHOW server_version_num")).scalar_one()) < 180000:
            pytest.skip("PostgreSQL 18 has the first of them")
    twice = Column("twice", Integer, Computed("n * 2", persisted=False))
    key, number = Column("id", Integer, primary_key=True), Column("n", Integer)
    items = database.create(Table("items", metadata, key, number, twice))
    with database.engine.connect() as connection:
        assert coverage(connection, [items])[None, "items"].captured == {"id", "n", "twice"}
    database.write("ALTER TABLE items DROP n CASCADE", "ALTER TABLE items ADD n int GENERATED ALWAYS AS (id)")
    with database.engine.connect() as connection:
        (found,) = coverage(connection, [items]).values()

    assert found.captured == {"id", "twice"}
    (doubt,) = found.blind_to(["id", "n"])
    assert "items.n" in doubt and "computed when read" in doubt


def test_a_label_of_an_enum_that_is_called_otherwise(database: Any, metadata: MetaData) -> None:
    """Rows show another text, which no trigger announces; so they do in an array."""
    mood = Enum("good", "bad", name="mood")
    key = Column("id", Integer, primary_key=True)
    items = database.create(Table("items", metadata, key, Column("moods", ARRAY(mood))))
    with database.engine.connect() as connection:
        before = coverage(connection, [items])
    database.write("ALTER TYPE mood RENAME VALUE 'bad' TO 'worse'")
    with database.engine.connect() as connection:
        assert coverage(connection, [items]) != before


def test_names_in_text_mean_the_table_s_own_columns(database: Any, items: Table) -> None:
    """A name means the column that is called so, if there is one; a star all but PostgreSQL's own."""
    database.write("ALTER TABLE items ADD COLUMN later text")
    with database.engine.connect() as connection:
        (found,) = coverage(connection, [items]).values()

    assert found.meant_by({"later", "total"}) == {"later"}
    assert found.meant_by({"*"}) == {"id", "a", "later"}
    assert found.meant_by({"*", "xmin"}) == {"id", "a", "later", "xmin"}


@pytest.mark.parametrize(
    "change",
    [
        "DROP TABLE items; CREATE TABLE items (id int PRIMARY KEY, a text)",
        "ALTER TABLE items RENAME TO old; CREATE TABLE items (id int PRIMARY KEY, a text)",
        "ALTER TABLE items ALTER a TYPE varchar USING upper(a)",
    ],
    ids=["recreated", "swapped", "rewritten"],
)
def test_another_table_of_the_same_name_is_another(database: Any, items: Table, change: str) -> None:
    """Rows that come and go by DDL are announced by nothing, so the answer says that they may have."""
    with database.engine.connect() as connection:
        before = coverage(connection, [items])
    database.write(*change.split(";"))
    items.metadata.create_all(database.engine)
    with database.engine.connect() as connection:
        after = coverage(connection, [items])

    assert before != after
    assert {(found.name, found.doubts) for found in after.values()} == {("public.items", ())}


def test_a_session_that_quotes_everything(database: Any, items: Table) -> None:
    """Names are those that triggers announce, whatever the role or the database has set."""
    with database.engine.connect() as connection:
        connection.execute(text("SET quote_all_identifiers = on"))
        (found,) = coverage(connection, [items]).values()

    assert found.names == {"public.items"}


@pytest.mark.superuser
def test_a_subscription_fires_no_triggers(database: Any, items: Table) -> None:
    """What logical replication writes into a table is announced by nobody."""
    # what CREATE SUBSCRIPTION writes for each table, without a second server to subscribe to
    database.write("INSERT INTO pg_subscription_rel VALUES (1, 'items'::regclass, 'r')")

    assert "filled by a subscription" in doubts(database, items)[0]
