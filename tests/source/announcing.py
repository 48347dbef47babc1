"""Writers that announce what they do as the triggers do, in plain SQL."""

import json
from typing import Any

from psycopg2.extensions import connection as Connection
from sqlalchemy import Engine


def message(key: object, *, xid: object, n: int = 1, table: str = "public.t", op: str = "i") -> str:
    """The payload for one row."""
    body = {"v": 1, "x": str(xid), "t": table, "n": n, "c": [{"o": op, "k": [str(key)]}]}
    return json.dumps(body, ensure_ascii=False)


def plain(engine: Engine) -> Any:
    """A psycopg2 connection beside the engine's pool."""
    fairy = engine.raw_connection()
    connection = fairy.dbapi_connection
    fairy.detach()
    return connection


def begin(connection: Connection) -> int:
    """The xid of the transaction that this begins."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text")
        row: Any = cursor.fetchone()
    return int(row[0])


def notify(connection: Connection, payload: str, channel: str = "sa_notify") -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", (channel, payload))


def announce(connection: Connection, *keys: object) -> int:
    """One committed transaction that announces these keys; its xid."""
    xid = begin(connection)
    for n, key in enumerate(keys, 1):
        notify(connection, message(key, xid=xid, n=n))
    connection.commit()
    return xid
