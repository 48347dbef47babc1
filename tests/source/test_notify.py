"""What only LISTEN has to fear: strangers' messages, proxies, standbys, encodings."""

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg2
import pytest
from psycopg2.errors import UndefinedFile
from psycopg2.extensions import connection as Connection, cursor as Cursor
from sqlalchemy import Engine, create_engine, make_url, text

from sa_notify.change import Change, ChangeSet
from sa_notify.errors import SetupError, SourceLost
from sa_notify.source.connect import listen_connect
from sa_notify.source.message import UNKNOWN_XID
from sa_notify.source.notify import AT_ONCE, NotifySource
from tests.promptly import quickest
from tests.servers import own_postgres
from tests.source.announcing import announce, message, notify
from tests.source.colours import Reader, colour_named
from tests.source.pooler import Pooler


@contextlib.contextmanager
def _opened(connect: Callable[[], Connection], channel: str = "sa_notify") -> Iterator[Reader]:
    source = NotifySource(connect, channel)
    reader = Reader(source, colour_named("threads"))
    try:
        reader.open()
        yield reader
    finally:
        source.close()


def _keys(changesets: list[ChangeSet]) -> list[str]:
    return [change.key[0] for changeset in changesets for change in changeset.changes if change.key]


def _ends(changesets: list[ChangeSet]) -> bool:
    return "end" in _keys(changesets)


def test_garbage_costs_a_line_in_the_log(
    engine: Engine, writer: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    """What no trigger wrote is skipped, said once with its size, and never shown."""
    with _opened(listen_connect(engine)) as reader:
        for payload in ("?", "secret", '{"t":7,"c":"secret"}', "[" * 7000):
            notify(writer, payload)
        writer.commit()
        announce(writer, "end")

        assert _keys(reader.until(_ends)) == ["end"]
    assert len(caplog.records) == 1
    assert caplog.records[0].payload_size == 1  # type: ignore[attr-defined]
    assert "secret" not in caplog.text


def test_a_newer_triggers_message_is_a_change_of_its_table(engine: Engine, writer: Connection) -> None:
    """What this release can't read in detail is heard as a change of the whole table."""
    with _opened(listen_connect(engine)) as reader:
        newer = json.loads(message("1", xid=7)) | {"v": 2, "c": "in another way"}
        notify(writer, json.dumps(newer))
        notify(writer, json.dumps(newer | {"x": {"epoch": 1}}))
        writer.commit()
        found = reader.until(lambda changesets: len(changesets) == 2)

    assert [changeset.xid for changeset in found] == [7, UNKNOWN_XID]
    assert [(Change("public.t", "bulk"),)] * 2 == [changeset.changes for changeset in found]


def test_a_flood_of_garbage_leaves_room(engine: Engine, writer: Connection) -> None:
    """More garbage than one read takes does not hide what comes after it."""
    with _opened(listen_connect(engine)) as reader:
        for n in range(AT_ONCE * 3):
            notify(writer, str(n))
        writer.commit()
        announce(writer, "end")

        assert _keys(reader.until(_ends)) == ["end"]


def test_a_full_message_arrives(engine: Engine, writer: Connection) -> None:
    """7,999 bytes are read; one more is PostgreSQL's to refuse."""
    payload = message("é" * 3000, xid=7)
    room = 7999 - len(payload.encode())
    with _opened(listen_connect(engine)) as reader:
        notify(writer, payload[:-1] + " " * room + "}")
        writer.commit()
        announce(writer, "end")
        assert _keys(reader.until(_ends)) == ["é" * 3000, "end"]
    with pytest.raises(psycopg2.DataError):
        notify(writer, payload[:-1] + " " * (room + 1) + "}")


@pytest.mark.parametrize("channel", ['Quoted "Name"', "semi;colon", "x" * 63, "ключ"])
def test_any_name_of_a_channel(engine: Engine, writer: Connection, channel: str) -> None:
    """Every name that PostgreSQL takes for a channel works, to the letter; others are not heard."""
    with _opened(listen_connect(engine), channel) as reader:
        notify(writer, message("not ours", xid=7), "other")
        notify(writer, message("end", xid=7), channel)
        writer.commit()

        assert _keys(reader.until(_ends)) == ["end"]


@pytest.mark.parametrize("channel", ["", "x" * 64, "я" * 32])
def test_what_is_no_name_of_a_channel(engine: Engine, channel: str) -> None:
    """A name that PostgreSQL would cut or refuse is refused before it connects."""
    with pytest.raises(SetupError, match="1 to 63 bytes"):
        NotifySource(listen_connect(engine), channel)


@pytest.mark.parametrize("hook", ["SELECT 1", "SET client_encoding = 'LATIN1'"])
def test_whatever_a_connect_hook_leaves_behind(engine: Engine, writer: Connection, hook: str) -> None:
    """A connection that comes with an open transaction or another encoding listens all the same."""

    def connect() -> Connection:
        connection = listen_connect(engine)()
        with connection.cursor() as cursor:
            cursor.execute(hook)
        return connection

    with _opened(connect) as reader:
        notify(writer, message("ключ", xid=7))
        writer.commit()
        announce(writer, "end")

        assert _keys(reader.until(_ends)) == ["ключ", "end"]


def test_a_database_without_an_encoding(engine: Engine) -> None:
    """In a SQL_ASCII database UTF-8 is read, and a key in other bytes is a change of its table."""
    name = f"{engine.url.database}_ascii"
    options = "ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as admin:
        admin.execute(text(f"CREATE DATABASE {name} {options}"))
        bare = create_engine(engine.url.set(database=name), client_encoding="utf8")
        try:
            with _opened(listen_connect(bare)) as reader, bare.begin() as connection:
                raw = "convert_from('\\xe9', 'SQL_ASCII')"
                statement = f"SELECT pg_notify('sa_notify', replace(:m, 'BYTE', {raw}))"
                for key in ("BYTE", "ключ", "end"):
                    connection.execute(text(statement), {"m": _unescaped(key)})
                connection.commit()
                changes = [c for changeset in reader.until(_ends) for c in changeset.changes]
        finally:
            bare.dispose()
            admin.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))

    assert [(c.op, c.key) for c in changes] == [("bulk", None), ("insert", ("ключ",)), ("insert", ("end",))]


