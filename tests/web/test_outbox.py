"""What a worker shows of tables whose changes travel through the outbox, at the edges of watching them."""

import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from flask_socketio import SocketIO, SocketIOTestClient
from sqlalchemy import Engine, create_engine, insert, select, text, update

from sa_notify import Dispatcher
from sa_notify.capture.spec import TriggerSpec, record, specs
from sa_notify.errors import SetupError
from tests.apps.items import Base, Item, Owner, Unheard, create_app
from tests.deliveries import delivered
from tests.protocol import wait_for
from tests.web.inprocess import ask, client, running, take

NEVER = 3600.0


@pytest.fixture
def delivery() -> str:
    return "outbox"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What happens every few seconds happens at once."""
    monkeypatch.setattr("sa_notify.web.running.COVERAGE_SECONDS", 0.2)
    monkeypatch.setattr("sa_notify.web.running.OUTBOX_SECONDS", 0.2)
    monkeypatch.setattr("sa_notify.web.running.KEEP_SECONDS", 0.2)


class Watcher:
    """One client that holds one window over one table."""

    def __init__(self, app: Flask, query: str = "page", **params: Any) -> None:
        self.app = app
        self.seen: list[Any] = []
        self.client: SocketIOTestClient = client(app)
        assert ask(self.client, "subscribe", id=1, query=query, params=params)["ok"]
        wait_for(lambda: self.events("snapshot"), "the snapshot")

    def events(self, name: str) -> list[Any]:
        return take(self.client, self.seen, name)

    @property
    def live(self) -> Any:
        """What the hub knows of the query."""
        (live,) = running(self.app).runner._hub.subscriptions.all()
        return live

    def wait_until_watched(self) -> None:
        wait_for(lambda: self.live.tables and not self.live.unwatched and not self.live.reading, "watched")

    def shows(self, title: str, what: str, seconds: float = 30.0) -> None:
        wait_for(lambda: title in str(self.seen + self.events("diff")), what, seconds)


def _rename(engine: Engine, title: str) -> None:
    with engine.begin() as connection:
        connection.execute(update(Item).where(Item.id == 1).values(title=title))


@pytest.fixture
def slow_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing shows because it was read by the clock."""
    monkeypatch.setattr("sa_notify.live.hub.UNWATCHED_SECONDS", NEVER)


@pytest.mark.usefixtures("slow_clock")
def test_a_change_shows_that_was_written_before_anybody_watched(database: Engine) -> None:
    """A transaction that is open when the table is asked for was not captured: it shows when it ends."""
    with database.connect() as writer:
        writer.execute(update(Item).where(Item.id == 1).values(title="from before"))
        watcher = Watcher(create_app(database, async_mode="threading"))
        wait_for(lambda: watcher.live.doubts, "the doubt")
        assert "public.items" in str(watcher.live.doubts) and "still open" in str(watcher.live.doubts)
        writer.commit()
    watcher.shows("from before", "the change")
    wait_for(lambda: not watcher.live.doubts, "no doubt")


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
@pytest.mark.usefixtures("slow_clock")
def test_older_snapshots_of_writers_make_no_difference(database: Engine, level: str) -> None:
    """A writer whose snapshot is from before is captured when it writes afterwards."""
    with database.connect().execution_options(isolation_level=level) as writer:
        writer.execute(select(Item.id))
        watcher = Watcher(create_app(database, async_mode="threading"))
        watcher.wait_until_watched()
        writer.execute(update(Item).where(Item.id == 1).values(title="old snapshot"))
        writer.commit()
    watcher.shows("old snapshot", "the change")


def test_while_a_writer_from_before_is_open_others_are_seen_by_the_clock(database: Engine) -> None:
    """What others commit meanwhile shows within the 2 s of the timed tier."""
    with database.connect() as writer:
        writer.execute(update(Item).where(Item.id == 2).values(title="open"))
        watcher = Watcher(create_app(database, async_mode="threading"))
        wait_for(lambda: watcher.live.doubts, "the doubt")
        _rename(database, "meanwhile")
        watcher.shows("meanwhile", "the change")
        writer.rollback()


@pytest.mark.usefixtures("slow_clock")
def test_a_table_that_is_made_again_is_watched_again(database: Engine) -> None:
    """It bears the name, but is another: its changes are asked for anew."""
    watcher = Watcher(create_app(database, async_mode="threading"), limit=100)
    watcher.wait_until_watched()
    with database.begin() as connection, delivered(Base.metadata, "outbox"):
        connection.execute(text("DROP TABLE items"))
        Base.metadata.create_all(connection)
    wait_for(lambda: "remove" in str(watcher.events("diff")), "the empty window")
    watcher.wait_until_watched()
    with database.begin() as connection:
        row = {"owner_id": 1, "title": "made again", "priority": 1, "done": False, "secret": ""}
        connection.execute(insert(Item), row)
    watcher.shows("made again", "the insert")


@contextmanager
def _decorated(model: type[Any], delivery: str) -> Iterator[None]:
    table = model.__table__
    record(table, TriggerSpec(delivery=delivery, carry="all" if delivery == "outbox" else ()))
    try:
        yield
    finally:
        del specs(table.metadata)[table.key]  # type: ignore[attr-defined]


