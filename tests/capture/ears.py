"""Ears: what is announced in one database, whichever way it travels."""

import json
import select
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
from sqlalchemy import make_url

from tests.capture.roles import Roles

DEADLINE = 30.0
GATE = 8314047771468365824


class Ear:
    """Hears what is announced in one database, in order, as the dispatcher where there are roles."""

    def __init__(self, url: str, roles: Roles | None = None) -> None:
        self._roles = roles
        plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._connection = psycopg2.connect(plain)
        self._connection.autocommit = True
        self._cursor = self._connection.cursor()
        self._become_dispatcher()
        self._cursor.execute("LISTEN sa_notify")
        self._rest: list[str] = []

    def _become_dispatcher(self) -> None:
        if self._roles:
            self._cursor.execute(f"SET ROLE {self._roles.dispatcher}")

    def payloads(self) -> list[str]:
        """Every payload since the last call: a notification of its own marks the end."""
        mark, heard, deadline = uuid.uuid4().hex, self._rest, time.monotonic() + DEADLINE
        self._cursor.execute("SELECT pg_notify('sa_notify', %s)", (mark,))
        while time.monotonic() < deadline:
            self._connection.poll()
            heard += [notify.payload for notify in self._connection.notifies]
            self._connection.notifies.clear()
            if mark in heard:
                end = heard.index(mark)
                self._rest = heard[end + 1 :]
                return heard[:end]
            select.select([self._connection], [], [], 0.1)
        raise AssertionError("the end mark was not heard")

    def messages(self) -> list[dict[str, Any]]:
        """The payloads, read."""
        return [json.loads(payload) for payload in self.payloads()]

    def attend(self) -> None:
        """Hear all tables that there are; NOTIFY is heard anyway."""

    def changes(self) -> list[dict[str, Any]]:
        """The changes of all messages, by key within each run of one kind."""
        return [change for message in self.messages() for change in message["c"]]

    def close(self) -> None:
        self._connection.close()


class OutboxEar(Ear):
    """Reads and empties the outbox, keeping the gates of all tables open.

    What it reads it tells as the messages that it would have heard, one for each row; a value of an
    update that stands alone is both its old and its new one. It also hears what falls back to NOTIFY.
    """

    def __init__(self, url: str, roles: Roles | None = None) -> None:
        super().__init__(url, roles)
        self._open: set[int] = set()

    def attend(self) -> None:
        """Open the gates of tables that are new."""
        self._cursor.execute(
            "SELECT oid::bigint FROM pg_class WHERE relkind IN ('r', 'p') AND oid >= 16384"
            " AND relnamespace <> coalesce(to_regnamespace('sa_notify')::oid, 0)"
        )
        for (oid,) in self._cursor.fetchall():
            if oid not in self._open:
                self._cursor.execute("SELECT pg_advisory_lock(%s)", (GATE + oid,))
                self._open.add(oid)

    def payloads(self) -> list[str]:
        """Every message since the last call."""
        return [*self._rows(), *super().payloads()]

    def _rows(self) -> list[str]:
        with self._no_dispatcher():
            self._cursor.execute(
                "SELECT pg_catalog.count(pg_catalog.to_regclass(name)) FROM (VALUES ('sa_notify.outbox_0'),"
                " ('sa_notify.outbox_1'), ('sa_notify.outbox_2'), ('sa_notify.outbox_3')) v(name)"
            )
            if self._cursor.fetchone() != (4,):
                return []
            if self._roles:
                self._roles.grant_outbox(self._cursor)
        union = " UNION ALL ".join(f"SELECT * FROM sa_notify.outbox_{n}" for n in range(4))
        self._cursor.execute(f"SELECT seq, xid, relation, body FROM ({union}) rows ORDER BY seq")
        found = self._cursor.fetchall()
        self._forget([seq for seq, *_ in found])
        return [
            json.dumps(
                {"v": 1, "x": xid, "t": relation, "c": _both(json.loads(f"[{body}]"))}, ensure_ascii=False
            )
            for _, xid, relation, body in found
        ]

    def _forget(self, numbers: list[int]) -> None:
        # a dispatcher truncates, which would wait for transactions that tests leave open
        with self._no_dispatcher():
            for n in range(4):
                self._cursor.execute(f"DELETE FROM sa_notify.outbox_{n} WHERE seq = ANY (%s)", (numbers,))

    @contextmanager
    def _no_dispatcher(self) -> Iterator[None]:
        """As the suite's superuser, for what is no dispatcher's business."""
        self._cursor.execute("RESET ROLE")
        try:
            yield
        finally:
            self._become_dispatcher()


def _both(changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for change in changes:
        for column, values in change.get("w", {}).items():
            change["w"][column] = values * 2 if len(values) == 1 else values
    return changes
