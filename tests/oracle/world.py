"""A database of one schema, with models, triggers and an open source of its changes."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    create_engine,
    event,
    make_url,
    text,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import registry
from sqlalchemy.pool import NullPool

from sa_notify import realtime
from sa_notify.errors import SourceLost
from sa_notify.source.connect import listen_connect
from sa_notify.source.database import DatabaseSource, database_source
from tests.oracle.kinds import ALWAYS, KINDS, LOOSE

TABLES = ("a", "b", "c")
#: Columns of each table's primary key.
KEYS = {"a": ("id",), "b": ("a_id", "k"), "c": ("code",)}
#: A statement that touches more rows of this table is announced as bulk.
BULK_LIMITS = {"a": 1000, "b": 6, "c": 3}
WRITERS = 3
#: Not carried where columns are named.
_LARGE = ("j", "xs")

#: Where the server has ICU.
MAKE_LOOSE = text(
    f"CREATE COLLATION IF NOT EXISTS {LOOSE} "
    "(provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
)

Schema = dict[str, list[str]]


class World:
    """Tables ``a`` (an integer key), ``b`` (a composite key, of an ``a``) and ``c`` (a text key).

    :param schema: kinds of the columns that each table has beside :data:`ALWAYS`.
    :param delivery: how changes travel: ``"outbox"``, ``"notify"``, or ``"carry"``, which is ``"notify"``
        with the values of most columns.
    """

    def __init__(self, engine: Engine, schema: Schema, delivery: str) -> None:
        self.engine, self.schema, self.delivery = engine, schema, delivery
        self.metadata = MetaData()
        self.models = _models(self.metadata, schema, loose=_loose(engine))
        for name, model in self.models.items():
            carry = [kind for kind in self.kinds(name) if kind not in _LARGE] if delivery == "carry" else None
            travels = "outbox" if delivery == "outbox" else "notify"
            realtime(delivery=travels, carry=carry, bulk_limit=BULK_LIMITS[name])(model)
        self.metadata.create_all(engine)
        self.names = [f"public.{name}" for name in TABLES]
        #: Called after each statement of the application.
        self.executed: Callable[[], None] = lambda: None
        event.listen(engine, "after_cursor_execute", lambda *_: self.executed())
        #: Of the test itself.
        self._own = create_engine(engine.url)
        self.writers = [_writer(self._own) for _ in range(WRITERS)]
        #: Sees what is committed.
        self.watching = self._own.connect().execution_options(isolation_level="AUTOCOMMIT")
        self.source: DatabaseSource = database_source(listen_connect(engine), "notify")
        self.source.open()

    def kinds(self, table: str) -> tuple[str, ...]:
        """Kinds, which are names, of a table's columns that are neither key nor foreign key."""
        return (*ALWAYS, *self.schema[table])

    def have_captured(self) -> None:
        """All changes of all tables, from now on."""
        try:
            self._take()
        except SourceLost:
            self.source.close()
            self.source.open()
            self._take()

    def _take(self) -> None:
        if self.source.interest is not None:
            self.source.interest.take(self.names)

    def reset(self, rows: list[str]) -> None:
        """Nothing but these rows, written by these statements."""
        for writer in self.writers:
            writer.rollback()
        with self._own.begin() as connection:
            connection.exec_driver_sql("TRUNCATE a, b, c")
            for statement in rows:
                try:
                    with connection.begin_nested():
                        run_sql(connection, statement)
                except DBAPIError:
                    continue  # rows that don't fit together are part of the game

    def close(self) -> None:
        """Give all connections back."""
        for writer in self.writers:
            writer.close()
        self.watching.close()
        self.source.close()
        self._own.dispose()
        self.engine.dispose()


def run_sql(connection: Connection, sql: str) -> None:
    """Execute SQL that has no parameters."""
    connection.exec_driver_sql(sql.replace("%", "%%"))


def _writer(engine: Engine) -> Connection:
    """A session that writes; it waits for no other, since nobody would go on meanwhile."""
    connection = engine.connect()
    connection.exec_driver_sql("SET lock_timeout = '2ms'")
    connection.commit()
    return connection


def _models(metadata: MetaData, schema: Schema, *, loose: bool) -> dict[str, Any]:
    columns = {
        name: [Column(kind, _type(kind, loose=loose)) for kind in (*ALWAYS, *schema[name])] for name in TABLES
    }
    number = Column("id", Integer, primary_key=True, autoincrement=False)
    tables = {
        "a": Table("a", metadata, number, *columns["a"]),
        "b": Table(
            "b", metadata, Column("a_id", Integer), Column("k", Text), *columns["b"],
            PrimaryKeyConstraint("a_id", "k"),
            ForeignKeyConstraint(["a_id"], ["a.id"], ondelete="CASCADE", onupdate="CASCADE"),
        ),
        "c": Table(
            "c", metadata, Column("code", Text, primary_key=True), Column("a_id", Integer), *columns["c"],
            ForeignKeyConstraint(["a_id"], ["a.id"], ondelete="SET NULL", onupdate="CASCADE"),
        ),
    }  # fmt: skip
    mappers = registry(metadata=metadata)
    return {
        name: mappers.mapped(type(name.upper(), (), {"__table__": table})) for name, table in tables.items()
    }


def _type(kind: str, *, loose: bool) -> Any:
    return Text() if kind == "ci" and not loose else KINDS[kind].type()


def _loose(engine: Engine) -> bool:
    """Make the collation that ignores case, if the server can."""
    try:
        with engine.begin() as connection:
            connection.execute(MAKE_LOOSE)
    except DBAPIError:
        return False
    return True


@contextmanager
def fresh_database(server: str) -> Iterator[str]:
    """The URL of a new database, dropped at the end."""
    name = f"oracle_{uuid.uuid4().hex[:12]}"
    maintenance = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with maintenance.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        with maintenance.connect() as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))


@contextmanager
def new_world(server: str, schema: Schema, delivery: str) -> Iterator[World]:
    """A world in a database of its own on this server."""
    with ExitStack() as stack:
        url = stack.enter_context(fresh_database(server))
        world = World(create_engine(url, pool_size=10), schema, delivery)
        stack.callback(world.close)
        yield world
