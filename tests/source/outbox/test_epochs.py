"""Whatever takes something from a reader, or may have, begins a new epoch; what follows is heard in it."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection
from sqlalchemy import Engine, create_engine, make_url

from sa_notify.capture.outbox import create_outbox, drop_outbox
from sa_notify.errors import SourceLost
from sa_notify.source.outbox import keeper, rotation
from sa_notify.source.outbox.reader import Reader
from sa_notify.source.outbox.session import Session
from sa_notify.source.outbox.snapshot import Snapshot
from sa_notify.source.outbox.source import OutboxSource, Wake
from tests.protocol import wait_for
from tests.source.announcing import plain
from tests.source.outbox.conftest import Follow
from tests.source.outbox.outboxes import (
    SLOTS,
    Follower,
    advisory_locks,
    all_is_well,
    commit,
    execute,
    make_outbox,
    scalar,
    slot_counts,
)
from tests.source.proxy import Proxy

_OLD = "clock_timestamp() - interval '11 s'"
_BACKENDS = """
SELECT array_agg(pid ORDER BY backend_start) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'sa_notify'
"""

FAULTS = {
    "its registration is deleted": ["DELETE FROM sa_notify.outbox_reader"],
    "the readers' tables are emptied": [
        # in the order in which a read locks them
        "TRUNCATE sa_notify.outbox_term, sa_notify.outbox_reader, sa_notify.outbox_gate"
    ],
    "the term is another": ["UPDATE sa_notify.outbox_term SET term = gen_random_uuid()"],
    "the term is gone": ["DELETE FROM sa_notify.outbox_term"],
    "there are two terms": [
        "INSERT INTO sa_notify.outbox_term VALUES (gen_random_uuid(), clock_timestamp(), 0)"
    ],
    "the outbox is dropped and made anew": [
        *(statement.sql for statement in (*drop_outbox(), *create_outbox())),
    ],
}


@pytest.mark.parametrize("wake", ["notify", "poll"])
@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_lost_is_noticed(
    outbox: Engine, follow: Follow, connections: Callable[[], Connection], fault: str, wake: Wake
) -> None:
    """A reader whose tables changed under it begins anew, as does one beside it."""
    followers = [follow(wake, safety_seconds=0.1), follow(wake, safety_seconds=0.1)]
    execute(outbox, *FAULTS[fault])
    for follower in followers:
        follower.loses()
    all_is_well(followers, connections())


def test_a_reader_that_gave_no_sign_of_life_takes_itself_for_lost(
    outbox: Engine, follow: Follow, writer: Connection
) -> None:
    """Ten seconds, and others may not wait for it any longer."""
    first, follower = follow(), follow()
    mine = f"(SELECT id FROM sa_notify.outbox_reader WHERE id <> '{_registration(first)}')"

    def too_old() -> bool:
        # between two signs of life, one of which may come right after this
        execute(outbox, f"UPDATE sa_notify.outbox_reader SET beat = {_OLD} WHERE id IN {mine}")
        follower.turn()
        return len(follower.epochs) > 1

    wait_for(too_old, "another epoch")
    all_is_well([first, follower], writer)
    assert len(first.epochs) == 1


def test_a_keeper_that_gives_no_sign_of_life_is_left(
    outbox: Engine, follow: Follow, writer: Connection
) -> None:
    """What it holds back meanwhile can't be known."""
    followers = [follow(), follow()]

    def too_old() -> bool:
        execute(outbox, f"UPDATE sa_notify.outbox_term SET beat = {_OLD}")
        followers[1].turn()
        return len(followers[1].epochs) > 1

    wait_for(too_old, "another epoch")
    all_is_well(followers, writer)


@pytest.mark.parametrize("wake", ["notify", "poll"])
@pytest.mark.parametrize("number", range(3))
def test_any_of_its_connections_may_end(
    outbox: Engine, follow: Follow, connections: Callable[[], Connection], number: int, wake: Wake
) -> None:
    """The one that reads, the one that holds locks, another that waits for a writer: all is heard again."""
    execute(outbox, "CREATE TABLE t (id int)")
    writer, pinning = connections(), connections()
    with pinning.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock_shared(8314047771468365824 + 't'::regclass::bigint)")
    follower = follow(wake)
    assert isinstance(follower.source, OutboxSource)
    assert follower.source.take(["public.t"]) == frozenset()
    backends = _backends(outbox, 3)
    with connections().cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", (backends[number],))
    pinning.commit()
    wait_for(lambda: _stands(follower), "the table to stand")
    all_is_well([follower], writer)
    assert len(follower.epochs) <= 2
    follower.close()
    wait_for(lambda: advisory_locks(outbox) == 0, "no lock to be left")


