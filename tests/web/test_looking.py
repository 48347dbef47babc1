"""New values that changes don't carry are read once for all queries of a table."""

import datetime as dt
import json
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask_socketio import SocketIO
from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    Engine,
    Float,
    Integer,
    Interval,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Text,
    Uuid,
    event,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError

from sa_notify import Dispatcher, realtime
from sa_notify.live.looking import Lookup
from sa_notify.web.looking import LARGE, look
from tests.apps.items import Item
from tests.protocol import wait_for
from tests.web.inprocess import ask, client, running, take

QUERIES = 1000
EAST = dt.timezone(dt.timedelta(hours=5))


@pytest.fixture
def delivery() -> str:
    return "notify"


VALUES: dict[str, tuple[Any, Any]] = {
    "n": (BigInteger(), 2**60),
    "d": (Date(), dt.date(2026, 2, 28)),
    "at": (DateTime(timezone=True), dt.datetime(2026, 2, 28, 12, 30, tzinfo=EAST)),
    "num": (Numeric(10, 2), Decimal("1.50")),
    "f": (Float(53), 0.1),
    "took": (Interval(), dt.timedelta(days=40, seconds=1)),
    "u": (Uuid(), UUID(int=7)),
    "raw": (LargeBinary(), b"\x00\xff"),
    'odd: "50%"': (Text(), "a:b %s"),
}


def test_values_are_as_triggers_carry_them(engine: Engine) -> None:
    """Of the rows that there are, whatever the session's settings and the columns' names."""
    metadata = MetaData()
    key = Column("a", Integer, primary_key=True), Column("b: x", Text, primary_key=True)
    table = Table("t", metadata, *key, *(Column(name, type_) for name, (type_, _) in VALUES.items()))
    realtime(delivery="notify", carry=list(VALUES))(table)
    metadata.create_all(engine)
    told = []
    with engine.connect() as connection:
        connection.execute(text("LISTEN sa_notify"))
        connection.commit()
        values = {name: value for name, (_, value) in VALUES.items()}
        connection.execute(insert(table), {"a": 1, "b: x": "it's", **values})
        connection.execute(insert(table), {"a": 2, "b: x": ""})
        connection.commit()
        raw: Any = connection.connection.driver_connection
        raw.poll()
        told = [json.loads(note.payload) for note in raw.notifies]
        connection.execute(text("UNLISTEN *"))
        connection.commit()
    carried = {tuple(c["k"]): {n: pair[1] for n, pair in c["w"].items()} for m in told for c in m["c"]}
    assert len(carried) == 2
    with engine.begin() as connection:
        name = connection.engine.url.database
        connection.execute(text(f"ALTER DATABASE {name} SET timezone = 'Asia/Tokyo'"))
        connection.execute(text(f"ALTER DATABASE {name} SET datestyle = 'SQL, DMY'"))
    engine.dispose()
    keys = (*carried, ("3", "none"))
    looked = look(engine, Lookup("public.t", ("a", "b: x"), tuple(VALUES), keys))
    assert looked.rows == carried
    assert looked.snapshot.sees(1)


def test_what_is_long_stays_unknown(engine: Engine) -> None:
    metadata = MetaData()
    table = Table("t", metadata, Column("id", Integer, primary_key=True), Column("body", Text))
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE t ALTER body SET STORAGE EXTERNAL"))
        connection.execute(insert(table), [{"id": 1, "body": "x" * (LARGE + 1)}, {"id": 2, "body": "y"}])
    looked = look(engine, Lookup("public.t", ("id",), ("body",), (("1",), ("2",), ("3",))))
    assert looked.rows == {("1",): {}, ("2",): {"body": "y"}}


def test_a_role_whose_policies_hide_rows_is_refused(engine: Engine) -> None:
    """A row that is hidden is not taken for one that is gone."""
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (id int PRIMARY KEY, v int)"))
        connection.execute(text("ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"))
        connection.execute(text("CREATE ROLE looker_of_nothing"))
        connection.execute(text("GRANT SELECT ON t TO looker_of_nothing"))
    become = text("SET LOCAL ROLE looker_of_nothing")
    event.listen(engine, "begin", lambda connection: connection.execute(become))
    try:
        with pytest.raises(DBAPIError, match="row-level security"):
            look(engine, Lookup("public.t", ("id",), ("v",), (("1",),)))
    finally:
        engine.dispose()
        with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(text("RESET ROLE"))
            connection.execute(text("DROP TABLE t"))
            connection.execute(text("DROP ROLE looker_of_nothing"))


class Statements:
    """What an engine's reads of the items are."""

    def __init__(self, engine: Engine) -> None:
        self.looks: list[str] = []
        self.reads: list[str] = []
        event.listen(engine, "before_cursor_execute", self._note)

    def _note(self, *given: Any) -> None:
        if "json_populate_recordset" in given[2]:
            self.looks.append(given[2])
        elif "FROM items" in given[2]:
            self.reads.append(given[2])


def test_a_change_costs_a_thousand_queries_one_small_read(database: Engine) -> None:
    """Queries of other values, whose rows it is none of, are not read; the one it concerns is."""
    dispatcher = Dispatcher()

    @dispatcher.query
    def of_priority(priority: int) -> Any:
        return select(Item.id, Item.title, Item.priority).where(Item.priority == priority).order_by(Item.id)

    app = Flask(__name__)
    # no window is read but for a change
    app.config.update(SECRET_KEY="test", SA_NOTIFY_MAX_SUBSCRIPTIONS=QUERIES, SA_NOTIFY_PROOF_SECONDS=3600)
    dispatcher.init_app(app, SocketIO(app, async_mode="threading"), engine=database)
    seen: list[Any] = []
    watcher = client(app)
    for n in range(QUERIES):
        assert ask(watcher, "subscribe", id=n, query="of_priority", params={"priority": n})["ok"]
    wait_for(lambda: len(take(watcher, seen, "snapshot")) == QUERIES, "all windows")
    hub = running(app).runner._hub
    wait_for(lambda: all(live.idle for live in hub.subscriptions.all()), "rest")
    statements = Statements(database)

    def after(change: Any) -> tuple[int, int, int]:
        before, diffs = (len(statements.looks), len(statements.reads)), len(take(watcher, seen, "diff"))
        with database.begin() as connection:
            connection.execute(change)
        wait_for(lambda: len(statements.looks) > before[0], "a look")
        wait_for(lambda: not hub.overdue(float("inf"), 0.0), "rest")
        told = len(take(watcher, seen, "diff")) - diffs
        return len(statements.looks) - before[0], len(statements.reads) - before[1], told

    assert after(insert(Item).values(owner_id=1, title="nobody's", priority=5000)) == (1, 0, 0)
    assert after(update(Item).where(Item.priority == 5000).values(priority=6000)) == (1, 0, 0)
    # its new window is read
    assert after(update(Item).where(Item.priority == 6000).values(priority=900)) == (1, 1, 1)
    # the window that has it, and the one that gets it, as one statement
    looks, reads, told = after(update(Item).where(Item.priority == 900).values(priority=901))
    assert (looks, told) == (1, 2)
    assert reads <= 2