def _unescaped(key: str) -> str:
    return json.dumps(json.loads(message(key, xid=7)), ensure_ascii=False)


def test_a_server_that_ends_idle_sessions(engine: Engine) -> None:
    """A short idle_session_timeout ends other sessions but not the one that listens."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as admin:
        admin.execute(text(f"ALTER DATABASE {engine.url.database} SET idle_session_timeout = '100ms'"))
    connect = listen_connect(engine)
    with _opened(connect) as reader, contextlib.closing(connect()) as other:
        assert colour_named("threads").readable(other.fileno(), 10)
        with pytest.raises(psycopg2.OperationalError), other.cursor() as cursor:
            cursor.execute("SELECT 1")

        assert reader.ping() == []


def test_refuses_a_transaction_pool(engine: Engine) -> None:
    """Behind a proxy that pools by transaction it says within 3 s what to set instead."""
    with Pooler(engine.url, transaction=True) as pooler:
        connect = listen_connect(engine, pooler.listen_url)

        def attempt() -> float:
            began = time.monotonic()
            with pytest.raises(SetupError, match="SA_NOTIFY_LISTEN_URL"), _opened(connect):
                pass
            return time.monotonic() - began

        assert quickest(attempt, 3.0) < 3.0


def test_works_behind_a_session_pool(engine: Engine, writer: Connection) -> None:
    """Behind a proxy that pools by session it listens, and shows nothing of its own probe."""
    with (
        Pooler(engine.url, transaction=False) as pooler,
        _opened(listen_connect(engine, pooler.listen_url)) as reader,
    ):
        announce(writer, "end")

        assert _keys(reader.until(_ends)) == ["end"]


@pytest.fixture
def standby() -> Iterator[Engine]:
    """A server in recovery: one that was stopped well, and started again as a standby."""
    with own_postgres("sa-notify-standby-") as server:
        server.stop()
        (server.room / "data" / "standby.signal").touch()
        engine = create_engine(make_url(server.start().url))
        yield engine
        engine.dispose()


def test_refuses_a_standby(standby: Engine) -> None:
    """Where LISTEN is not possible it says so, and tries again: a standby may be promoted in a moment."""
    with pytest.raises(SourceLost, match="primary"), _opened(listen_connect(standby)):
        pass


class _LosingCommitStatus(Cursor):
    """PostgreSQL's "could not access status of transaction", which needs a bug of old releases."""

    failures = 0

    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002
        if str(query).startswith("LISTEN") and type(self).failures:
            type(self).failures -= 1
            raise UndefinedFile("could not access status of transaction 4242")
        super().execute(query, vars)


@pytest.mark.parametrize(("failures", "outcome"), [(1, None), (2, None), (3, SourceLost)])
def test_listen_is_tried_again(engine: Engine, failures: int, outcome: type[Exception] | None) -> None:
    """A LISTEN that fails for lost commit status is tried again a few times, then it is a loss."""
    _LosingCommitStatus.failures = failures

    def connect() -> Connection:
        connection = listen_connect(engine)()
        connection.cursor_factory = _LosingCommitStatus
        return connection

    with contextlib.ExitStack() as stack:
        if outcome:
            stack.enter_context(pytest.raises(outcome, match="4242"))
        with _opened(connect) as reader:
            assert reader.ping() == []


def test_an_interrupt_while_connecting_counts(engine: Engine) -> None:
    """A source that is interrupted before its connection stands gives the connection back."""
    made = []

    def connect() -> Connection:
        source.interrupt()
        made.append(listen_connect(engine)())
        return made[-1]

    source = NotifySource(connect)
    with pytest.raises(SourceLost):
        source.open()

    assert [connection.closed for connection in made] == [1]


def test_whatever_a_creator_raises_is_a_loss() -> None:
    """A failure to connect, of any kind, is a loss that is tried again."""

    def connect() -> Connection:
        raise RuntimeError("no token today")

    with pytest.raises(SourceLost, match="no token today"):
        NotifySource(connect).open()