def test_a_cut_connection_is_noticed(
    outbox: Engine, follow: Follow, writer: Connection, database_url: str
) -> None:
    """A network that ends and comes back is a new epoch for whom it cut off, and for none else."""
    with Proxy(make_url(database_url)) as proxy:
        near, engine = follow(), create_engine(proxy.listen_url)
        far = follow(engine=engine)
        proxy.refuse()
        with pytest.raises(SourceLost):
            wait_for(lambda: far.source.read() and False, "the loss")
        commit(writer, "meanwhile")
        near.hears("meanwhile")
        proxy.heal()
        far.loses()
        all_is_well([near, far], writer)
        assert len(near.epochs) == 1
        far.close()
        engine.dispose()


@pytest.mark.parametrize("wake", ["notify", "poll"])
def test_rows_of_another_cluster_are_nobodys(
    outbox: Engine, follow: Follow, writer: Connection, wake: Wake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Restored from a dump, their transactions are in the future: not heard again and again, and emptied."""
    monkeypatch.setattr(rotation, "SLOT_BYTES", 1)
    monkeypatch.setattr(keeper, "ROUND_SECONDS", 0.02)
    item = """'{"o":"i","k":["restored"]}'"""
    values = f"(1, 1099511627776::text::xid8, 1, 'public.t', {item})"
    follower = follow(wake)
    execute(
        outbox, *(f"INSERT INTO {slot} (seq, xid, depth, relation, body) VALUES {values}" for slot in SLOTS)
    )
    for n in range(3):
        commit(writer, n)
        follower.hears(n)
    follower.until(lambda: sum(slot_counts(outbox)) == 0, "an empty outbox")

    assert follower.keys == ["0", "1", "2"]
    assert len(follower.epochs) == 1


def test_the_database_is_dropped_and_made_anew(follow: Follow, outbox: Engine, database_url: str) -> None:
    """As a restore does: whoever followed the old one follows the new one."""
    follower, url = follow(), make_url(database_url)
    outbox.dispose()
    admin = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {url.database} WITH (FORCE)")
        connection.exec_driver_sql(f"CREATE DATABASE {url.database}")
    admin.dispose()
    make_outbox(outbox)
    follower.loses()
    writer = plain(outbox)
    all_is_well([follower], writer)
    writer.close()


def test_a_migration_never_waits_for_who_waits_for_it(
    outbox: Engine, connections: Callable[[], Connection]
) -> None:
    """Dropping the outbox under its readers is no deadlock, of which the migration might be the victim."""
    holding, migrating, reading = connections(), connections(), connections()
    reading.autocommit = True
    reader = Reader(
        Session(reading, pooled=True),
        pooled=True,
        reader_id=str(uuid.uuid4()),
        term="",
        since=Snapshot.of("3:3:"),
        codec="utf-8",
    )
    with holding.cursor() as cursor:
        cursor.execute("LOCK TABLE sa_notify.outbox_0")
    with ThreadPoolExecutor(2) as threads, migrating.cursor() as cursor:
        cursor.execute("SET deadlock_timeout = '10ms'")
        dropping = threads.submit(cursor.execute, ";".join(statement.sql for statement in drop_outbox()))
        wait_for(lambda: _waiting(outbox) == 1, "the migration to wait")
        read = threads.submit(reader.read)
        wait_for(lambda: _waiting(outbox) == 2, "the reader to wait")
        holding.rollback()
        dropping.result(20)
        migrating.commit()
        assert isinstance(read.exception(20), (SourceLost, psycopg2.Error))


def _waiting(engine: Engine) -> int:
    own = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    return int(scalar(engine, f"SELECT count(*) FROM pg_locks WHERE NOT granted AND {own}"))


def _backends(engine: Engine, number: int) -> list[int]:
    """Of all sources, the oldest first."""
    wait_for(lambda: len(scalar(engine, _BACKENDS) or ()) >= number, f"{number} connections")
    return list(scalar(engine, _BACKENDS))


def _registration(follower: Follower) -> str:
    assert isinstance(follower.source, OutboxSource)
    pump = follower.source._open().pump
    assert pump is not None
    return pump._registration.id


def _stands(follower: Follower) -> bool:
    follower.turn()
    try:
        assert isinstance(follower.source, OutboxSource)
        return follower.source.take(["public.t"]) == {"public.t"}
    except SourceLost:
        return False
