"""Two-phase commit, for which a server has to be set up."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, Table, create_engine, text
from sqlalchemy.exc import NotSupportedError

from sa_notify import realtime
from sa_notify.change import ChangeSet
from sa_notify.source.connect import listen_connect
from sa_notify.source.outbox.pace import QUIET_SECONDS
from sa_notify.source.outbox.source import OutboxSource
from tests.capture.conftest import Database
from tests.capture.ears import OutboxEar
from tests.protocol import wait_for
from tests.servers import own_postgres


@pytest.fixture
def server() -> Iterator[str]:
    """Its URL; transactions may be prepared on it."""
    with own_postgres("sa-notify-two-phase-", settings=["max_prepared_transactions=5"]) as server:
        yield server.url


@pytest.fixture
def engine(server: str) -> Iterator[Engine]:
    """An engine on it."""
    engine = create_engine(server)
    yield engine
    engine.dispose()


@pytest.fixture
def ear(server: str) -> Iterator[Any]:
    """Keeps the gates open; the doorbell is awake."""
    ear = OutboxEar(server)
    yield ear
    ear.close()


@pytest.mark.parametrize("delivery", ["outbox"])
def test_two_phase_commit(database: Database, metadata: MetaData) -> None:
    """A prepared transaction's changes are told when it is committed, and not before."""
    database.create(Table("items", metadata, Column("id", Integer, primary_key=True)))
    with database.engine.connect() as connection:
        transaction = connection.begin_twophase("two")
        connection.execute(text("INSERT INTO items VALUES (1)"))
        transaction.prepare()
        assert database.ear.changes() == []
        transaction.commit()

    assert database.ear.changes() == [{"o": "i", "k": ["1"]}]


def test_a_transaction_that_has_notified_can_not_be_prepared(engine: Engine) -> None:
    """PostgreSQL refuses, as README says; nothing of it is left, and the next transaction is as any."""
    metadata = MetaData()
    realtime(delivery="notify")(Table("items", metadata, Column("id", Integer, primary_key=True)))
    metadata.create_all(engine)
    with engine.connect() as connection:
        transaction = connection.begin_twophase("one")
        connection.execute(text("INSERT INTO items VALUES (1)"))
        with pytest.raises(NotSupportedError, match="cannot PREPARE"):
            transaction.prepare()
        connection.invalidate()
    with engine.begin() as connection:
        assert connection.scalar(text("SELECT count(*) FROM pg_prepared_xacts")) == 0
        assert connection.scalar(text("SELECT count(*) FROM items")) == 0
        connection.execute(text("INSERT INTO items VALUES (1)"))


def test_two_phase_commit_with_a_reader_that_rests(engine: Engine) -> None:
    """A reader never has writers ring who may want to prepare: PREPARE TRANSACTION refuses after a NOTIFY."""
    metadata = MetaData()
    realtime(delivery="outbox")(Table("items", metadata, Column("id", Integer, primary_key=True)))
    metadata.create_all(engine)
    source = OutboxSource(listen_connect(engine))
    source.open()
    found: list[ChangeSet] = []
    try:
        assert source.take(["public.items"])
        for n in range(3):
            time.sleep(10 * QUIET_SECONDS)  # any reader that would sleep does so now
            with engine.connect() as connection:
                transaction = connection.begin_twophase(f"rests {n}")
                connection.execute(text("INSERT INTO items VALUES (:n)"), {"n": n})
                transaction.prepare()
                transaction.commit()
            wait_for(lambda n=n: found.extend(source.read()) or len(found) > n, "the change")
    finally:
        source.close()
    assert [change.key for changeset in found for change in changeset.changes] == [("0",), ("1",), ("2",)]
