"""One feed of a database: the outbox where it has one that can be used, else NOTIFY."""

import logging
from collections.abc import Callable, Collection, Iterator

import pytest
from sqlalchemy import Engine, text

from sa_notify.capture.outbox import create_outbox, drop_outbox
from sa_notify.errors import SetupError, SourceLost
from sa_notify.source.connect import listen_connect
from sa_notify.source.database import DatabaseSource
from sa_notify.source.notify import NotifySource


class Outbox(NotifySource):
    """Stands for the outbox's source where this room's own tests don't need what it does."""

    refusal: str | None = None

    def open(self) -> None:
        if Outbox.refusal:
            raise SetupError(Outbox.refusal)
        super().open()

    def take(self, tables: Collection[str]) -> frozenset[str]:
        return frozenset(tables)

    def keep(self, tables: Collection[str]) -> None: ...


Make = Callable[..., DatabaseSource]


@pytest.fixture
def make(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Makes sources of the test's database, and closes them."""
    monkeypatch.setattr(Outbox, "refusal", None)
    made: list[DatabaseSource] = []
    connect = listen_connect(engine)

    def source(listen: bool = True) -> DatabaseSource:
        made.append(DatabaseSource(connect, lambda: Outbox(connect), listen=listen))
        return made[-1]

    yield source
    for each in made:
        each.close()


def _migrate(engine: Engine, up: bool = True) -> None:
    with engine.begin() as connection:
        for statement in create_outbox() if up else drop_outbox():
            connection.execute(statement)


def test_each_opening_looks_anew(engine: Engine, make: Make) -> None:
    """A migration that adds the outbox, or takes it away, counts from the next connection on."""
    source = make()
    found = []
    for up in (None, True, False):
        if up is not None:
            _migrate(engine, up)
        source.open()
        found.append((source.interest is not None, set(source.unread)))
    assert found == [(False, {"outbox"}), (True, set()), (False, {"outbox"})]


def test_an_outbox_that_comes_later_is_usable(engine: Engine, make: Make) -> None:
    """What follows NOTIFY can find out, without giving its connection up."""
    source = make()
    source.open()
    epoch = source.epoch
    Outbox.refusal = "run GRANT"
    assert not source.usable()
    Outbox.refusal = None
    assert source.usable()
    assert source.epoch == epoch and source.ping() == []


def test_what_cant_be_read_is_told_once(engine: Engine, make: Make, caplog: pytest.LogCaptureFixture) -> None:
    """NOTIFY goes on, one ERROR says what to run, and who reads the outbox's tables is told the same."""
    _migrate(engine)
    source = make()
    Outbox.refusal = "run GRANT USAGE ON SCHEMA sa_notify"
    for _ in range(3):
        source.open()
    assert source.interest is None and source.ping() == []
    assert "GRANT USAGE" in source.unread["outbox"]
    (told,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "GRANT USAGE" in told.getMessage()
    Outbox.refusal = None
    source.open()
    assert source.interest is not None and source.unread == {}


def test_without_listening_there_is_no_way_back(engine: Engine, make: Make) -> None:
    """Where nothing can LISTEN the outbox is the only way: what is wrong with it is a set-up error."""
    source = make(listen=False)
    Outbox.refusal = "run alembic upgrade head"
    with pytest.raises(SetupError, match="upgrade head"):
        source.open()
    Outbox.refusal = None
    source.open()
    assert source.interest is not None and 'delivery="outbox"' in source.unread["notify"]


def test_no_server_is_a_loss(make: Make, engine: Engine) -> None:
    """What can't be reached is tried again, as with every source."""
    away = engine.url.set(host="127.0.0.1", port=1, query={})
    connect = listen_connect(engine, away.set(drivername="postgresql").render_as_string(hide_password=False))
    source = DatabaseSource(connect, lambda: Outbox(connect))
    with pytest.raises(SourceLost):
        source.open()
    with pytest.raises(SourceLost):
        source.read()


def test_an_interrupt_while_it_connects_ends_it(engine: Engine, make: Make) -> None:
    """A stop that comes while it still looks for the outbox is not forgotten."""
    source: DatabaseSource

    def connect() -> object:
        source.interrupt()
        return listen_connect(engine)()

    source = DatabaseSource(connect, lambda: Outbox(connect))  # type: ignore[arg-type]
    with pytest.raises(SourceLost):
        source.open()


def test_changes_come_through(engine: Engine, make: Make) -> None:
    """Whichever way is followed, it is a source like another."""
    source = make()
    source.open()
    assert source.fileno() > 0
    with engine.begin() as connection:
        payload = '{"v":1,"x":"7","t":"public.t","n":1,"c":[{"o":"i","k":["1"]}]}'
        connection.execute(text("SELECT pg_notify('sa_notify', :p)"), {"p": payload})
    (changeset,) = source.ping()
    assert (changeset.xid, changeset.epoch) == (7, source.epoch)
