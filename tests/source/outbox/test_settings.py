"""What roles, databases and servers set for their own purposes changes nothing about the outbox."""

from collections.abc import Callable, Iterator

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection
from sqlalchemy import Engine, create_engine, make_url, text

from sa_notify.source.outbox import gates
from sa_notify.source.outbox.source import Wake
from tests.protocol import wait_for
from tests.source.outbox.conftest import Follow
from tests.source.outbox.outboxes import commit, execute, make_outbox, put, scalar

_SETTINGS = (
    "default_transaction_isolation = 'serializable'",
    "default_transaction_isolation = 'repeatable read'",
    "default_transaction_read_only = on",
    "lock_timeout = '1ms'",
    "statement_timeout = '100ms'",
    "idle_in_transaction_session_timeout = '100ms'",
    "search_path = ''",
)
_READERS = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


Altered = Callable[[str], Engine]


@pytest.fixture
def altered(outbox: Engine) -> Altered:
    """Sets something for all who come to the database by another engine than the test's own."""
    name = outbox.url.database

    def alter(setting: str) -> Engine:
        execute(outbox, f'ALTER DATABASE "{name}" SET {setting}')
        return create_engine(outbox.url)

    return alter


@pytest.mark.parametrize("wake", ["notify", "poll"])
@pytest.mark.parametrize("setting", _SETTINGS)
def test_what_the_database_sets_does_not_stop_a_follower(
    outbox: Engine, altered: Altered, follow: Follow, writer: Connection, setting: str, wake: Wake
) -> None:
    """It follows, has tables captured, and holds no snapshot back from vacuum."""
    commit(writer)
    execute(outbox, "CREATE TABLE t (id int)")
    follower = follow(wake, altered(setting))

    assert follower.source.take(["public.t"]) == {"public.t"}  # type: ignore[attr-defined]
    commit(writer, 1)
    follower.hears(1)
    wait_for(
        lambda: scalar(outbox, f"{_READERS} AND backend_xmin IS NOT NULL") == 0, "nobody to hold a snapshot"
    )
    assert scalar(outbox, "SELECT count(*) FROM pg_locks WHERE mode = 'SIReadLock'") == 0
    assert len(follower.epochs) == 1


@pytest.mark.parametrize("wake", ["notify", "poll"])
def test_serializable_writers_do_not_fail_because_they_are_followed(
    outbox: Engine, altered: Altered, follow: Follow, writer: Connection, wake: Wake
) -> None:
    """A database whose default is SERIALIZABLE: readers are no part of the conflicts between writers."""
    execute(outbox, "CREATE TABLE t (id int)", "INSERT INTO t VALUES (1)")
    engine = altered("default_transaction_isolation = 'serializable'")
    follower = follow(wake, engine)
    with engine.connect() as first, engine.connect() as second:
        for n in range(20):
            first.execute(text("SELECT * FROM t"))
            put(first.connection.dbapi_connection, f"before {n}")  # type: ignore[arg-type]
            second.execute(text("UPDATE t SET id = id + 1"))
            second.commit()
            commit(writer, n)
            follower.hears(n)
            put(first.connection.dbapi_connection, f"after {n}")  # type: ignore[arg-type]
            first.commit()
            follower.hears(f"before {n}", f"after {n}")
    engine.dispose()


@pytest.fixture
def bytes_only(pg_server: str) -> Iterator[Engine]:
    """A database that keeps bytes of any encoding."""
    name = "sa_notify_bytes"
    server = create_engine(make_url(pg_server), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name}"))
        connection.execute(text(f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0"))
        engine = create_engine(server.url.set(database=name), connect_args={"client_encoding": "UTF8"})
        yield engine
        engine.dispose()
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.mark.parametrize("name", ["tablé", "表"])
def test_tables_with_any_name_are_captured_where_the_database_keeps_bytes(
    bytes_only: Engine, follow: Follow, name: str
) -> None:
    """Under SQL_ASCII their gates are held too, and they are answered by the name that was asked for."""
    make_outbox(bytes_only)
    execute(bytes_only, f'CREATE TABLE "{name}" (id int)')
    follower = follow(engine=bytes_only)

    assert follower.source.take([f'public."{name}"']) == {f'public."{name}"'}  # type: ignore[attr-defined]
    follower.source.keep([f'public."{name}"'])  # type: ignore[attr-defined]
    held = "SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.objid WHERE l.locktype = 'advisory'"
    assert scalar(bytes_only, held + " AND c.relkind = 'r'") == 1


def test_thousands_of_tables_are_wanted(outbox: Engine, follow: Follow) -> None:
    """More than a SELECT may have columns."""
    names = [f"public.t{n}" for n in range(1700)]
    for some in (names[n : n + 100] for n in range(0, len(names), 100)):
        execute(outbox, *(f"CREATE TABLE {name} (id int)" for name in some))
    follower = follow()

    wait_for(lambda: follower.source.take(names) == set(names), "all to stand")  # type: ignore[attr-defined]
    assert len(follower.epochs) == 1


def test_writers_keep_their_room_in_the_lock_table(
    outbox: Engine, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gates leave half of it to others; tables beyond that do not stand, and do once there is room again."""
    monkeypatch.setattr(gates, "_ROOM", "SELECT 3")
    names = [f"public.t{n}" for n in range(5)]
    execute(outbox, *(f"CREATE TABLE {name} (id int)" for name in names))
    source = follow().source

    assert source.take(names[:3]) == set(names[:3])  # type: ignore[attr-defined]
    assert source.take(names) == set(names[:3])  # type: ignore[attr-defined]
    execute(outbox, f"DROP TABLE {names[0]}")
    wait_for(lambda: len(source.take(names)) == 4, "room for one more")  # type: ignore[attr-defined]


def test_a_session_outlives_what_transactions_may_take(
    outbox: Engine, follow: Follow, writer: Connection
) -> None:
    """``transaction_timeout``, of PostgreSQL 17, does not end the one that holds a pooler's backend."""
    if writer.server_version < 170_000:
        pytest.skip("no transaction_timeout")
    name = outbox.url.database
    execute(outbox, f"ALTER DATABASE \"{name}\" SET transaction_timeout = '100ms'")
    follower = follow("poll", create_engine(outbox.url))
    with psycopg2.connect(writer.dsn) as patient:
        with patient.cursor() as cursor:
            cursor.execute("SET transaction_timeout = 0")
        patient.commit()
        with patient.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.5)")
        patient.commit()
    patient.close()
    commit(writer, 1)
    follower.hears(1)
    assert len(follower.epochs) == 1
