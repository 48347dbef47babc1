"""Tables, columns and views that change under live queries: windows are right, or closed with the reason."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask_socketio import SocketIO, SocketIOTestClient
from sqlalchemy import Engine, column, create_engine, func, insert, select, table, text, update

from sa_notify import Dispatcher
from tests.apps.items import Item, Owner
from tests.protocol import wait_for
from tests.web.inprocess import ask, client, take

NEVER = 3600.0


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalog is asked at once, and no clock reads."""
    monkeypatch.setattr("sa_notify.web.running.COVERAGE_SECONDS", 0.2)
    monkeypatch.setattr("sa_notify.live.hub.UNWATCHED_SECONDS", NEVER)


class Window:
    """One client's window, put together from what it is sent."""

    def __init__(self, app: Flask, query: str) -> None:
        self._seen: list[Any] = []
        self._client: SocketIOTestClient = client(app)
        assert ask(self._client, "subscribe", id=1, query=query)["ok"]
        wait_for(lambda: self._events("snapshot"), "the snapshot")

    def _events(self, name: str) -> list[Any]:
        return take(self._client, self._seen, name)

    @property
    def closed(self) -> str | None:
        found = self._events("closed")
        return str(found[0]["error"]["message"]) if found else None

    @property
    def rows(self) -> list[Any]:
        rows = [list(row) for row in self._events("snapshot")[-1]["rows"]]
        for event in self._events("diff"):
            for op, *arguments in event["ops"]:
                keys = [key for key, _ in rows]
                if op == "insert":
                    rows.insert(arguments[0], arguments[1:])
                elif op == "move":
                    rows.insert(arguments[1], rows.pop(keys.index(arguments[0])))
                elif op == "remove":
                    del rows[keys.index(arguments[0])]
                else:
                    rows[keys.index(arguments[0])][1].update(arguments[1])
        return [values for _, values in rows]


@pytest.fixture
def driver() -> str:
    return "psycopg2"


@pytest.fixture
def app(database: Engine, driver: str) -> Iterator[Flask]:
    """An application with queries over a table, columns of it, and a view."""
    write(database, "CREATE VIEW titles AS SELECT id, title AS text FROM items WHERE id < 4")
    engine = create_engine(database.url.set(drivername=f"postgresql+{driver}"))
    app, dispatcher = Flask(__name__), Dispatcher()
    app.config.update(SECRET_KEY="test", SA_NOTIFY_PROOF_SECONDS=NEVER, SA_NOTIFY_RECHECK_SECONDS=NEVER)
    dispatcher.init_app(app, SocketIO(app, async_mode="threading"), engine=engine)

    @dispatcher.query(refresh=NEVER)
    def columns() -> Any:
        return select(Item.id, Item.title).where(Item.id < 4).order_by(Item.id)

    @dispatcher.query(refresh=NEVER)
    def view() -> Any:
        titles = table("titles", column("id"), column("text"))
        return select(titles.c.id, titles.c.text.label("title")).order_by(titles.c.id)

    @dispatcher.query(refresh=NEVER)
    def written() -> Any:
        return select(func.count().label("n")).select_from(text("(SELECT id FROM titles) AS t"))

    yield app
    app.extensions["sa_notify"].stop()
    engine.dispose()


