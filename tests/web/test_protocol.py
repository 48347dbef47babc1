"""Wire protocol version 1 over gunicorn with two gevent workers, by clients that share no code with us."""

import os
import random
import threading
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, delete, insert, select, text, update

from sa_notify.capture.choice import DEFAULT_DELIVERY
from sa_notify.redis.keys import Keys
from tests.apps.items import Base, Item, Owner, Unheard
from tests.apps.pages import OWNERS, expected_page, random_pages, stock
from tests.databases import fresh_database
from tests.deliveries import DELIVERIES, delivered
from tests.protocol import ProtocolClient, Window, arrived, wait_for
from tests.service.dispatchers import InThread
from tests.serving import serve

Connect = Callable[..., ProtocolClient]

_DEFAULT = os.environ.get("SA_NOTIFY_DELIVERY") or DEFAULT_DELIVERY
#: How changes travel, and who follows the database: each worker by itself, or a dispatcher for all.
_WAYS = sorted(
    [*((delivery, "worker") for delivery in DELIVERIES), ("outbox", "service")],
    key=lambda way: way != (_DEFAULT, "worker"),
)
#: Of what depends on that, and of the rest; tests share a server for each way.
all_ways = pytest.mark.parametrize("way", _WAYS, ids=" ".join, indirect=True)
one_way = pytest.mark.parametrize("way", _WAYS[:1], ids=" ".join, indirect=True)


@pytest.fixture(scope="module")
def way(request: pytest.FixtureRequest) -> tuple[str, str]:
    """One of them."""
    delivery, through = request.param
    return delivery, through


@pytest.fixture(scope="module")
def shared(pg_server: str, way: tuple[str, str]) -> Iterator[Engine]:
    """The application's tables."""
    with fresh_database(pg_server) as url:
        engine = create_engine(url)
        with delivered(Base.metadata, way[0]):
            Base.metadata.create_all(engine)
        yield engine
        engine.dispose()


@pytest.fixture(scope="module")
def environment(
    shared: Engine, way: tuple[str, str], request: pytest.FixtureRequest
) -> Iterator[dict[str, str]]:
    """What the application is told."""
    told = {"DATABASE_URL": shared.url.render_as_string(hide_password=False)}
    if way[1] == "worker":
        yield told
        return
    keys, redis_url = Keys(f"test-{uuid.uuid4().hex[:8]}"), request.getfixturevalue("redis_url")
    dispatcher = InThread(shared, redis_url, keys)
    try:
        prefix = keys.base.strip("{}:")
        yield {**told, "SA_NOTIFY_REDIS_URL": redis_url, "SA_NOTIFY_REDIS_PREFIX": prefix}
    finally:
        dispatcher.stop()


@pytest.fixture(scope="module")
def server(environment: dict[str, str]) -> Iterator[str]:
    """The application's URL."""
    with serve("tests.apps.wsgi_items:app", workers=2, env=environment) as base_url:
        yield base_url


@pytest.fixture
def database(shared: Engine) -> Engine:
    """The tables with their first rows; no connection of an earlier test is left."""
    shared.dispose()
    stock(shared)
    return shared


@pytest.fixture
def connect(server: str, database: Engine) -> Iterator[Connect]:
    """Makes clients, and closes them."""
    clients: list[ProtocolClient] = []

    def make(cookie: str | None = None) -> ProtocolClient:
        clients.append(ProtocolClient(server, cookie))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def _random_write(engine: Engine, dice: random.Random) -> None:
    ids = sorted(dice.sample(range(1, 60), dice.randint(1, 3)))
    change = dice.choice(
        [
            lambda: update(Item).values(priority=dice.randint(0, 9)),
            lambda: update(Item).values(done=dice.random() < 0.5),
            lambda: update(Item).values(owner_id=dice.randrange(OWNERS), title=f"t{dice.random()}"),
            lambda: update(Item).values(price=dice.choice([None, dice.randint(1, 99)])),
            lambda: delete(Item),
            lambda: None,
        ]
    )()
    with engine.connect() as connection:
        if change is None:
            row = {"owner_id": dice.randrange(OWNERS), "title": f"new {dice.random()}", "priority": 3}
            connection.execute(insert(Item), [row] * dice.randint(1, 3))
        else:
            # in the order of their keys, so that writers wait for each other and never deadlock
            connection.execute(select(Item.id).where(Item.id.in_(ids)).order_by(Item.id).with_for_update())
            connection.execute(change.where(Item.id.in_(ids)))
        if dice.random() < 0.2:
            connection.rollback()
        else:
            connection.commit()


