"""An outbox that tests write to as triggers would, and those who follow it."""

import contextlib
import itertools
import secrets
from collections.abc import Callable
from typing import Any

from psycopg2.extensions import connection as Connection
from sqlalchemy import Engine, text

from sa_notify.capture.outbox import create_outbox
from sa_notify.change import ChangeSet
from sa_notify.errors import SourceLost
from sa_notify.source.base import Source
from tests.protocol import wait_for
from tests.source.announcing import begin, into_outbox

SLOTS = tuple(f"sa_notify.outbox_{slot}" for slot in range(4))


def make_outbox(engine: Engine) -> None:
    """Create what is missing of it."""
    with engine.begin() as connection:
        for statement in create_outbox():
            connection.execute(statement)


def put(connection: Connection, *keys: object, size: int = 0) -> int:
    """One transaction that inserts rows with these keys into ``public.t``, left open; its xid.

    :param size: of something that makes each row longer.
    """
    xid = begin(connection)
    for key in keys:
        value = f',"w":{{"x":["{"x" * size}"]}}' if size else ""
        into_outbox(connection, "public.t", f'{{"o":"i","k":["{key}"]{value}}}')
    return xid


def commit(connection: Connection, *keys: object, size: int = 0) -> int:
    """The same, committed."""
    xid = put(connection, *keys, size=size)
    connection.commit()
    return xid


def keys_of(changesets: list[ChangeSet]) -> list[str]:
    return [change.key[0] for changeset in changesets for change in changeset.changes if change.key]


def scalar(engine: Engine, statement: str, **arguments: Any) -> Any:
    with engine.connect() as connection:
        return connection.scalar(text(statement), arguments)


def execute(engine: Engine, *statements: str) -> None:
    """All in one transaction."""
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement.replace("%", "%%"))


def slot_sizes(engine: Engine) -> list[int]:
    """Bytes of each slot, without its index."""
    return [scalar(engine, "SELECT pg_table_size(CAST(:slot AS regclass))", slot=slot) for slot in SLOTS]


def slot_counts(engine: Engine) -> list[int]:
    """Rows of each slot."""
    return [scalar(engine, f"SELECT count(*) FROM {slot}") for slot in SLOTS]


def advisory_locks(engine: Engine) -> int:
    """How many advisory locks anybody holds or waits for in this database."""
    own = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    return int(scalar(engine, f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND {own}"))


class Follower:
    """Follows a source as an application does: what is lost is opened again.

    :ivar keys: heard in the current epoch.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.epochs: list[str] = []
        self.keys: list[str] = []
        self._open = False

    def open(self) -> str:
        """Begin another epoch."""
        self._open = False
        self.source.open()
        self._open = True
        self.epochs.append(self.source.epoch)
        self.keys = []
        return self.source.epoch

    def turn(self) -> None:
        """Read what has come; open what was lost."""
        try:
            if not self._open:
                self.open()
            while changesets := self.source.read():
                self.keys += keys_of(changesets)
        except SourceLost:
            self._open = False

    def until(self, condition: Callable[[], Any], what: str, seconds: float = 30.0) -> None:
        """Go on until something holds."""

        def goes_on() -> Any:
            self.turn()
            return condition()

        wait_for(goes_on, what, seconds)

    def hears(self, *keys: object) -> None:
        """Go on until all these were heard in one epoch, each once."""
        wanted = [str(key) for key in keys]
        self.until(lambda: set(wanted) <= set(self.keys), f"{wanted[:5]}")
        heard = [key for key in self.keys if key in set(wanted)]
        assert sorted(heard) == sorted(wanted)

    def loses(self, seconds: float = 30.0) -> None:
        """Go on until another epoch has begun."""
        epochs = len(self.epochs)
        self.until(lambda: len(self.epochs) > epochs, "another epoch", seconds)

    def close(self) -> None:
        with contextlib.suppress(SourceLost):
            self.source.close()


def all_is_well(followers: list[Follower], writer: Connection) -> None:
    """Each hears all that is written from now on, once; one may have to follow another into a new epoch."""
    token, names = secrets.token_hex(4), itertools.count()

    def settled() -> bool:
        name = f"probe {token} {next(names)}"
        epochs = [len(follower.epochs) for follower in followers]
        commit(writer, name)
        for follower in followers:
            _hears_or_loses(follower, name)
        return epochs == [len(follower.epochs) for follower in followers]

    wait_for(settled, "followers at rest")
    put(writer, "gone")
    writer.rollback()
    for n in range(10):
        commit(writer, f"{token} {n}")
    for follower in followers:
        follower.hears(*(f"{token} {n}" for n in range(10)))
        assert "gone" not in follower.keys


def _hears_or_loses(follower: Follower, name: str) -> None:
    epochs = len(follower.epochs)
    follower.until(lambda: name in follower.keys or len(follower.epochs) > epochs, name)
