"""Writers that hold tables, and what PostgreSQL tells of the gates."""

from collections.abc import Iterable

from psycopg2.extensions import connection as Connection
from sqlalchemy import Column, Engine, Integer, MetaData, Table

from sa_notify import realtime
from sa_notify.source.outbox.gates import PATIENCE_SECONDS
from tests.protocol import wait_for
from tests.source.outbox.counters import TABLE
from tests.source.outbox.outboxes import Follower, scalar

_GATE = """
SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.mode = 'ExclusiveLock' AND l.objid = CAST(:name AS regclass)::oid
AND l.classid = 1935765094 AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def run(connection: Connection, statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def count(connection: Connection, key: int) -> None:
    """Write the next version of one of the counters."""
    run(connection, f"UPDATE counters SET version = version + 1 WHERE id = {key}")


def make_tables(engine: Engine, names: Iterable[str]) -> None:
    """Tables of one column, captured through the outbox."""
    metadata = MetaData()
    for name in names:
        realtime(delivery="outbox")(Table(name, metadata, Column("id", Integer, primary_key=True)))
    metadata.create_all(engine)


def stands(follower: Follower, *tables: str) -> None:
    """Ask until they do, as the hub does."""
    wanted = set(tables or (TABLE,))
    wait_for(lambda: follower.source.take(wanted) == wanted, "the tables stand")  # type: ignore[attr-defined]


def held(engine: Engine, name: str = "counters") -> bool:
    """Whether a reader holds the table's gate."""
    return bool(scalar(engine, f"{_GATE} AND l.granted", name=name))


def awaited(engine: Engine, name: str = "counters") -> bool:
    """Whether somebody with more patience than the keeper stands in the queue for it."""
    since = f"a.query_start < clock_timestamp() - interval '{2 * PATIENCE_SECONDS} s'"
    return bool(scalar(engine, f"{_GATE} AND NOT l.granted AND {since}", name=name))
