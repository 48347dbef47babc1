"""What a reading says of itself: where its rows come from, and what could change them unheard."""

from typing import Any

import pytest
from sqlalchemy import (
    Engine,
    MetaData,
    Select,
    Table,
    column,
    exists,
    func,
    literal_column,
    select,
    table,
    text,
)

from sa_notify.live.dependencies import dependencies
from sa_notify.live.query import Reading
from sa_notify.live.shape import Shape, prepare
from sa_notify.web.reader import READING, CoverageCache, Source, StatementReader
from tests.apps.items import Item, Owner, Unheard


def _read(engine: Engine, statement: Select[Any], cache: CoverageCache | None = None) -> Reading:
    statement = prepare(statement)
    found = dependencies(statement, engine.dialect)
    source = Source(engine, cache or CoverageCache(), statement, Shape(statement), found, None)
    return StatementReader(source)()


def _execute(engine: Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(statement))


def test_a_realtime_table_leaves_no_doubt(database: Engine) -> None:
    """Its name is the one that its changes carry; an excluded column that is not used does not matter."""
    reading = _read(database, select(Item).where(Item.done).order_by(Item.title))
    assert (reading.tables, reading.doubts) == ({"public.items"}, ())


@pytest.mark.parametrize(
    ("statement", "doubt"),
    [
        (select(Unheard), "unheard has no enabled sa_notify triggers"),
        (select(Item).where(Item.secret == "x"), "items.secret are not announced"),
        (select(Item.id).order_by(Item.secret), "items.secret are not announced"),
    ],
    ids=["not realtime", "filtered by an excluded column", "sorted by one"],
)
def test_what_may_go_unheard_is_a_doubt(database: Engine, statement: Select[Any], doubt: str) -> None:
    """A doubt makes the query be read by the clock too: late, but never silently stale."""
    (found,) = _read(database, statement).doubts
    assert doubt in found


def test_a_column_that_the_trigger_does_not_know_is_a_doubt(database: Engine) -> None:
    """The model and the table have a new column, but the migration of the trigger has not run."""
    _execute(database, "ALTER TABLE items ADD COLUMN later text")
    items = Table("items", MetaData(), autoload_with=database)
    assert _read(database, select(items.c.id, items.c.title)).doubts == ()
    (doubt,) = _read(database, select(items.c.id).where(items.c.later == "x")).doubts
    assert "public.items.later are not announced" in doubt


def test_the_cache_notices_triggers_that_went(database: Engine) -> None:
    """What was right a minute ago is asked again, and forgotten when it is not."""
    cache = CoverageCache()
    _read(database, select(Item), cache)
    with database.connect().execution_options(**READING) as connection:
        assert not cache.changed(connection)
    _execute(database, "DROP TRIGGER _sa_notify_upd ON items")
    with database.connect().execution_options(**READING) as connection:
        assert cache.changed(connection)
    (doubt,) = _read(database, select(Item), cache).doubts
    assert "no enabled sa_notify triggers" in doubt


@pytest.mark.parametrize(
    "statement",
    [
        select(Item.id).order_by(text("secret DESC")),
        select(literal_column("items.secret").label("x")).select_from(Item),
        select(Item.id).where(column("secret") == "x"),
        select(table("items", column("secret"))),
        select(func.to_jsonb(literal_column("items"))).select_from(Item),
    ],
    ids=["sorted", "shown", "filtered", "light table", "row"],
)
def test_an_excluded_column_named_as_text_is_a_doubt(database: Engine, statement: Select[Any]) -> None:
    """SQLAlchemy does not know which column it is, PostgreSQL does: its changes are announced by nothing."""
    (found,) = _read(database, statement).doubts
    assert "public.items.secret are not announced" in found


@pytest.mark.parametrize(
    "statement",
    [
        select(func.count()).select_from(Item),
        select(Owner.id).where(exists().where(Item.owner_id == Owner.id)).order_by(text("id")),
        select(Item.id.label("n")).order_by(text("n")),
        select(literal_column("title").label("t")).select_from(Item),
    ],
    ids=["count(*)", "exists(*)", "label", "captured"],
)
def test_other_names_in_text_are_no_doubt(database: Engine, statement: Select[Any]) -> None:
    """A doubt costs a read every two seconds: none without a reason."""
    assert _read(database, statement).doubts == ()


def test_the_cache_notices_a_table_that_was_made_again(database: Engine) -> None:
    """Its rows are gone without a word, and its triggers are as they were."""
    cache = CoverageCache()
    _read(database, select(Item), cache)
    _execute(database, "DROP TABLE items")
    Item.metadata.create_all(database)
    with database.connect().execution_options(**READING) as connection:
        assert cache.changed(connection)