def test_a_table_that_becomes_realtime_is_watched(database: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its page goes by the clock, until a migration decorates it; from then on changes are announced."""
    app = create_app(database, async_mode="threading")
    watcher = Watcher(app, query="unheard")
    assert "no enabled sa_notify triggers" in str(watcher.live.doubts)
    with delivered(Base.metadata, "outbox"), _decorated(Unheard, "outbox"):
        Base.metadata.create_all(database)
    wait_for(lambda: not watcher.live.doubts, "no doubt")
    wait_for(lambda: not running(app).runner._hub._asking._waiting and not watcher.live.reading, "read again")
    before = running(app).runner._hub._asking.standing.turn
    wait_for(lambda: running(app).runner._hub._asking.standing.turn >= before, "asked for")
    with database.begin() as connection:
        connection.execute(update(Unheard).values(n=77))
    watcher.shows("77", "the change")


@pytest.mark.parametrize("delivery", ["notify"])
def test_a_migration_to_the_outbox_is_followed(database: Engine, delivery: str) -> None:
    """A worker that follows NOTIFY turns to the outbox by itself; the page never stands still."""
    app = create_app(database, async_mode="threading")
    watcher = Watcher(app)
    assert running(app).source.interest is None
    _rename(database, "by notify")
    watcher.shows("by notify", "the first change")
    with delivered(Base.metadata, "outbox"):
        Base.metadata.create_all(database)
    wait_for(lambda: running(app).source.interest is not None, "the outbox is followed")
    wait_for(lambda: running(app).runner.following, "an epoch")
    watcher.wait_until_watched()
    _rename(database, "by outbox")
    watcher.shows("by outbox", "the second change")


def test_both_ways_side_by_side(database: Engine) -> None:
    """Tables of either delivery are followed by one worker."""
    with delivered(Base.metadata, "outbox"), delivered(Base.metadata, "notify", "owners"):
        Base.metadata.create_all(database)
    watcher = Watcher(create_app(database, async_mode="threading"), query="joined", name="renamed")
    watcher.wait_until_watched()
    with database.begin() as connection:
        connection.execute(update(Owner).where(Owner.id == 1).values(name="renamed"))
    wait_for(lambda: watcher.events("diff"), "the change of the table that notifies")
    _rename(database, "by outbox")


@contextmanager
def _role(engine: Engine) -> Iterator[Engine]:
    """The database as seen by a role that may read the application's tables, and no more."""
    name, password = f"reader_{engine.url.database}", uuid.uuid4().hex
    with engine.begin() as connection:
        connection.execute(text(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'"))
        connection.execute(text(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}"))
    as_role = create_engine(engine.url.set(username=name, password=password))
    try:
        yield as_role
    finally:
        as_role.dispose()
        with engine.begin() as connection:
            connection.execute(text(f"DROP OWNED BY {name}"))
            connection.execute(text(f"DROP ROLE {name}"))


def test_what_cant_be_read_goes_by_the_clock(database: Engine, caplog: pytest.LogCaptureFixture) -> None:
    """One ERROR says what to run; tables that notify are announced, the others are read every 2 s."""
    with delivered(Base.metadata, "outbox"), delivered(Base.metadata, "notify", "owners"):
        Base.metadata.create_all(database)
    with _role(database) as engine:
        app = create_app(engine, async_mode="threading")
        watcher = Watcher(app)
        wait_for(lambda: "can't be followed" in str(watcher.live.doubts), "the doubt")
        assert running(app).source.interest is None and "GRANT" in str(watcher.live.doubts)
        _rename(database, "by the clock")
        watcher.shows("by the clock", "the change")
        told = [each for each in caplog.records if each.levelno >= logging.ERROR]
        assert len(told) == 1 and "GRANT" in told[0].getMessage()
        counted = Watcher(app, query="counts")
        assert counted.events("snapshot")
        app.extensions["sa_notify"].stop()


def test_polling_hears_the_outbox(database: Engine) -> None:
    """Where nothing can LISTEN, tables of the outbox are live all the same."""
    app = create_app(database, async_mode="threading")
    live_app = app.extensions["sa_notify"]
    live_app.settings = type(live_app.settings)(wake="poll", recheck_seconds=NEVER)
    watcher = Watcher(app)
    watcher.wait_until_watched()
    _rename(database, "polled")
    watcher.shows("polled", "the change")
    with database.connect() as connection:
        listening = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
        listening += " AND datname = current_database()"
        assert connection.scalar(text(listening)) == 0


def test_polling_says_what_it_cant_hear(database: Engine) -> None:
    """A table that notifies goes by the clock then, and the doubt names the mend."""
    with delivered(Base.metadata, "outbox"), delivered(Base.metadata, "notify", "owners"):
        Base.metadata.create_all(database)
    app = create_app(database, async_mode="threading")
    live_app = app.extensions["sa_notify"]
    live_app.settings = type(live_app.settings)(wake="poll", recheck_seconds=NEVER)
    watcher = Watcher(app, query="joined", name="owner 1")
    assert 'delivery="outbox"' in str(watcher.live.doubts)


@pytest.mark.parametrize("wake", ["sometimes", 1, None])
def test_the_setting_is_checked(database: Engine, wake: object) -> None:
    """Only the two words are taken."""
    app = Flask(__name__)
    app.config["SA_NOTIFY_WAKE"] = wake
    with pytest.raises(SetupError, match="SA_NOTIFY_WAKE"):
        Dispatcher().init_app(app, SocketIO(app, async_mode="threading"), engine=database)


def test_what_nobody_looks_at_is_given_up(database: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The source hears every few seconds which tables are wanted."""
    app = create_app(database, async_mode="threading")
    watcher = Watcher(app)
    watcher.wait_until_watched()
    kept: list[frozenset[str]] = []
    monkeypatch.setattr(running(app).source.interest, "keep", lambda tables: kept.append(frozenset(tables)))
    wait_for(lambda: kept[-1:] == [frozenset({"public.items"})], "what is wanted")
    watcher.client.disconnect("/realtime")
    wait_for(lambda: kept[-1:] == [frozenset()], "nothing is wanted")
