"""``scope=``: row-level security and settings of the session, each subscriber under its own."""

import logging
import re
import uuid
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask, abort, request
from flask_socketio import SocketIO
from sqlalchemy import Engine, column, create_engine, func, insert, make_url, select, text, update
from sqlalchemy.exc import ProgrammingError

from sa_notify import Dispatcher
from sa_notify.errors import QueryError
from sa_notify.web.reader import READING, CoverageCache
from sa_notify.web.scope import Scope
from tests.apps.items import Base, Item, Owner
from tests.deliveries import DELIVERIES, delivered
from tests.protocol import wait_for
from tests.web.inprocess import ask, client, take
from tests.web.test_hidden import executed, read, view

NEVER = 3600.0

POLICIES = """
CREATE VIEW mine AS SELECT id, title FROM items;
CREATE VIEW mine_too WITH (security_barrier) AS SELECT id, title FROM mine;
CREATE TABLE members (owner_id int, name text);
CREATE FUNCTION tenant() RETURNS int LANGUAGE sql STABLE AS $$ SELECT current_setting('app.owner')::int $$;
CREATE FUNCTION guess() RETURNS int LANGUAGE plpgsql STABLE
    AS $$ BEGIN RETURN current_setting('app.owner'); END $$;
ALTER TABLE items ENABLE ROW LEVEL SECURITY;
ALTER TABLE items FORCE ROW LEVEL SECURITY;
CREATE POLICY all_writes ON items FOR INSERT WITH CHECK (true);
CREATE POLICY all_updates ON items FOR UPDATE USING (true);
"""

#: What a policy may ask, whether ``scope={"app.owner": ...}`` makes it certain, and the tables it reads.
RULES: dict[str, tuple[str, Sequence[str], set[str]]] = {
    "column": ("priority > 3", (), set()),
    "setting": ("owner_id = current_setting('app.owner')::int", (), set()),
    "setting that may be missing": ("owner_id::text = current_setting('App.Owner', true)", (), set()),
    "setting in a function": ("owner_id = tenant()", (), set()),
    "other table": (
        "EXISTS (SELECT FROM owners o WHERE o.id = owner_id AND o.id = current_setting('app.owner')::int)",
        (),
        {"public.owners"},
    ),
    "other setting": ("owner_id::text = current_setting('app.other', true)", ["app.other.*scope="], set()),
    "setting of any name": (
        "owner_id::text = current_setting('app.' || 'owner')",
        ["current_setting"],
        set(),
    ),
    "user": ("title <> current_user", ["current_user in a policy of public.items.*session"], set()),
    "clock": ("price IS NULL AND now() > '2026-01-01'", [r"now\(\) in a policy.*clock"], set()),
    "table that is not realtime": (
        "owner_id NOT IN (SELECT owner_id FROM members)",
        ["public.members has no enabled"],
        {"public.members"},
    ),
    "function in PL/pgSQL": ("owner_id = guess()", [r"public.guess\(\) in a policy.*tables="], set()),
}


@pytest.fixture
def database(engine: Engine, delivery: str) -> Iterator[Engine]:
    """Tables of a role that no superuser's rights let past its own policies."""
    url = make_url(engine.url)
    role = f"tenant_{url.database}"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE ROLE {role} LOGIN"))
        connection.execute(text(f"ALTER DATABASE {url.database} OWNER TO {role}"))
        connection.execute(text(f"ALTER SCHEMA public OWNER TO {role}"))
    own = create_engine(url.set(username=role))
    with delivered(Base.metadata, delivery):
        Base.metadata.create_all(own)
    with own.begin() as connection:
        connection.execute(insert(Owner), [{"id": n, "name": f"owner {n}"} for n in range(4)])
        rows = [{"owner_id": n % 4, "title": f"item {n}", "priority": n % 7} for n in range(40)]
        connection.execute(insert(Item), rows)
        connection.exec_driver_sql(POLICIES)
    yield own
    own.dispose()
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"ALTER DATABASE {url.database} OWNER TO CURRENT_USER"))
        connection.execute(text(f"DROP OWNED BY {role} CASCADE"))
        connection.execute(text(f"DROP ROLE {role}"))


def police(engine: Engine, rule: str) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP POLICY IF EXISTS tenants ON items")
        connection.exec_driver_sql(f"CREATE POLICY tenants ON items FOR SELECT USING ({rule})")


def test_policies(database: Engine) -> None:
    """Those are no doubt that depend on columns and on what the scope says; others are, with the mend."""
    wrong = {}
    for name, (rule, doubts, tables) in RULES.items():
        police(database, rule)
        for statement in (select(Item.id, Item.title), view("mine"), view("mine_too")):
            reading = read(database, statement, settings=[("app.owner", "1")])
            told = [any(re.search(doubt, found) for found in reading.doubts) for doubt in doubts]
            if (
                reading.tables != tables | {"public.items"}
                or len(told) != len(reading.doubts)
                or not all(told)
            ):
                wrong[f"{name}: {statement}"] = (set(reading.tables), reading.doubts)

    assert wrong == {}