def _write_in_threads(engine: Engine, writers: int, each: int) -> list[threading.Thread]:
    def work(seed: int) -> None:
        dice = random.Random(seed)
        for _ in range(each):
            _random_write(engine, dice)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(writers)]
    for thread in threads:
        thread.start()
    return threads


def _assert_equal_to_select(engine: Engine, asked: list[tuple[dict[str, Any], Window]]) -> None:
    for params, window in asked:
        expected = expected_page(engine, **params)
        wait_for(lambda: window.rows == expected, f"{params}: {window.rows} == {expected}")  # noqa: B023
        assert window.faults == []


@all_ways
def test_windows_equal_their_selects(database: Engine, connect: Connect) -> None:
    """20 subscriptions under 4 writers: every diff fits the version before it, and all end at the truth."""
    dice = random.Random(7)
    clients = [connect() for _ in range(4)]
    asked = [(params, dice.choice(clients).subscribe("page", **params)) for params in random_pages(dice, 20)]
    for _, window in asked:
        wait_for(lambda: arrived(window), "a snapshot")  # noqa: B023
    for thread in _write_in_threads(database, writers=4, each=60):
        thread.join()
    _assert_equal_to_select(database, asked)
    assert sum(window.diffs for _, window in asked) > len(asked)


@all_ways
def test_subscribing_while_writers_run_misses_nothing(database: Engine, connect: Connect) -> None:
    """200 subscriptions made against 8 writers all end at the truth."""
    dice = random.Random(8)
    clients = [connect() for _ in range(8)]
    writers = _write_in_threads(database, writers=8, each=100)
    asked = [
        (params, clients[n % 8].subscribe("page", **params))
        for n, params in enumerate(random_pages(dice, 200))
    ]
    for thread in writers:
        thread.join()
    _assert_equal_to_select(database, asked)


@one_way
def test_total_counts_beyond_theexpected_page(database: Engine, connect: Connect) -> None:
    """``total`` is the number of rows without LIMIT, and follows."""
    window = connect().subscribe("page", limit=3)
    wait_for(lambda: window.total == 40, "the first total")
    with database.begin() as connection:
        connection.execute(delete(Item).where(Item.id > 30))
    wait_for(lambda: window.total == 30, "the total after a delete outside of the page")
    assert [rowkey for rowkey, _ in window.rows or []] == ["1", "2", "3"]


@one_way
def test_a_row_that_did_not_move_is_not_in_the_ops(database: Engine, connect: Connect) -> None:
    """One update is one op with the changed column alone."""
    client = connect()
    window = client.subscribe("page", limit=100)
    wait_for(lambda: arrived(window), "the snapshot")
    with database.begin() as connection:
        connection.execute(update(Item).where(Item.id == 5).values(title="changed"))
    wait_for(lambda: window.diffs == 1, "a diff")
    ops = next(data["ops"] for event, data in client.events if event == "diff")
    assert ops == [["update", "5", {"title": "changed"}]]


@one_way
def test_an_excluded_column_is_never_sent(database: Engine, connect: Connect) -> None:
    """``exclude=["secret"]`` keeps the column's very name off the wire."""
    client = connect()
    window = client.subscribe("page", limit=100)
    wait_for(lambda: arrived(window), "the snapshot")
    assert "secret" not in str(client.events) and "hidden" not in str(client.events)


