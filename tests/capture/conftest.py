"""An ear on the channel, and a table to write to."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, MetaData, Table, create_engine, event

from sa_notify import realtime
from tests.capture.ears import Ear, OutboxEar
from tests.capture.roles import Roles, roles as made_roles


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

    def __init__(self, engine: Engine, ear: Ear, delivery: str, roles: Roles | None = None) -> None:
        self.engine = engine
        self.roles = roles
        self.delivery = delivery
        self.ear = ear
        self.warnings: list[str] = []

    def create(self, table: Table, **options: Any) -> Table:
        """Make the table realtime, without values unless they are asked for, and create it."""
        table.metadata.info.pop("sa_notify", None)  # a model of the module had another delivery before
        realtime(**{"delivery": self.delivery, "carry": (), **options})(table)
        table.metadata.create_all(self.engine)
        self.ear.attend()
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
            if self.roles:
                self.roles.grant(connection)
            for statement in statements:
                if self.roles:
                    self.roles.become(connection, statement)
                # not text(): values hold colons
                connection.exec_driver_sql(statement.replace("%", "%%"))
            self.warnings = [notice for notice in kept.all if notice.startswith("WARNING")]


@pytest.fixture(params=["notify", "outbox"])
def delivery(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How changes travel: what is promised holds for each. A test of one of them parametrises it itself."""
    monkeypatch.setenv("SA_NOTIFY_DELIVERY", request.param)
    return str(request.param)


@pytest.fixture
def ear(database_url: str, delivery: str, roles: Roles | None) -> Iterator[Ear]:
    """Listens from the start of the test."""
    ear = (Ear if delivery == "notify" else OutboxEar)(database_url, roles)
    yield ear
    ear.close()


@pytest.fixture
def roles(request: pytest.FixtureRequest, database_url: str) -> Iterator[Roles | None]:
    """Owner, writer and dispatcher; none for a test that is a superuser's."""
    if request.node.get_closest_marker("superuser"):
        yield None
        return
    with made_roles(database_url) as roles:
        yield roles


@pytest.fixture
def engine(database_url: str, roles: Roles | None) -> Iterator[Engine]:
    """Connects as the owner, who is no superuser."""
    engine = create_engine(roles.owner_url if roles else database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def database(engine: Engine, ear: Ear, delivery: str, roles: Roles | None) -> Database:
    """The test's database with an ear on it: the owner makes tables, the writer writes."""
    event.listen(engine, "before_cursor_execute", lambda *_: ear.attend())
    return Database(engine, ear, delivery, roles)


@pytest.fixture
def metadata() -> MetaData:
    """Nothing in it yet."""
    return MetaData()