def test_without_a_scope_the_setting_is_a_doubt(database: Engine) -> None:
    """The mend is in the sentence."""
    police(database, "owner_id::text = current_setting('app.owner', true)")

    cache = CoverageCache()
    assert read(database, select(Item), cache, settings=[("app.owner", "1")]).doubts == ()
    (doubt,) = read(database, select(Item), cache).doubts

    assert "scope={'app.owner': ...}" in doubt


def test_current_setting_in_a_statement(database: Engine) -> None:
    """It is no doubt where the scope gives its value, written with constructs or as text."""
    police(database, "true")
    asked = [
        select(Item.id).where(Item.title == func.current_setting("app.owner", True)),
        select(Item.id).where(text("title = current_setting('App.owner')")),
        select(func.tenant()),
    ]
    # a session that has the setting from elsewhere
    given = create_engine(database.url, connect_args={"options": "-c app.owner=2"})
    for statement in asked:
        assert read(database, statement, settings=[("app.owner", "1")]).doubts == ()
        (doubt,) = read(given, statement).doubts
        assert "scope={'app.owner': ...}" in doubt
    given.dispose()


def test_nothing_is_left_in_the_connection(database: Engine) -> None:
    """Settings end with the transaction, also when the statement fails in it."""
    police(database, "owner_id = current_setting('app.owner')::int")
    engine = create_engine(database.url, pool_size=1, max_overflow=0)
    cache, setting = CoverageCache(), "SELECT nullif(current_setting('app.owner', true), '')"
    for owner in ("1", "2"):
        rows = read(engine, select(Item.owner_id), cache, settings=[("app.owner", owner)]).rows
        assert {row["owner_id"] for _, row in rows} == {int(owner)}
        with engine.connect() as connection:
            assert connection.scalar(text(setting)) is None
    with pytest.raises(ProgrammingError):
        read(engine, view("nowhere"), cache, settings=[("app.owner", "3")])
    with engine.connect() as connection:
        assert connection.scalar(text(setting)) is None
    engine.dispose()


def test_settings_come_first(database: Engine) -> None:
    """Nothing is read before them."""
    with executed(database) as seen:
        read(database, select(Item), settings=[("app.owner", "1"), ("app.other", "2")])
    names = [next((word for word in ("set_config", "snapshot", "items") if word in sql), sql) for sql in seen]

    assert names[:3] == ["snapshot", "set_config", "items"]


def make(engine: Engine, **options: Any) -> tuple[Flask, Dispatcher]:
    app, dispatcher = Flask(__name__), Dispatcher()
    app.config.update(SECRET_KEY="test", SA_NOTIFY_PROOF_SECONDS=NEVER)
    dispatcher.init_app(app, SocketIO(app, async_mode="threading"), engine=engine)

    @dispatcher.query(refresh=NEVER, **options)
    def items(sort: str = "id") -> Any:
        return select(Item.id, Item.owner_id, Item.title).order_by(column(sort))

    return app, dispatcher


def _owner() -> dict[str, Any]:
    owner = request.cookies.get("owner")
    if owner is None:
        abort(403)
    return {"app.owner": owner}