def write(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def titles(window: Window) -> list[str]:
    return [row["title"] for row in window.rows]


def test_a_view_over_realtime_tables_is_live(database: Engine, app: Flask, caplog: Any) -> None:
    """As its table changes, without any clock; so is a text that reads the view."""
    with caplog.at_level(logging.WARNING):
        window, count = Window(app, "view"), Window(app, "written")
        with database.begin() as connection:
            connection.execute(update(Item).where(Item.id == 2).values(title="changed"))
            connection.execute(Item.__table__.delete().where(Item.id == 3))
    wait_for(lambda: titles(window) == ["item 0", "changed"], "the change")
    wait_for(lambda: count.rows == [{"n": 2}], "the count")
    assert "is read every" not in caplog.text


def test_a_view_over_others_is_read_by_the_clock(database: Engine, app: Flask, caplog: Any) -> None:
    """One warning names the table that is to be mended, and the query."""
    write(database, "CREATE OR REPLACE VIEW titles AS SELECT id, 'x'::varchar AS text FROM unheard")
    with caplog.at_level(logging.WARNING):
        Window(app, "view")
    (warning,) = [record.message for record in caplog.records if "is read every" in record.message]
    assert "live query view is read every" in warning
    assert "public.unheard has no enabled sa_notify triggers: decorate its model" in warning
    assert "titles" not in warning


@pytest.mark.parametrize("driver", ["psycopg2", "psycopg"])
def test_what_does_not_matter_changes_nothing(database: Engine, app: Flask) -> None:
    """The window goes on, also when a driver has prepared its statement, as psycopg does in time."""
    changes = [
        "ALTER TABLE items ADD COLUMN later text",
        "ALTER TABLE items DROP COLUMN price",
        "ALTER TABLE items RENAME COLUMN priority TO urgency",
        "DROP VIEW titles",
        "ALTER TABLE items ALTER title TYPE text",
    ]
    window = Window(app, "columns")
    for number in range(7):
        write(database, f"UPDATE items SET title = 'before {number}' WHERE id = 2")
        wait_for(lambda number=number: titles(window)[1] == f"before {number}", "a change")
    for number, change in enumerate(changes):
        write(database, change, f"UPDATE items SET title = 'after {number}' WHERE id = 2")
        wait_for(lambda number=number: titles(window)[1] == f"after {number}", change)
    assert window.closed is None


GONE = [
    ("ALTER TABLE items RENAME COLUMN title TO name", "ALTER TABLE items RENAME COLUMN name TO title"),
    ("ALTER TABLE items RENAME TO things", "ALTER TABLE things RENAME TO items"),
    ("ALTER TABLE items SET SCHEMA other", "ALTER TABLE other.items SET SCHEMA public"),
    ("ALTER TABLE items DROP COLUMN title CASCADE", "ALTER TABLE items ADD COLUMN title text DEFAULT 'x'"),
    ("DROP TABLE items CASCADE", "SELECT"),
]


def test_what_is_gone_closes(database: Engine, app: Flask, caplog: Any) -> None:
    """With a reason that its reader understands, and one for the log that says what to do."""
    write(database, "CREATE SCHEMA other")
    for change, back in GONE:
        window = Window(app, "columns")
        caplog.clear()
        write(database, change)
        wait_for(lambda window=window: window.closed, f"closed after {change}")
        assert window.closed == "a table or column that the query reads does not exist any more"
        (failure,) = [record.message for record in caplog.records if "SQLSTATE 42" in record.message]
        assert "run the migrations that it waits for" in failure
        write(database, back)


def test_what_may_no_longer_be_read_closes(database: Engine, app: Flask, caplog: Any) -> None:
    """When it is read again."""
    role = f"reader_{database.url.database}"
    write(
        database,
        f"CREATE ROLE {role}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}",
        "CREATE OR REPLACE VIEW titles AS SELECT id, title AS text FROM items WHERE id < 4",
        f"ALTER VIEW titles OWNER TO {role}",
    )
    try:
        window = Window(app, "view")
        write(database, f"REVOKE SELECT ON items FROM {role}", "UPDATE items SET title = 'x' WHERE id = 1")
        wait_for(lambda: window.closed, "closed")
        assert window.closed == "the database does not let the query read this"
        assert "grant" in caplog.text
    finally:
        write(
            database, "ALTER VIEW titles OWNER TO CURRENT_USER", f"DROP OWNED BY {role}", f"DROP ROLE {role}"
        )


def test_a_view_that_is_replaced(database: Engine, app: Flask) -> None:
    """The window is what the view says now; when it is dropped, the window is closed."""
    window = Window(app, "view")
    write(database, "CREATE OR REPLACE VIEW titles AS SELECT id, title AS text FROM items WHERE id < 3")
    wait_for(lambda: titles(window) == ["item 0", "item 1"], "the other view's rows")
    write(database, "CREATE OR REPLACE VIEW titles AS SELECT id, name AS text FROM owners")
    wait_for(lambda: "owner 3" in titles(window), "the third view's rows")
    with database.begin() as connection:
        connection.execute(insert(Owner), {"id": 50, "name": "owner 50"})
    wait_for(lambda: "owner 50" in titles(window), "a change of what it reads now")
    write(database, "DROP VIEW titles", "CREATE VIEW titles AS SELECT id, title AS text FROM items")
    wait_for(lambda: "item 39" in titles(window), "the fourth view's rows")
    write(database, "UPDATE items SET title = 'changed' WHERE id = 5")
    wait_for(lambda: "changed" in titles(window), "a change of what it reads then")
    write(database, "DROP VIEW titles")
    wait_for(lambda: window.closed, "closed")
