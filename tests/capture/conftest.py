"""An ear on the channel, and a table to write to."""

import json
import select
import time
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest
from sqlalchemy import Engine, MetaData, Table, make_url

from sa_notify import realtime

DEADLINE = 20.0


class Ear:
    """Hears what is announced in one database, in order."""

    def __init__(self, url: str) -> None:
        plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._connection = psycopg2.connect(plain)
        self._connection.autocommit = True
        self._cursor = self._connection.cursor()
        self._cursor.execute("LISTEN sa_notify")
        self._rest: list[str] = []

    def payloads(self) -> list[str]:
        """Every payload since the last call: a notification of its own marks the end."""
        mark, heard, deadline = uuid.uuid4().hex, self._rest, time.monotonic() + DEADLINE
        self._cursor.execute("SELECT pg_notify('sa_notify', %s)", (mark,))
        while time.monotonic() < deadline:
            self._connection.poll()
            heard += [notify.payload for notify in self._connection.notifies]
            self._connection.notifies.clear()
            if mark in heard:
                end = heard.index(mark)
                self._rest = heard[end + 1 :]
                return heard[:end]
            select.select([self._connection], [], [], 0.1)
        raise AssertionError("the end mark was not heard")

    def messages(self) -> list[dict[str, Any]]:
        """The payloads, read."""
        return [json.loads(payload) for payload in self.payloads()]

    def changes(self) -> list[dict[str, Any]]:
        """The changes of all messages, by key within each run of one kind."""
        return [change for message in self.messages() for change in message["c"]]

    def close(self) -> None:
        self._connection.close()


class Notices:
    """What psycopg2 appends notices to; SQLAlchemy would take them out of a list."""

    def __init__(self) -> None:
        self.all: list[str] = []

    def append(self, notice: str) -> None:
        self.all.append(notice)

    def __bool__(self) -> bool:
        return False


class Database:
    """A database whose announcements are heard."""

    def __init__(self, engine: Engine, ear: Ear) -> None:
        self.engine = engine
        self.ear = ear
        self.warnings: list[str] = []

    def create(self, table: Table, **options: Any) -> Table:
        """Make the table realtime and create it."""
        realtime(**options)(table)
        table.metadata.create_all(self.engine)
        return table

    def run(self, *statements: str) -> list[dict[str, Any]]:
        """Run the statements in one transaction; the changes that were announced."""
        self.write(*statements)
        return self.ear.changes()

    def write(self, *statements: str) -> None:
        """Run the statements in one transaction."""
        with self.engine.begin() as connection:
            driver = connection.connection.dbapi_connection
            assert driver is not None
            driver.notices = kept = Notices()
            for statement in statements:
                # not text(): values hold colons
                connection.exec_driver_sql(statement.replace("%", "%%"))
            self.warnings = [notice for notice in kept.all if notice.startswith("WARNING")]


@pytest.fixture
def ear(database_url: str) -> Iterator[Ear]:
    """Listens from the start of the test."""
    ear = Ear(database_url)
    yield ear
    ear.close()


@pytest.fixture
def database(engine: Engine, ear: Ear) -> Database:
    """The test's database with an ear on it."""
    return Database(engine, ear)


@pytest.fixture
def metadata() -> MetaData:
    """Nothing in it yet."""
    return MetaData()
