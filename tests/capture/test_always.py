"""``always=True``: what a replica writes is announced too, and nothing twice."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, Table, Text, create_engine, make_url, text

from sa_notify import realtime
from sa_notify.capture.catalog import installed
from sa_notify.capture.coverage import coverage
from sa_notify.capture.ddl import Target
from sa_notify.capture.spec import spec_for
from tests.capture.ears import Ear, OutboxEar
from tests.protocol import wait_for
from tests.servers import own_postgres

#: It is a superuser who may play a replica.
pytestmark = pytest.mark.superuser

REPLICA = "SET LOCAL session_replication_role = replica"


def items(metadata: MetaData) -> Table:
    return Table("items", metadata, Column("id", Integer, primary_key=True), Column("a", Text))


@pytest.fixture
def table(database: Any, metadata: MetaData) -> Table:
    created: Table = database.create(items(metadata), always=True, bulk_limit=5, carry=["a"])
    return created


def states(engine: Engine, name: str = "items") -> dict[str, str]:
    with engine.connect() as connection:
        found = connection.execute(
            text("SELECT tgname::text, tgenabled::text FROM pg_trigger WHERE tgrelid = to_regclass(:t)"),
            {"t": name},
        )
        return {row.tgname.removeprefix("_sa_notify_"): row.tgenabled for row in found}


def test_without_it_replicas_are_silent(database: Any, metadata: MetaData) -> None:
    """A session that plays a replica fires no ordinary triggers."""
    database.create(items(metadata))
    assert database.run(REPLICA, "INSERT INTO items VALUES (1)") == []


def test_replica_sessions(database: Any, table: Table) -> None:
    """Every kind of write is announced with the same detail."""
    assert database.run(REPLICA, "INSERT INTO items VALUES (1, 'x'), (2, 'y')") == [
        {"o": "i", "k": ["1"], "w": {"a": [None, "x"]}},
        {"o": "i", "k": ["2"], "w": {"a": [None, "y"]}},
    ]
    assert database.run(REPLICA, "UPDATE items SET a = 'z' WHERE id = 1") == [
        {"o": "u", "k": ["1"], "f": ["a"], "w": {"a": ["x", "z"]}}
    ]
    assert database.run(REPLICA, "UPDATE items SET a = a") == []
    assert sorted(database.run(REPLICA, "UPDATE items SET id = 3 WHERE id = 1"), key=str) == [
        {"o": "d", "k": ["1"], "w": {"a": ["z", None]}},
        {"o": "i", "k": ["3"], "w": {"a": [None, "z"]}},
    ]
    assert [change["o"] for change in database.run(REPLICA, "DELETE FROM items")] == ["d", "d"]
    assert database.run(REPLICA, "TRUNCATE items") == [{"o": "t"}]


def test_ordinary_sessions_hear_nothing_twice(database: Any, table: Table) -> None:
    """Where statement triggers fire, those of rows don't."""
    assert len(database.run("INSERT INTO items VALUES (1, 'x')")) == 1
    assert len(database.run("UPDATE items SET a = 'y'")) == 1
    assert database.run("TRUNCATE items") == [{"o": "t"}]


def test_many_rows(database: Any, table: Table) -> None:
    """Past the limit a transaction says "read the table again", however many rows follow."""
    changes = database.run(REPLICA, "INSERT INTO items SELECT i, 'x' FROM generate_series(1, 1000) i")
    assert [change["o"] for change in changes] == ["i"] * 5 + ["b"]


def test_muted(database: Any, table: Table) -> None:
    """Muting is one notice for each table here too."""
    mute = "SET LOCAL sa_notify.muted = on"
    assert database.run(REPLICA, mute, "INSERT INTO items VALUES (1), (2)", "TRUNCATE items") == [{"o": "b"}]


@pytest.mark.parametrize(
    ("alteration", "change"),
    [
        ("ALTER TABLE items DROP COLUMN a", {"o": "i", "k": ["9"]}),
        ("ALTER TABLE items RENAME COLUMN a TO b", {"o": "i", "k": ["9"]}),
        ("ALTER TABLE items RENAME COLUMN id TO i", {"o": "b"}),
    ],
)
def test_columns_gone(database: Any, table: Table, alteration: str, change: Any) -> None:
    """A replica's writes are never broken either; they are told with less detail."""
    database.write(REPLICA, "INSERT INTO items VALUES (1)")
    database.write(alteration)
    database.ear.changes()
    assert database.run(REPLICA, "INSERT INTO items VALUES (9)") == [change]
    assert database.warnings


