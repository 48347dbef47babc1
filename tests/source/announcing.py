"""Writers that announce what they do as the triggers do, in plain SQL."""

import json
from typing import Any

from psycopg2.extensions import connection as Connection
from sqlalchemy import Engine

from sa_notify.source.outbox.keys import DOORBELL


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


#: Databases whose writers use the outbox instead of NOTIFY.
THROUGH_OUTBOX: set[str] = set()

_RING = "SELECT pg_notify('sa_notify', '') WHERE NOT pg_try_advisory_xact_lock_shared(%s)"


def notify(connection: Connection, payload: str, channel: str = "sa_notify") -> None:
    if connection.info.dbname in THROUGH_OUTBOX and channel == "sa_notify":
        body = json.loads(payload)
        into_outbox(connection, body["t"], json.dumps(body["c"], ensure_ascii=False)[1:-1])
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", (channel, payload))


def into_outbox(connection: Connection, relation: str, body: str, depth: int = 1) -> None:
    """What a trigger does for a statement whose table somebody wants."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(pg_sequence_last_value('sa_notify.outbox_turn') & 3, 0)")
        row: Any = cursor.fetchone()
        cursor.execute(
            f"INSERT INTO sa_notify.outbox_{row[0]} (depth, relation, body) VALUES (%s, %s, %s)",
            (depth, relation, body),
        )
        cursor.execute(_RING, (DOORBELL,))


def announce(connection: Connection, *keys: object) -> int:
    """One committed transaction that announces these keys; its xid."""
    xid = begin(connection)
    for n, key in enumerate(keys, 1):
        notify(connection, message(key, xid=xid, n=n))
    connection.commit()
    return xid
