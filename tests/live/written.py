"""What triggers write to the outbox while all gates are open."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
from sqlalchemy import Engine, create_engine, make_url

from sa_notify.change import Change
from sa_notify.source.outbox.rows import changes
from tests.capture.ears import GATE

#: How many times the usual number of examples.
SIZE = int(os.environ.get("SA_NOTIFY_TEST_SIZE", "1"))
_SLOTS = tuple(f"sa_notify.outbox_{n}" for n in range(4))


class Written:
    """Reads and empties the outbox."""

    def __init__(self, url: str) -> None:
        plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._connection = psycopg2.connect(plain)
        self._connection.autocommit = True

    def attend(self) -> None:
        """Open the gates of all tables that there are."""
        self._run(
            f"SELECT pg_advisory_lock({GATE} + oid::bigint) FROM pg_class"
            " WHERE relkind = 'r' AND oid >= 16384"
        )

    def changes(self) -> list[Change]:
        """What came since the last call."""
        taken = ", ".join(f"t{n} AS (DELETE FROM {slot} RETURNING *)" for n, slot in enumerate(_SLOTS))
        union = " UNION ALL ".join(f"SELECT * FROM t{n}" for n in range(len(_SLOTS)))
        found = self._run(f"WITH {taken} SELECT relation, body FROM ({union}) rows ORDER BY seq")
        return [change for relation, body in found for change in changes(relation, body)]

    def _run(self, statement: str) -> Any:
        with self._connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()

    def close(self) -> None:
        self._connection.close()


@contextmanager
def new_database(server: str) -> Iterator[str]:
    """The URL of a database for several tests."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    plain = create_engine(server, isolation_level="AUTOCOMMIT")
    with plain.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    with plain.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    plain.dispose()


@contextmanager
def written(engine: Engine) -> Iterator[Written]:
    """From now on."""
    found = Written(engine.url.render_as_string(hide_password=False))
    found.attend()
    try:
        yield found
    finally:
        found.close()
