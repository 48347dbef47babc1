"""``muted()``: one notice for each table, for exactly what is written inside."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Column, Connection, Engine, Integer, Table, Text, create_engine, event, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import (
    AsyncSession,
    async_scoped_session,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase, Session, scoped_session, sessionmaker

from sa_notify import muted
from sa_notify.errors import ConfigurationError

BULK = [{"o": "b"}]


class Base(DeclarativeBase):
    pass


class Item(Base):
    __table__ = Table("items", Base.metadata, Column("id", Integer, primary_key=True), Column("a", Text))


@pytest.fixture(autouse=True)
def items(database: Any) -> Table:
    created: Table = database.create(Item.__table__)
    return created


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with Session(engine) as session:
        yield session


def insert(subject: Session | Connection, number: int) -> None:
    subject.execute(text("INSERT INTO items VALUES (:id)"), {"id": number})


def keys(database: Any) -> list[Any]:
    """What was announced: a key for each row, "bulk" for a whole table."""
    return [change["k"][0] if "k" in change else "bulk" for change in database.ear.changes()]


def setting(subject: Session | Connection) -> str | None:
    value: str | None = subject.execute(text("SELECT current_setting('sa_notify.muted', true)")).scalar()
    return value


@pytest.mark.parametrize("begun", [True, False])
def test_session(database: Any, session: Session, begun: bool) -> None:
    """What is written inside is one notice, what is written before and after is told row by row."""
    if begun:
        insert(session, 1)
    with muted(session):
        insert(session, 2)
        session.execute(text("UPDATE items SET a = 'x'"))
    insert(session, 3)
    session.commit()
    assert keys(database) == ([*["1"], "bulk", "3"] if begun else ["bulk", "3"])


def test_flushes_at_both_ends(database: Any, session: Session) -> None:
    """Objects count as written where they were added."""
    session.add(Item(id=1))
    with muted(session):
        session.add(Item(id=2))
        session.add(Item(id=3))
    session.commit()
    assert keys(database) == ["1", "bulk"]


def test_each_table_once(database: Any, session: Session, metadata: Any) -> None:
    """Every table that was touched is named once, however many statements touched it."""
    database.create(Table("others", metadata, Column("id", Integer, primary_key=True)))
    with muted(session):
        for number in range(5):
            insert(session, number)
            session.execute(text(f"INSERT INTO others VALUES ({number})"))
        session.execute(text("DELETE FROM items WHERE id = 99"))
    session.commit()
    assert [(m["t"], m["c"]) for m in database.ear.messages()] == [
        ("public.items", BULK),
        ("public.others", BULK),
    ]


def test_several_transactions(database: Any, session: Session) -> None:
    """A block may commit in between: each transaction that begins inside is muted."""
    with muted(session):
        for number in (1, 2):
            insert(session, number)
            session.commit()
            assert keys(database) == ["bulk"]
    insert(session, 3)
    session.commit()
    assert keys(database) == ["3"]


def test_nested(database: Any, session: Session) -> None:
    """The inner block's end does not end the outer one, across commits too."""
    with muted(session):
        with muted(session):
            insert(session, 1)
            session.commit()
            insert(session, 2)
        insert(session, 3)
        session.commit()
        assert keys(database) == ["bulk", "bulk"]
        with muted(session):
            pass
        insert(session, 4)
    insert(session, 5)
    session.commit()
    assert keys(database) == ["bulk", "5"]


def test_same_block_twice(database: Any, session: Session) -> None:
    """One object may be entered again, inside itself and afterwards."""
    quiet = muted(session)
    with quiet, quiet:
        insert(session, 1)
    insert(session, 2)
    with quiet:
        insert(session, 3)
    session.commit()
    assert keys(database) == ["bulk", "2"]


@pytest.mark.parametrize("inner", [True, False])
def test_savepoints(database: Any, session: Session, inner: bool) -> None:
    """A savepoint that is rolled back inside the block, or around it, changes nothing outside."""
    insert(session, 1)
    if inner:
        with muted(session):
            savepoint = session.begin_nested()
            insert(session, 2)
            savepoint.rollback()
            insert(session, 3)
    else:
        savepoint = session.begin_nested()
        with muted(session):
            insert(session, 2)
        savepoint.rollback()
    insert(session, 4)
    session.commit()
    assert keys(database) == (["1", "bulk", "4"] if inner else ["1", "4"])


def test_errors_inside(database: Any, session: Session) -> None:
    """A failed statement leaves the block as any block: what follows a rollback is told row by row."""
    insert(session, 1)
    with pytest.raises(IntegrityError), muted(session):
        insert(session, 1)
    session.rollback()
    insert(session, 2)
    session.commit()
    assert keys(database) == ["2"]


def test_errors_inside_a_savepoint(database: Any, session: Session) -> None:
    """The transaction goes on after a failed savepoint, not muted."""
    insert(session, 1)
    with pytest.raises(IntegrityError), session.begin_nested(), muted(session):
        insert(session, 1)
    insert(session, 2)
    session.commit()
    assert keys(database) == ["1", "2"]