@all_ways
def test_truncate_empties_every_window(database: Engine, connect: Connect) -> None:
    """TRUNCATE is a change like another."""
    window = connect().subscribe("page")
    wait_for(lambda: arrived(window), "the snapshot")
    with database.begin() as connection:
        connection.execute(text("TRUNCATE items"))
    wait_for(lambda: window.rows == [] and window.total == 0, "an empty window")


@all_ways
def test_joins_and_groups_follow_each_table(database: Engine, connect: Connect) -> None:
    """A change of any table that a statement reads reaches its subscribers."""
    client = connect()
    joined, counts = client.subscribe("joined", name="renamed"), client.subscribe("counts")
    wait_for(lambda: joined.rows == [] and arrived(counts), "the snapshots")
    with database.begin() as connection:
        connection.execute(update(Owner).where(Owner.id == 1).values(name="renamed"))
        connection.execute(delete(Item).where(Item.owner_id == 2))
    wait_for(lambda: len(joined.rows or []) == 10, "the renamed owner's items")
    wait_for(lambda: [key for key, _ in counts.rows or []] == ["0", "1", "3"], "groups by their key")


@one_way
def test_a_table_that_is_not_realtime_is_read_by_the_clock(database: Engine, connect: Connect) -> None:
    """Nothing is refused for being hard: the change arrives within the refresh."""
    window = connect().subscribe("unheard")
    wait_for(lambda: arrived(window), "the snapshot")
    with database.begin() as connection:
        connection.execute(update(Unheard).values(n=2))
    wait_for(lambda: window.rows == [("1", {"id": 1, "n": 2})], "the timed read")


@one_way
def test_equal_statements_share_one_key(connect: Connect) -> None:
    """Two subscriptions of one client on one statement get one diff, and leave one at a time."""
    client = connect()
    first, second = client.subscribe("page", owner=1), client.subscribe("page", owner=1, sort="id")
    other = client.subscribe("page", owner=2)
    assert first.key == second.key != other.key


@one_way
def test_one_of_two_subscriptions_leaves(database: Engine, connect: Connect) -> None:
    """Unsubscribing one id keeps the other on the same key live."""
    client = connect()
    first, second = client.subscribe("page"), client.subscribe("page")
    wait_for(lambda: arrived(first) and arrived(second), "the snapshots")
    assert client.call("unsubscribe", {"id": first.id}) == {"ok": True}
    with database.begin() as connection:
        connection.execute(update(Item).where(Item.id == 1).values(title="after"))
    wait_for(lambda: second.diffs == 1, "a diff for the one who stayed")
    assert client.call("unsubscribe", {"id": second.id}) == {"ok": True}


@all_ways
def test_resync_sends_a_snapshot(connect: Connect) -> None:
    """A client that asks gets its window again."""
    client = connect()
    window = client.subscribe("page")
    wait_for(lambda: arrived(window), "the snapshot")
    rows, window.rows = window.rows, None
    assert client.call("resync", {"id": window.id}) == {"ok": True}
    wait_for(lambda: window.rows == rows, "the same window again")


REFUSALS: list[tuple[Any, str]] = [
    ({"id": 1, "query": "nothing", "params": {}}, "unknown_query"),
    ({"id": 1, "query": "page", "params": {"owner": "five"}}, "invalid_params"),
    ({"id": 1, "query": "page", "params": {"no_such": 5}}, "invalid_params"),
    ({"id": 1, "query": "page", "params": [5]}, "invalid_params"),
    ({"id": 1, "query": "page", "params": {"owner": b"5"}}, "invalid_params"),
    ({"id": 1, "query": "page", "params": {"owner": float("inf")}}, "invalid_params"),
    ({"id": 1, "query": b"page", "params": {}}, "bad_request"),
    ({"id": 1, "query": "__class__", "params": {}}, "unknown_query"),
    ({"id": 1, "query": "page", "params": {"sort": "x" * 20_000}}, "invalid_params"),
    ({"id": 1, "query": "slow", "params": {}}, "invalid_params"),
    ({"id": 1, "query": "mine", "params": {}}, "forbidden"),
    ({"id": 1, "query": "sealed", "params": {"owner": 1}}, "forbidden"),
    ({"id": 1, "token": "forged"}, "bad_token"),
    ({"id": 1, "query": "raising", "params": {}}, "query_failed"),
    ({"id": 1, "query": "page", "params": {}, "token": "both"}, "bad_request"),
    ({"id": 1}, "bad_request"),
    ({"id": "one", "query": "page"}, "bad_request"),
    ({"id": True, "query": "page"}, "bad_request"),
    ({"id": -1, "query": "page"}, "bad_request"),
    ({"query": "page"}, "bad_request"),
    ("page", "bad_request"),
    (None, "bad_request"),
]


