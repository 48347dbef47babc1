"""Each table has a gate of its own: one that is held keeps no other waiting."""

from collections.abc import Callable, Iterator

import pytest
from psycopg2.extensions import connection as Connection
from sqlalchemy import Column, Engine, Integer, MetaData, Table

from sa_notify import realtime
from sa_notify.source.outbox import gates
from sa_notify.source.outbox.source import OutboxSource
from tests.protocol import wait_for
from tests.source.announcing import plain
from tests.source.outbox.conftest import Follow
from tests.source.outbox.counters import SIZE
from tests.source.outbox.gatekeeping import awaited, make_tables, run, stands
from tests.source.outbox.outboxes import execute, scalar

_BACKENDS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"


@pytest.fixture
def holding(outbox: Engine) -> Iterator[Callable[..., list[Connection]]]:
    """Makes tables, each held by a writer."""
    made: list[Connection] = []

    def make(names: list[str]) -> list[Connection]:
        make_tables(outbox, names)
        writers = [plain(outbox) for _ in names]
        made.extend(writers)
        for name, writer in zip(names, writers, strict=True):
            run(writer, f"INSERT INTO {name} VALUES (1)")
        return writers

    yield make
    for connection in made:
        connection.close()


def test_more_held_tables_than_wait(
    outbox: Engine, follow: Follow, holding: Callable[..., list[Connection]]
) -> None:
    """Any number of tables may be held; each stands when its writer ends, and others at once."""
    names = [f"held_{n}" for n in range(gates.WAITERS + 3)]
    writers = holding(names)
    make_tables(outbox, ["free"])
    follower, tables = follow(), {f"public.{name}" for name in names}
    assert follower.source.take({*tables, "public.free"}) <= {"public.free"}  # type: ignore[attr-defined]
    stands(follower, "public.free")
    for name, writer in zip(names, writers, strict=True):
        writer.commit()
        stands(follower, f"public.{name}")
    stands(follower, *tables)


def test_who_waited_is_free_again(
    outbox: Engine, follow: Follow, holding: Callable[..., list[Connection]]
) -> None:
    """However many tables were held once, the next is waited for as patiently, and no connection stays."""
    follower = follow()
    before = scalar(outbox, _BACKENDS)
    for n in range(gates.WAITERS + 2):
        name = f"held_{n}"
        (writer,) = holding([name])
        assert follower.source.take([f"public.{name}"]) == frozenset()  # type: ignore[attr-defined]
        wait_for(lambda name=name: awaited(outbox, name), "somebody waits")
        writer.commit()
        stands(follower, f"public.{name}")
        writer.close()
    wait_for(lambda: scalar(outbox, _BACKENDS) == before, "connections are given back")
    for n in range(gates.WAITERS + 2):
        execute(outbox, f"INSERT INTO held_{n} VALUES ({10 + n})")
    follower.hears(*range(10, 10 + gates.WAITERS + 2))


def test_many_held_tables_do_not_silence_the_keeper(outbox: Engine, follow: Follow) -> None:
    """While one transaction holds 200 tables the keeper still gives its signs of life in time."""
    names = [f"held_{n}" for n in range(200)]
    make_tables(outbox, names)
    writer = plain(outbox)
    for name in names:
        run(writer, f"INSERT INTO {name} VALUES (1)")
    follower, tables = follow(), {f"public.{name}" for name in names}
    source: OutboxSource = follower.source  # type: ignore[assignment]
    for _ in range(SIZE):
        assert source.take(tables) == frozenset()
        beat = scalar(outbox, "SELECT beat FROM sa_notify.outbox_term")
        wait_for(
            lambda beat=beat: scalar(outbox, "SELECT beat FROM sa_notify.outbox_term") != beat, "a beat", 5
        )
    writer.commit()
    writer.close()
    stands(follower, *tables)
    assert len(follower.epochs) == 1


def test_partitions(outbox: Engine, follow: Follow) -> None:
    """A partition has a gate beside its table's: the one may be held while the other stands."""
    execute(
        outbox,
        "CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id)",
        "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10)",
    )
    metadata = MetaData()
    realtime(delivery="outbox")(Table("parts", metadata, Column("id", Integer, primary_key=True)))
    metadata.create_all(outbox)
    writer, follower = plain(outbox), follow()
    run(writer, "INSERT INTO parts_1 VALUES (1)")
    assert follower.source.take(["public.parts", "public.parts_1"]) <= {"public.parts"}  # type: ignore[attr-defined]
    stands(follower, "public.parts")
    execute(outbox, "INSERT INTO parts VALUES (2)")
    follower.hears(2)
    writer.commit()
    writer.close()
    stands(follower, "public.parts", "public.parts_1")
    execute(outbox, "INSERT INTO parts_1 VALUES (3)", "INSERT INTO parts VALUES (4)")
    follower.hears(3, 4)


@pytest.mark.parametrize(
    "name",
    [
        "public.nothing",
        "nowhere.t",
        "no name",
        'public."a""b.c"',
        "a.b.c",
        "",
        "public.\0",
        "\ud800.t",
        "x" * 999,
    ],
)
def test_what_does_not_exist_stands(follow: Follow, name: str) -> None:
    """There is nothing to wait for; a name that can't be said harms nobody."""
    follower = follow()
    assert follower.source.take([name]) == {name}  # type: ignore[attr-defined]
    follower.source.keep([name])  # type: ignore[attr-defined]
    assert follower.source.take([name, "public.more"]) == {name, "public.more"}  # type: ignore[attr-defined]


def test_what_notifies_stands(outbox: Engine, follow: Follow) -> None:
    """A table whose changes travel by NOTIFY is heard anyway."""
    metadata = MetaData()
    realtime(delivery="notify")(Table("loud", metadata, Column("id", Integer, primary_key=True)))
    metadata.create_all(outbox)
    follower = follow()
    stands(follower, "public.loud")
    execute(outbox, "INSERT INTO loud VALUES (9)")
    follower.hears(9)