def test_errors_of_python(database: Any, session: Session) -> None:
    """An exception that concerns no statement ends the block and not the transaction."""

    def fail() -> None:
        with muted(session):
            insert(session, 1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    insert(session, 2)
    session.commit()
    assert keys(database) == ["bulk", "2"]


def test_transaction_ended_inside(database: Any, session: Session) -> None:
    """A block whose transaction is over leaves no trace, and begins none."""
    with muted(session):
        insert(session, 1)
        session.commit()
    assert not session.in_transaction()


def test_pooled_connection(database: Any) -> None:
    """Whoever gets the connection from the pool next is not muted, even if the block was never left."""
    engine = create_engine(database.engine.url, pool_size=1, max_overflow=0)
    with engine.connect() as connection:
        never_left = muted(connection)
        never_left.__enter__()
        insert(connection, 1)
        connection.commit()
        insert(connection, 2)
    with engine.begin() as connection:
        assert not setting(connection)
        insert(connection, 3)
    engine.dispose()
    assert keys(database) == ["bulk", "3"]


def test_connection(database: Any, engine: Engine) -> None:
    """A connection is muted with its transactions, begun before, inside, or by themselves."""
    with engine.connect() as connection:
        with muted(connection):
            assert not connection.in_transaction()
            with connection.begin():
                insert(connection, 1)
            insert(connection, 2)
        insert(connection, 3)
        connection.commit()
        with connection.begin():
            insert(connection, 4)
            with muted(connection):
                insert(connection, 5)
            insert(connection, 6)
    assert keys(database) == ["bulk", "bulk", "3", "4", "bulk", "6"]


def test_several_binds(database: Any, engine: Engine) -> None:
    """All connections of a session are muted, those that it has and those that it takes later."""
    second = create_engine(database.engine.url)
    with Session(engine, binds={Item: second}) as session:
        with muted(session):
            session.add(Item(id=1))
            session.flush()
            with muted(session):
                session.execute(text("INSERT INTO items VALUES (2)"))
            assert setting(session) == "on"
        session.add(Item(id=3))
        session.commit()
    second.dispose()
    assert sorted(keys(database)) == ["3", "bulk", "bulk"]


def test_scoped_session(database: Any, engine: Engine) -> None:
    """``db.session`` of Flask-SQLAlchemy is such a registry."""
    session = scoped_session(sessionmaker(engine))
    with muted(session):
        session.add(Item(id=1))
    session.commit()
    session.remove()
    assert keys(database) == ["bulk"]


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_async(database: Any, driver: str) -> None:
    """Async sessions and connections are muted the same way."""

    async def write() -> None:
        engine = create_async_engine(database.engine.url.set(drivername=f"postgresql+{driver}"))
        async with AsyncSession(engine) as session:
            async with muted(session), muted(session):
                session.add(Item(id=1))
            session.add(Item(id=2))
            await session.commit()
        registry = async_scoped_session(async_sessionmaker(engine), scopefunc=asyncio.current_task)
        async with muted(registry):
            registry.add(Item(id=3))
        await registry.commit()
        await registry.remove()
        async with engine.connect() as connection:
            async with muted(connection), connection.begin():
                await connection.execute(text("INSERT INTO items VALUES (4)"))
            async with connection.begin():
                await connection.execute(text("INSERT INTO items VALUES (5)"))
        await engine.dispose()

    asyncio.run(write())
    assert keys(database) == ["bulk", "2", "bulk", "bulk", "5"]


def test_refused(engine: Engine) -> None:
    """What can't be muted says what can, before anything is written."""
    with pytest.raises(ConfigurationError, match="takes a Session or a Connection, not Engine"):
        muted(engine)
    with (
        engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection,
        muted(connection),
        pytest.raises(ConfigurationError, match="commits each statement by itself"),
    ):
        insert(connection, 1)
    with (
        pytest.raises(ConfigurationError, match="async with"),
        muted(AsyncSession()),
    ):
        pass

    async def wrongly() -> None:
        with Session(engine) as session:
            async with muted(session):
                pass

    with pytest.raises(ConfigurationError, match="`with muted"):
        asyncio.run(wrongly())


def test_other_databases() -> None:
    """On SQLite it does nothing."""
    engine = create_engine("sqlite://")
    with Session(engine) as session, muted(session):
        session.execute(text("SELECT 1"))
    engine.dispose()


def test_nothing_is_asked_of_who_does_not_use_it(engine: Engine) -> None:
    """A setting is made once in a transaction, and in none where nothing is muted."""
    said: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda c, cursor, statement, *_: said.append(statement))
    with Session(engine) as session:
        for number in range(5):
            insert(session, number)
        session.commit()
        assert not any("sa_notify" in statement for statement in said)
        with muted(session):
            for number in range(5, 10):
                insert(session, number)
        session.commit()
    asked = [statement.partition("(")[0] for statement in said if "sa_notify" in statement]
    assert asked == ["SELECT coalesce", "SELECT set_config", "SELECT set_config"]