@one_way
def test_refusals(connect: Connect) -> None:
    """Whatever a client sends is answered with a code of the protocol."""
    client = connect()
    for data, code in REFUSALS:
        assert (data, client.error(data)) == (data, code)


@one_way
def test_refusals_leave_the_client_usable(connect: Connect) -> None:
    """An id in use, too many, an unknown id: the rest goes on."""
    client = connect(cookie="user=nobody")
    window = client.subscribe("page")
    assert client.error({"id": window.id, "query": "page"}) == "bad_request"
    assert client.error({"id": 99, "query": "mine"}) == "forbidden"
    assert client.call("resync", {"id": 77})["error"]["code"] == "bad_request"
    assert client.call("unsubscribe", {"id": 77}) == {"ok": True}
    for id_ in range(100, 149):
        assert client.call("subscribe", {"id": id_, "query": "page"})["ok"]
    assert client.error({"id": 150, "query": "page"}) == "too_many"
    wait_for(lambda: arrived(window), "the first subscription's snapshot")


@one_way
def test_a_statement_that_the_database_refuses_is_closed(connect: Connect) -> None:
    """The acknowledgement is given; the failure follows as ``closed``."""
    window = connect().subscribe("broken")
    wait_for(lambda: window.closed, "closed")
    assert (window.closed or {})["code"] == "query_failed"


@one_way
def test_the_function_runs_as_the_subscriber(connect: Connect) -> None:
    """Cookies choose the statement, so each user gets their own rows."""
    one, two = connect(cookie="user=1").subscribe("mine"), connect(cookie="user=2").subscribe("mine")
    wait_for(lambda: arrived(one) and arrived(two), "the snapshots")
    assert {values["owner_id"] for _, values in one.rows or []} == {1}
    assert {values["owner_id"] for _, values in two.rows or []} == {2}


@one_way
def test_a_token_subscribes(server: str, connect: Connect) -> None:
    """The parameters are the server's; the same token subscribes twice."""
    token = urllib.request.urlopen(f"{server}/token/3").read().decode()
    client = connect()
    windows = [client.subscribe(token=token), client.subscribe(token=token)]
    wait_for(lambda: all(arrived(window) for window in windows), "the snapshots")
    assert {values["owner_id"] for _, values in windows[0].rows or []} == {3}
    assert client.error({"id": 9, "token": token[:-1]}) == "bad_token"


@all_ways
def test_killed_listeners_lose_nothing(database: Engine, connect: Connect) -> None:
    """Commits while nobody listened show after the reconnection, without any further change."""
    client = connect()
    window = client.subscribe("page", limit=100)
    wait_for(lambda: arrived(window), "the snapshot")
    epoch = wait_for_beat(client, live=True)["epoch"]
    killer = text(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for n in range(20):
            connection.execute(killer)
            connection.execute(update(Item).where(Item.id == 1).values(title=f"unheard {n}"))
    expected = expected_page(database, limit=100)
    wait_for(lambda: window.rows == expected, "the state after the kills")
    assert window.faults == []
    wait_for(lambda: client.heartbeats[-1]["live"] and client.heartbeats[-1]["epoch"] != epoch, "a new epoch")


def wait_for_beat(client: ProtocolClient, live: bool) -> dict[str, Any]:
    """The first heartbeat that says so."""
    wait_for(lambda: any(beat["live"] is live for beat in client.heartbeats), "a heartbeat")
    return next(beat for beat in client.heartbeats if beat["live"] is live)