@pytest.fixture
def no_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing shows because it was read by the clock."""
    monkeypatch.setattr("sa_notify.live.hub.UNWATCHED_SECONDS", NEVER)


@pytest.mark.usefixtures("no_clock")
@pytest.mark.parametrize("delivery", DELIVERIES)
def test_each_subscriber_sees_its_own_rows(
    engine: Engine, database: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    """As they change, without a clock; who has the same scope shares one reading, nobody else does."""
    police(database, "owner_id = current_setting('app.owner')::int")
    app, _ = make(database, scope=_owner)
    clients = [client(app, cookie=f"owner={owner}") for owner in (1, 2, 1)]
    seen: list[list[Any]] = [[], [], []]
    with caplog.at_level(logging.WARNING):
        keys = [ask(one, "subscribe", id=1, query="items")["key"] for one in clients]
        for one, events in zip(clients, seen, strict=True):
            wait_for(lambda one=one, events=events: take(one, events, "snapshot"), "the snapshot")
    assert keys[0] == keys[2] != keys[1]
    for owner, events in zip((1, 2, 1), seen, strict=True):
        shown = {row["owner_id"] for _, row in take(clients[0], events, "snapshot")[0]["rows"]}
        assert shown == {owner}
    with engine.begin() as connection:  # as a superuser, whom no policy keeps from it
        connection.execute(update(Item).where(Item.id == 3).values(title="changed", owner_id=1))
    wait_for(lambda: "changed" in str(take(clients[0], seen[0], "diff")), "a row that comes")
    wait_for(lambda: "remove" in str(take(clients[1], seen[1], "diff")), "a row that goes")
    assert "is read every" not in caplog.text


def test_who_may_not_is_refused(database: Engine) -> None:
    """The scope's function is called in the subscriber's context, and may refuse."""
    app, _ = make(database, scope=_owner)

    assert ask(client(app), "subscribe", id=1, query="items")["error"]["code"] == "forbidden"


def test_another_scope_moves_its_subscriber(database: Engine) -> None:
    """When it is asked again."""
    police(database, "owner_id = current_setting('app.owner')::int")
    owner, seen = ["1"], []
    app, dispatcher = make(database, scope=lambda: {"app.owner": owner[0]})
    one = client(app)
    key = ask(one, "subscribe", id=1, query="items")["key"]
    wait_for(lambda: len(take(one, seen, "snapshot")) == 1, "the snapshot")
    owner[0] = "2"
    with app.app_context():
        dispatcher.revoke()
    wait_for(lambda: len(take(one, seen, "snapshot")) == 2, "another snapshot")
    moved = take(one, seen, "snapshot")[1]
    assert moved["key"] != key and {row["owner_id"] for _, row in moved["rows"]} == {2}


def test_what_a_scope_gives() -> None:
    """Text, by names that PostgreSQL takes for the same."""
    one = uuid.uuid4()
    given = {"app.tenant_id": 5, "App.User": one, "app.sub.x$1": "ü"}

    assert Scope(given, frozenset()).settings({}) == (
        ("app.sub.x$1", "ü"),
        ("app.tenant_id", "5"),
        ("app.user", str(one)),
    )
    assert Scope(None, frozenset()).settings({}) == ()
    taking = Scope(lambda owner, other=3: {"a.b": f"{owner}{other}"}, frozenset({"owner", "sort"}))
    assert taking.settings({"owner": 1, "sort": "id"}) == (("a.b", "13"),)
    everything = Scope(lambda **all_of: {"a.b": str(sorted(all_of))}, frozenset({"owner", "sort"}))
    assert everything.settings({"owner": 1, "sort": "id"}) == (("a.b", "['owner', 'sort']"),)


@pytest.mark.parametrize(
    ("scope", "message"),
    [
        ("app.tenant", "scope= is a str: give it settings"),
        ({"role": "admin"}, "can't set 'role': name a setting of your own, which has a point in it"),
        ({"search_path": "x"}, "can't set 'search_path'"),
        ({"app.tenant; DROP": "x"}, "can't set"),
        ({"app.": "x"}, "can't set"),
        ({5: "x"}, "can't set 5"),
        ({"app.tenant": None}, r"gives no value for app.tenant: refuse the subscriber with abort\(403\)"),
        ({"app.tenant": True}, "a bool: give it text, an integer or a UUID"),
        ({"app.tenant": Decimal(1)}, "a Decimal: give it text"),
        ({"app.tenant": ["x"]}, "a list: give it text"),
        ({"app.tenant": "\0"}, "NUL"),
        ({"app.tenant": 1, "App.Tenant": 2}, "names a setting twice"),
        (
            lambda tenant: {},
            r"takes 'tenant', which is no parameter of the query \(its parameters are sort\)",
        ),
        (lambda tenant, /: {}, "takes 'tenant'"),
    ],
)
def test_scopes_that_cant_be_set(scope: Any, message: str) -> None:
    """They are refused when the query is registered."""
    with pytest.raises(QueryError, match=message):

        @Dispatcher().query(scope=scope)
        def items(sort: str) -> Any:
            return select(Item)


@pytest.mark.parametrize("given", [None, "app.owner", {"role": "x"}, {"app.owner": None}])
def test_a_function_that_gives_what_cant_be_set(given: Any) -> None:
    """Its subscribers are refused; the log says what to do."""
    with pytest.raises(QueryError, match="scope="):
        Scope(lambda: given, frozenset()).settings({})


def test_the_cache_notices_other_policies(database: Engine) -> None:
    """DDL is announced by nobody: what was found out is asked for again."""
    changes = [
        "ALTER POLICY tenants ON items USING (true)",
        "CREATE POLICY more ON items USING (title = current_user)",
        "DROP POLICY tenants ON items",
        "ALTER TABLE items DISABLE ROW LEVEL SECURITY",
        "CREATE OR REPLACE FUNCTION tenant() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ]
    police(database, "owner_id = tenant()")
    for change in changes:
        cache = CoverageCache()
        assert read(database, select(Item.id), cache, settings=[("app.owner", "1")]).doubts == ()
        with database.connect().execution_options(**READING) as connection:
            assert not cache.changed(connection)
        with database.connect() as connection:
            connection.exec_driver_sql(change)
            assert cache.changed(connection), change
