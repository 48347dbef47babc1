"""Each worker is told what it wants, in order, and nothing else."""

from collections.abc import Callable

import pytest
import redis
from redis.exceptions import ConnectionError as RedisGone
from sqlalchemy import Column, Engine, MetaData, Table, Text, insert, text
from sqlalchemy.schema import CreateSchema

from sa_notify import realtime
from sa_notify.change import Change, ChangeSet
from sa_notify.redis.connect import connect
from sa_notify.redis.keys import Keys
from sa_notify.service import publisher
from sa_notify.source.service.revocation import Revocation
from sa_notify.source.service.source import ServiceSource
from sa_notify.source.service.worker import Worker as RedisWorker
from sa_notify.source.wanted import Wanted
from tests.protocol import wait_for
from tests.service.conftest import Work
from tests.service.dispatchers import InThread

Write = Callable[..., None]
Led = Callable[..., object]


def test_workers_are_told_of_the_tables_that_they_want(leading: InThread, work: Work, write: Write) -> None:
    """Two workers, two tables: each hears its own, both in order."""
    one, other, both = work("a"), work("b"), work("a", "b")
    for n in range(1, 40, 2):
        write("a", n, n + 1)
        write("b", n)
    both.hears("b", *range(1, 40, 2))
    one.hears("a", *range(1, 41))
    other.hears("b", *range(1, 40, 2))

    assert set(one.heard) == {"public.a"} and set(other.heard) == {"public.b"}
    assert both.heard["public.a"] == one.heard["public.a"]
    assert [c.position for c in both.changesets] == list(range(1, len(both.changesets) + 1))
    assert {c.epoch for c in both.changesets} == {both.source.epoch}


def test_a_transaction_is_told_whole_and_with_values(leading: InThread, work: Work, engine: Engine) -> None:
    """What a worker gets equals what a process of its own would have got from the database."""
    worker = work("a", "b")
    with engine.begin() as connection:
        xid = connection.scalar(text("SELECT pg_current_xact_id()::text"))
        connection.execute(text("INSERT INTO a VALUES (1, 'é \"quoted\"')"))
        connection.execute(text("INSERT INTO b VALUES (2, NULL)"))
        connection.execute(text("UPDATE a SET text = 'z'"))
        connection.execute(text("DELETE FROM b"))
    worker.until(lambda: worker.changesets)

    (changeset,) = worker.changesets
    assert changeset.xid == int(xid)
    assert changeset.changes == (
        Change("public.a", "insert", ("1",), None, {"text": (None, 'é "quoted"')}),
        Change("public.b", "insert", ("2",), None, {"text": (None, None)}),
        Change("public.a", "update", ("1",), ("text",), {"text": ('é "quoted"', "z")}),
        Change("public.b", "delete", ("2",), None, {"text": (None, None)}),
    )


def test_nothing_is_captured_that_no_worker_wants(
    leading: InThread, work: Work, write: Write, engine: Engine
) -> None:
    """What the workers want reaches the gates in PostgreSQL, and a table that nobody wants stays out."""
    worker = work("a")
    write("b", 1)
    write("a", 1)
    worker.hears("a", 1)
    with engine.connect() as connection:
        found = connection.scalars(text("SELECT relation FROM sa_notify.outbox_0")).all()

    assert "public.b" not in found


def test_rows_alone_can_be_wanted(
    leading: InThread, work: Work, write: Write, engine: Engine, client: redis.Redis, keys: Keys
) -> None:
    """A worker that wants two rows of a table hears of these, and of what concerns all rows."""
    worker, other = work(), work("a")
    worker.source.want(Wanted(1, rows={"public.a": frozenset({("2",), ("5",)})}))
    wait_for(lambda: client.exists(keys.partly(worker.source.epoch)), "its rows to be known")
    for n in range(1, 8):
        write("a", n)
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE a"))
    worker.until(lambda: "truncate" in worker.heard.get("public.a", []))
    other.until(lambda: "truncate" in other.heard.get("public.a", []))

    assert worker.heard["public.a"] == ["2", "5", "truncate"]
    worker.source.want(Wanted(2))
    wait_for(lambda: not client.exists(keys.partly(worker.source.epoch)), "its rows to be forgotten")


def test_everything_of_a_long_backlog_comes_in_order(leading: InThread, work: Work, engine: Engine) -> None:
    """More changes than one message to Redis takes, in one transaction and in many."""
    worker = work("a")
    with engine.begin() as connection:
        for first in range(0, 4500, 900):
            connection.execute(
                text("INSERT INTO a SELECT n FROM generate_series(CAST(:a AS int), CAST(:b AS int)) n"),
                {"a": first, "b": first + 899},
            )
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO a VALUES (9999)"))
    worker.until(lambda: "9999" in worker.heard.get("public.a", []))

    assert worker.heard["public.a"] == [*map(str, range(4500)), "9999"]
    assert max(len(changeset.changes) for changeset in worker.changesets) <= publisher.AT_ONCE
    assert len({changeset.xid for changeset in worker.changesets}) == 2


