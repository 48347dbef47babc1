"""Rows that count their own versions, and writers who contend for them.

Every committed version of a row is one more than the one before. Whoever follows the changes can therefore
tell what is missing, doubled or swapped from the changes alone.
"""

import os
import random
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import pairwise

from psycopg2.extensions import connection as Connection
from sqlalchemy import Column, Engine, Integer, MetaData, Table, text

from sa_notify import realtime
from sa_notify.change import ChangeSet
from tests.source.announcing import plain

#: Multiplies what is written; 1 in `make test`.
SIZE = int(os.environ.get("SA_NOTIFY_TEST_SIZE", "1"))
End = Callable[[Connection, random.Random], None]
KEYS = 40
TABLE = "public.counters"

_COUNT = "UPDATE counters SET version = version + 1 WHERE id = %s"


def make_counters(engine: Engine) -> None:
    """The table, captured through the outbox."""
    metadata = MetaData()
    table = Table(
        "counters",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("version", Integer, nullable=False),
    )
    realtime(delivery="outbox")(table)
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO counters SELECT n, 0 FROM generate_series(1, :n) n"), {"n": KEYS}
        )


_STEP = """
CREATE OR REPLACE FUNCTION step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.version % 7 < 3 THEN
    UPDATE counters SET version = version + 1 WHERE id = NEW.id;
  END IF;
  RETURN NULL;
END $$
"""


def make_restless(engine: Engine) -> None:
    """Some versions, a trigger has follow at once by another of the same row, up to three deep."""
    with engine.begin() as connection:
        connection.exec_driver_sql(_STEP.replace("%", "%%"))
        connection.exec_driver_sql(
            "CREATE TRIGGER step AFTER UPDATE ON counters FOR EACH ROW EXECUTE FUNCTION step()"
        )


class Writers:
    """Threads that write until they have done their share.

    :param preparing: as many of them end their transactions in two phases.
    """

    def __init__(self, engine: Engine, number: int, transactions: int, *, preparing: int = 0) -> None:
        self._connections = [plain(engine) for _ in range(number)]
        self._threads = [
            threading.Thread(
                target=_write, args=(connection, random.Random(seed), transactions, _ENDS[seed < preparing])
            )
            for seed, connection in enumerate(self._connections)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    @property
    def busy(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def wait(self, seconds: float) -> None:
        """Let them work so long."""
        self._threads[-1].join(seconds)

    def close(self) -> None:
        for thread in self._threads:
            thread.join()
        for connection in self._connections:
            connection.close()


def _end(connection: Connection, draw: random.Random) -> None:
    if draw.random() < 0.15:
        connection.rollback()
    else:
        connection.commit()


def _end_in_two_phases(connection: Connection, draw: random.Random) -> None:
    name = f"{connection.info.backend_pid}"
    with connection.cursor() as cursor:
        cursor.execute(f"PREPARE TRANSACTION '{name}'")
    connection.rollback()
    threading.Event().wait(draw.random() / 50)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"{'ROLLBACK' if draw.random() < 0.15 else 'COMMIT'} PREPARED '{name}'")
    connection.autocommit = False


_ENDS = (_end, _end_in_two_phases)


def _write(connection: Connection, draw: random.Random, transactions: int, end: End) -> None:
    for _ in range(transactions):
        with connection.cursor() as cursor:
            # always in the same order, so that nobody waits in a circle
            keys = sorted(draw.sample(range(1, KEYS + 1), draw.choice((1, 1, 2, 5))))
            cursor.execute(_COUNT, (keys[0],))
            if draw.random() < 0.2:
                cursor.execute("SAVEPOINT s")
                cursor.execute(_COUNT, (keys[-1] if len(keys) == 2 else keys[0],))
                cursor.execute("ROLLBACK TO SAVEPOINT s" if draw.random() < 0.5 else "RELEASE SAVEPOINT s")
            for key in keys[1:]:
                cursor.execute(_COUNT, (key,))
            if draw.random() < 0.05:
                cursor.execute("SELECT pg_sleep(%s)", (draw.random() / 5,))
        end(connection, draw)


def versions(engine: Engine) -> dict[str, int]:
    """What is in the table."""
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT id::text, version FROM counters"))
        return {str(key): int(version) for key, version in rows}


class Account:
    """What a follower was told of each row."""

    def __init__(self) -> None:
        self.steps: dict[str, list[tuple[int, int]]] = defaultdict(list)

    def add(self, changesets: Iterable[ChangeSet]) -> None:
        for changeset in changesets:
            for change in changeset.changes:
                assert change.table == TABLE and change.key
                old, new = change.values["version"]
                self.steps[change.key[0]].append((old, new))

    def faults(self) -> dict[str, int]:
        """Versions that never came, that came twice, and that came before their predecessor."""
        found = {"skipped": 0, "doubled": 0, "swapped": 0}
        for steps in self.steps.values():
            came = [new for _, new in steps]
            found["doubled"] += len(came) - len(set(came))
            found["skipped"] += len(set(range(min(came), max(came) + 1)) - set(came))
            found["swapped"] += sum(later < earlier for earlier, later in pairwise(came))
        return found

    @property
    def latest(self) -> dict[str, int]:
        return {key: steps[-1][1] for key, steps in self.steps.items()}
