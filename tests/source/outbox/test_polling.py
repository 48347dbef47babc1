"""Through a pooler of transactions: nothing is heard there, and nothing may be left in its sessions."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg2
import pytest
from psycopg2.extensions import TRANSACTION_STATUS_IDLE, connection as Connection
from sqlalchemy import Engine, make_url

from sa_notify.source.database import database_source
from sa_notify.source.outbox.source import OutboxSource
from sa_notify.source.signals import WHISPER
from tests.protocol import wait_for
from tests.source.outbox.conftest import Follow
from tests.source.outbox.outboxes import Follower, advisory_locks, all_is_well, execute, scalar
from tests.source.pooler import Pooler

# what SET TRANSACTION sets begins anew with each transaction, and stays marked as the session's
_STATE = """
SELECT (SELECT string_agg(name, ',') FROM pg_settings WHERE source = 'session'
        AND name NOT IN ('transaction_isolation', 'transaction_read_only')),
       (SELECT count(*) FROM pg_prepared_statements), (SELECT count(*) FROM pg_listening_channels()),
       (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()),
       (SELECT count(*) FROM pg_cursors), pg_backend_pid()
"""


class Pooled:
    """Makes connections through a pooler, and remembers them."""

    def __init__(self, url: str) -> None:
        self.made: list[Any] = []
        dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._dsn = dsn

    def __call__(self) -> Connection:
        connection = psycopg2.connect(self._dsn)
        self.made.append(connection)
        return connection

    def states(self) -> dict[int, tuple[Any, ...]]:
        """Of server sessions between two transactions, by process."""
        found = {}
        # one whose transaction is open holds the locks, and is nobody else's
        for connection in self.made:
            if not connection.closed and connection.info.transaction_status == TRANSACTION_STATUS_IDLE:
                with connection.cursor() as cursor:
                    cursor.execute(_STATE)
                    *state, backend = cursor.fetchone()
                found[backend] = tuple(state)
        return found


@pytest.fixture
def pooled(outbox: Engine) -> Iterator[Pooled]:
    with Pooler(outbox.url, transaction=True) as pooler:
        yield Pooled(pooler.listen_url)


@pytest.fixture
def polling(pooled: Pooled) -> Iterator[Follower]:
    follower = Follower(OutboxSource(pooled, "poll"))
    follower.open()
    yield follower
    follower.close()


def test_nothing_is_left_in_the_poolers_sessions(
    outbox: Engine, polling: Follower, pooled: Pooled, connections: Callable[[], Connection]
) -> None:
    """No setting, no statement, no channel and no lock that the next client of a session would meet."""
    execute(outbox, "CREATE TABLE t (id int)", "CREATE TABLE held (id int)")
    pinning = connections()
    with pinning.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock_shared(8314047771468365824 + 'held'::regclass::bigint)"
        )
    assert isinstance(polling.source, OutboxSource)
    assert polling.source.take(["public.t", "public.held"]) == {"public.t"}
    all_is_well([polling], connections())
    states = dict[int, tuple[Any, ...]]()
    # two of each of two clients

    def enough() -> bool:
        states.update(pooled.states())
        return len(states) >= 4

    wait_for(enough, "all sessions to be looked at")

    assert set(states.values()) == {(None, 0, 0, 0, 0)}
    pinning.rollback()
    wait_for(lambda: polling.source.take(["public.held"]), "the table that was held")  # type: ignore[attr-defined]
    polling.close()
    wait_for(lambda: advisory_locks(outbox) == 0, "no lock to be left")


def test_notes_are_read_by_all_who_poll(
    outbox: Engine, pooled: Pooled, connections: Callable[[], Connection]
) -> None:
    """Once by each, also by who begins within 20 s; then they are gone."""
    heard: list[list[str]] = [[], []]
    pollers = [Follower(OutboxSource(pooled, "poll", whispered=each.append)) for each in heard]
    for poller in pollers:
        poller.open()
    source = database_source(pooled, "poll")
    for word in ("one", "two"):
        source.post(f"{WHISPER}{word}")
    pollers[0].until(lambda: all(len(each) == 2 for each in heard), "both notes")
    for each in heard:
        assert sorted(each) == [f"{WHISPER}one", f"{WHISPER}two"]
    late: list[str] = []
    pollers.append(Follower(OutboxSource(pooled, "poll", whispered=late.append)))
    pollers[2].until(lambda: len(late) == 2, "both notes, for who has just begun")
    all_is_well(pollers, connections())
    notes = "sa_notify.outbox_reader {} wanted[1] LIKE 'whisper %'"
    assert scalar(outbox, f"SELECT count(*) FROM {notes.format('WHERE')}") == 2
    old = "SET beat = clock_timestamp() - interval '21 s' WHERE"
    execute(outbox, f"UPDATE {notes.format(old)}")
    wait_for(lambda: scalar(outbox, f"SELECT count(*) FROM {notes.format('WHERE')}") == 0, "them to go")
    for poller in pollers:
        poller.close()
    assert [len(each) for each in (*heard, late)] == [2, 2, 2]


@pytest.mark.parametrize("first", ["poll", "notify"])
def test_those_who_poll_and_those_who_listen_keep_for_each_other(
    outbox: Engine, follow: Follow, pooled: Pooled, connections: Callable[[], Connection], first: str
) -> None:
    """Whoever keeps, the other has its tables captured, hears everything, and takes over."""
    execute(outbox, "CREATE TABLE t (id int)")
    poller, writer = Follower(OutboxSource(pooled, "poll")), connections()
    if first == "poll":
        poller.open()
    listener = follow()
    followers = [poller, listener]
    if first == "notify":
        poller.open()
    keeper, other = followers if first == "poll" else followers[::-1]
    all_is_well(followers, writer)
    for follower in followers:
        assert isinstance(follower.source, OutboxSource)
        assert follower.source.take(["public.t"]) == {"public.t"}
        assert scalar(outbox, "SELECT array_agg(relation) FROM sa_notify.outbox_gate") == ["public.t"]
    keeper.close()
    other.loses()
    all_is_well([other], writer)
    for follower in followers:
        follower.close()
