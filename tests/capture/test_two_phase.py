"""Two-phase commit, for which a server has to be set up."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, Table, create_engine, text

from demo.embedded import EmbeddedPostgres
from demo.rooms import temporary_room
from tests.capture.conftest import Database
from tests.capture.ears import OutboxEar


@pytest.fixture
def server() -> Iterator[str]:
    """Its URL; transactions may be prepared on it."""
    room = temporary_room("sa-notify-two-phase-")
    try:
        with EmbeddedPostgres(room, settings=["max_prepared_transactions=5"]) as server:
            yield server.url
    finally:
        shutil.rmtree(room, ignore_errors=True)


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
