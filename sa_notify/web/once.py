"""One statement in one round trip, with the snapshot and the rights of a transaction that reads.

psycopg2 sends BEGIN, the statement and ROLLBACK one after the other. Several statements in one message are
one transaction to PostgreSQL; but psycopg2 has to be kept from its BEGIN.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg2.extensions as psycopg2
from sqlalchemy import Connection, Engine

#: What the message has before the statement.
READING_ONCE: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; "

#: Who listens to these may set something for the transaction that there is not.
_SETTING: Final = ("begin", "before_execute", "before_cursor_execute")
_DEFAULT: Final = "DEFAULT"


def may_read_once(engine: Engine) -> bool:
    """Whether a statement means the same to the engine in such a message."""
    if engine.dialect.driver != "psycopg2":
        return False
    return not any(getattr(engine.dispatch, name) for name in _SETTING)


@contextmanager
def reading_once(connection: Connection) -> Iterator[str]:
    """Have the next statement be a transaction of its own; what has to stand before it.

    :param connection: on which nothing has been executed.
    """
    raw: Any = connection.connection.driver_connection
    characteristics = [raw.isolation_level, raw.readonly, raw.deferrable]
    # while these are not the server's own defaults, psycopg2 tells the server when autocommit begins and ends
    raw.set_session(_DEFAULT, _DEFAULT, _DEFAULT)
    raw.autocommit = True
    try:
        yield READING_ONCE
    finally:
        if not raw.closed:
            raw.autocommit = False
            raw.set_session(*(_DEFAULT if value is None else value for value in characteristics))


def is_at_rest(connection: Connection) -> bool:
    """Whether it is psycopg2's own, and in no transaction."""
    raw: Any = connection.connection.driver_connection
    return isinstance(raw, psycopg2.connection) and raw.status == psycopg2.STATUS_READY and not raw.autocommit