def test_switched_on_and_off(database: Any, table: Table) -> None:
    """The trigger of rows comes and goes with the option; drift is empty after either."""
    ordinary = {"ins": "O", "upd": "O", "del": "O"}
    assert states(database.engine) == {**ordinary, "trunc": "A", "row": "R"}
    for always, expected in (
        (False, {**ordinary, "trunc": "O"}),
        (True, {**ordinary, "trunc": "A", "row": "R"}),
    ):
        again = items(MetaData())
        realtime(always=always)(again)
        again.metadata.create_all(database.engine)
        assert states(database.engine) == expected
        params = spec_for(again).params(again)  # type: ignore[union-attr]
        with database.engine.connect() as connection:
            assert installed(connection)[0].drift(Target("public", "items"), params) == ()


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        ("DROP TRIGGER _sa_notify_row ON items", "R"),
        ("ALTER TABLE items ENABLE TRIGGER _sa_notify_row", "R"),
        ("ALTER TABLE items DISABLE TRIGGER _sa_notify_row", "D"),
        ("ALTER TABLE items ENABLE TRIGGER _sa_notify_trunc", "R"),
    ],
)
def test_damage(database: Any, table: Table, damage: str, expected: str) -> None:
    """Everything but a disabled trigger is drift, and mended."""
    params = spec_for(table).params(table)  # type: ignore[union-attr]
    database.write(damage)
    with database.engine.connect() as connection:
        (found,) = installed(connection)
        assert found.drift(Target("public", "items"), params) == (() if expected == "D" else ("triggers",))
        assert found.disabled == ({"_sa_notify_row"} if expected == "D" else frozenset())
    table.metadata.create_all(database.engine)
    assert (states(database.engine)["row"], states(database.engine)["trunc"]) == (expected, "A")


def test_partitions(database: Any, metadata: MetaData) -> None:
    """Rows of partitions are announced by triggers of their own, which ATTACH does not stumble over."""
    database.write(
        "CREATE TABLE items (id int PRIMARY KEY, a text) PARTITION BY RANGE (id)",
        "CREATE TABLE part PARTITION OF items FOR VALUES FROM (0) TO (10)",
    )
    table = database.create(items(metadata), always=True)
    assert "row" not in states(database.engine) and states(database.engine, "part")["row"] == "R"
    database.write(REPLICA, "INSERT INTO items VALUES (1)", "INSERT INTO part VALUES (2)")
    assert [message["t"] for message in database.ear.messages()] == ["public.part", "public.part"]
    database.write(
        "ALTER TABLE items DETACH PARTITION part",
        "ALTER TABLE items ATTACH PARTITION part FOR VALUES FROM (0) TO (10)",
    )
    with database.engine.connect() as connection:
        (found,) = coverage(connection, [table]).values()
    assert found.doubts == ()


@pytest.fixture(scope="module")
def logical_server() -> Iterator[str]:
    with own_postgres("sa-notify-logical-", settings=["wal_level=logical"]) as server:
        yield server.url


@contextmanager
def subscription(server: str, delivery: str) -> Iterator[tuple[Engine, Engine, str]]:
    """Publisher, subscriber, and the subscriber's URL; both have the table, which is replicated."""
    urls = [
        make_url(server).set(database=name).render_as_string(False) for name in ("publisher", "subscriber")
    ]
    maintenance = create_engine(server, isolation_level="AUTOCOMMIT")
    with maintenance.connect() as connection:
        for name in ("publisher", "subscriber"):
            connection.execute(text(f"CREATE DATABASE {name}"))
    engines = [create_engine(url, isolation_level="AUTOCOMMIT") for url in urls]
    for engine, options in zip(engines, ({}, {"always": True}), strict=True):
        table = items(MetaData())
        realtime(delivery=delivery, **options)(table)
        table.metadata.create_all(engine)
    port = make_url(server).port
    with engines[0].connect() as connection:
        connection.execute(text("CREATE PUBLICATION pub FOR TABLE items"))
        connection.execute(text("SELECT pg_create_logical_replication_slot('sub', 'pgoutput')"))
    source = f"host=127.0.0.1 port={port} user=postgres dbname=publisher"
    with engines[1].connect() as connection:
        # a slot in the same cluster must be there before, or CREATE SUBSCRIPTION waits for itself
        connection.execute(
            text(
                f"CREATE SUBSCRIPTION sub CONNECTION '{source}'"
                " PUBLICATION pub WITH (create_slot = false, slot_name = 'sub')"
            )
        )
    try:
        yield engines[0], engines[1], urls[1]
    finally:
        with engines[1].connect() as connection:
            connection.execute(text("DROP SUBSCRIPTION sub"))
        for engine in engines:
            engine.dispose()
        with maintenance.connect() as connection:
            for name in ("subscriber", "publisher"):
                connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        maintenance.dispose()


@pytest.mark.parametrize("delivery", ["notify", "outbox"])
def test_logical_replication(logical_server: str, delivery: str) -> None:
    """Rows that a subscription's worker applies are announced in the subscriber's database."""
    with subscription(logical_server, delivery) as (publisher, subscriber, url):
        ear = (OutboxEar if delivery == "outbox" else Ear)(url)
        ear.attend()
        heard: list[Any] = []

        def told(*operations: str) -> bool:
            heard.extend(ear.changes())
            return [change["o"] for change in heard] == list(operations)

        with publisher.connect() as connection:
            connection.execute(text("INSERT INTO items VALUES (1, 'x')"))
            wait_for(lambda: told("i"), "the insert")
            connection.execute(text("UPDATE items SET a = 'y'"))
            wait_for(lambda: told("i", "u"), "the update")
            connection.execute(text("DELETE FROM items"))
            wait_for(lambda: told("i", "u", "d"), "the delete")
            connection.execute(text("TRUNCATE items"))
            wait_for(lambda: told("i", "u", "d", "t"), "the truncate")
        with subscriber.connect() as connection:
            (found,) = coverage(connection, [(None, "items")]).values()
        assert found.doubts == ()
        ear.close()