def test_a_large_changeset_goes_in_parts() -> None:
    """Parts of it follow each other, and none is larger than what one message takes."""
    changes = tuple(Change("t", "insert", (str(n),)) for n in range(2500))
    small = ChangeSet("e", 2, 8, changes[:3])
    parts = list(publisher._pieces([ChangeSet("e", 1, 7, changes), small]))

    assert [sum(len(c.changes) for c in part) for part in parts] == [1000, 1000, 503]
    assert tuple(ch for part in parts for c in part for ch in c.changes) == changes + changes[:3]


def test_revocations_reach_every_worker(leading: InThread, work: Work) -> None:
    """One worker's word is every worker's, its own included."""
    told: dict[int, list[str | None]] = {0: [], 1: []}
    ended: dict[int, list[str | None]] = {0: [], 1: []}
    workers = [work("a", revoked=told[n].append, dismissed=ended[n].append) for n in (0, 1)]
    workers[0].source.revoke("7")
    workers[0].source.revoke("8", dismiss=True)
    workers[1].source.revoke(None)
    for n, worker in enumerate(workers):
        worker.until(lambda n=n: set(told[n]) == {"7", None} and ended[n] == ["8"])  # type: ignore[misc]


def test_revocations_reach_who_was_away(leading: InThread, work: Work, redis_url: str, keys: Keys) -> None:
    """A worker that was between two epochs is told when it begins; what a worker could not tell waits."""
    told: list[str | None] = []
    worker = work("a")
    worker.source.close()
    reached, worker.source._connect = worker.source._connect, lambda: connect("redis://127.0.0.1:1")
    worker.source.revoke("early")
    worker.source._connect = reached
    worker.open()
    late = ServiceSource(lambda: connect(redis_url), keys, revoked=told.append)
    worker.source.revoke("late")
    wait_for(lambda: not worker.source._to_revoke, "both to be told")
    try:
        late.open()
        late.read()
        assert told == ["early", "late"]
    finally:
        late.close()


def test_a_revocation_that_could_not_be_told_is_told_later(
    leading: InThread, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis may be away in that moment, for whoever says so and for the feed; the next epoch tells it."""
    told: list[str | None] = []
    worker, plain, failures = (
        work("a", revoked=told.append),
        RedisWorker.revoke,
        [RedisGone("away"), RedisGone("away")],
    )

    def revoke(self: RedisWorker, revocation: Revocation) -> None:
        if failures:
            raise failures.pop()
        plain(self, revocation)

    monkeypatch.setattr(RedisWorker, "revoke", revoke)
    worker.source.revoke("7")
    assert "away" in worker.is_lost()
    worker.open()
    worker.until(lambda: told == ["7"])


def test_a_process_that_ends_has_told(leading: InThread, work: Work, redis_url: str, keys: Keys) -> None:
    """A command that locks somebody out follows nothing, and is over at once."""
    told: list[str | None] = []
    worker = work("a", revoked=told.append)
    ServiceSource(lambda: connect(redis_url), keys).revoke("7")
    worker.until(lambda: told == ["7"])


HOSTILE = [
    "User", "two words", "a.b", 'quo"te', "it's", "a:b", "$$", "per%cent", "back\\slash", "{brace}",
    "new\nline", "Größe", "*", "x" * 63,
]  # fmt: skip


def test_tables_of_any_name(
    leading: InThread, work: Work, engine: Engine, client: redis.Redis, keys: Keys
) -> None:
    """Names go through Redis, its scripts and the outbox as they are; so do keys of rows."""
    metadata = MetaData(schema='ten"ant.1')
    tables = [Table(name, metadata, Column("id", Text, primary_key=True)) for name in HOSTILE]
    for table in tables:
        realtime(table)
    with engine.begin() as connection:
        connection.execute(CreateSchema('ten"ant.1'))
    metadata.create_all(engine)
    with engine.connect() as connection:
        quoted = text("SELECT format('%I.%I', CAST(:schema AS text), CAST(:name AS text))")
        names = [connection.scalar(quoted, {"schema": 'ten"ant.1', "name": name}) for name in HOSTILE]
    worker, other = work(), work()
    worker.wanted = frozenset(names)
    worker.open()
    rows = {name: frozenset({(key,)}) for name, key in zip(names, HOSTILE, strict=True)}
    other.source.want(Wanted(1, rows=rows))
    wait_for(lambda: client.exists(keys.partly(other.source.epoch)), "its rows to be known")
    with engine.begin() as connection:
        for table, key in zip(tables, HOSTILE, strict=True):
            connection.execute(insert(table), [{"id": key}, {"id": "no " + key}])
    for each in (worker, other):
        each.until(lambda each=each: len(each.heard) == len(HOSTILE))  # type: ignore[misc]
    for name, key in zip(names, HOSTILE, strict=True):
        assert worker.heard[name] == [key, "no " + key]
        assert other.heard[name] == [key]
