"""Two workers behind one dispatcher: nobody gets what is not theirs; whose access ends gets nothing more."""

import itertools
import json
import random
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest
import redis
from sqlalchemy import Engine, insert, select, text, update

from sa_notify.redis.overview import clients as connected
from tests.apps.tenants import Document, User
from tests.artifacts import artifact
from tests.promptly import quickest
from tests.protocol import ProtocolClient, Window, arrived, wait_for
from tests.security.conftest import CANARIES, HIDDEN, Browser, Site, document

#: Of a statement: just not so many that only "read the table again" is told.
_ROWS = 900
_INSERT = text(
    "INSERT INTO documents (id, tenant, title, body, secret) VALUES (:id, :tenant, :title, :body, :secret)"
)
_MOVE = """
UPDATE documents SET tenant = 3 - tenant, title = CASE tenant WHEN 1 THEN '{two}' ELSE '{one}' END,
  body = CASE tenant WHEN 1 THEN '{two} moved ' ELSE '{one} moved ' END || random()
WHERE id % :parts = :part
""".format(one=CANARIES[1], two=CANARIES[2])


@pytest.fixture(autouse=True)
def everybody_leaves(site: Site) -> Iterator[None]:
    yield
    site.close()


@pytest.fixture
def channel(tenants: Engine) -> Iterator[Any]:
    """A session of whoever can connect, which hears what is announced."""
    connection = psycopg2.connect(
        tenants.url.set(drivername="postgresql").render_as_string(hide_password=False)
    )
    connection.autocommit = True
    connection.cursor().execute("LISTEN sa_notify")
    yield connection
    connection.close()


def _write(engine: Engine) -> int:
    """Rows come, change, move to the other tenant and go; how many changes that makes."""
    dice, changed = random.Random(5), 0
    with engine.begin() as connection:
        connection.execute(_INSERT, [document(n, 1 + n % 2) for n in range(1000, 1000 + 2 * _ROWS)])
    for turn in range(40):
        with engine.connect() as connection:
            moved = connection.execute(text(_MOVE), {"parts": 2, "part": turn % 2})
            changed += moved.rowcount
            if dice.random() < 0.2:
                connection.rollback()
            else:
                connection.commit()
    with engine.begin() as connection:
        # too many for one message each
        connection.execute(text("UPDATE documents SET body = body || '.', secret = secret || '.'"))
        changed += connection.execute(text("DELETE FROM documents WHERE id >= 1000")).rowcount
    return changed


def _titles(engine: Engine, tenant: int) -> list[str]:
    with engine.connect() as connection:
        found = select(Document.id).where(Document.tenant == tenant).order_by(Document.title, Document.id)
        return [str(id_) for id_ in connection.scalars(found.limit(20))]


def test_nobody_gets_what_is_not_theirs(
    tenants: Engine, site: Site, channel: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """No socket, no name or excluded column in Redis, no NOTIFY, no log at any level."""
    caplog.set_level("DEBUG")
    clients = {(t, w): site.client(site.browser(f"ann-{t}", w), w) for t in (1, 2) for w in (0, 1)}
    windows: dict[tuple[int, int], list[Window]] = {}
    for at, client in clients.items():
        windows[at] = [
            client.subscribe("mine"),
            client.subscribe("mine", search=CANARIES[at[0]], limit=5),
            client.subscribe("mine", search=CANARIES[3 - at[0]]),
            client.subscribe("titles"),
        ]
    every = [window for found in windows.values() for window in found]
    wait_for(lambda: all(arrived(window) for window in every), "the snapshots")
    _fail(clients[1, 0])
    assert _write(tenants) > 30_000
    for (tenant, _), found in windows.items():
        expected = _titles(tenants, tenant)
        wait_for(lambda: [key for key, _ in found[0].rows or []] == expected, "the truth")  # noqa: B023

    for (tenant, _), client in clients.items():
        sent = json.dumps(client.events)
        assert CANARIES[tenant] in sent
        assert CANARIES[3 - tenant] not in sent and HIDDEN not in sent
        assert all(window.faults == [] for window in windows[tenant, 0])
    _assert_clean(site, channel, caplog)


def _assert_clean(site: Site, channel: Any, caplog: pytest.LogCaptureFixture) -> None:
    with site.redis() as client:
        names, contents = _everything(client, site.keys.base)
    assert "feed:" in names and "canary" not in names
    assert "public.documents" in contents and HIDDEN not in contents and "secret" not in contents
    channel.poll()
    assert "canary" not in "".join(each.payload for each in channel.notifies)
    said = "".join(_log(url) for url in site.workers)
    assert "DEBUG" in said and said.count("cast_by_the_") >= 3
    assert "canary" not in said + caplog.text


def _fail(client: ProtocolClient) -> None:
    """What goes wrong is logged, and clients are told; neither says what rows or parameters hold."""
    windows = [client.subscribe("cast_by_the_database"), client.subscribe("cast_by_the_driver")]
    wait_for(lambda: all(window.closed for window in windows), "closed")
    refused = {"id": 99, "query": "cast_by_the_function", "params": {"search": HIDDEN}}
    assert client.error(refused) == "query_failed"
    assert client.error({**refused, "query": "mine", "params": {"limit": HIDDEN}}) == "invalid_params"


def _log(url: str) -> str:
    port = url.rpartition(":")[2]
    return artifact(f"serve-tests.apps.wsgi_tenants:app-{port}.log").read_text("utf-8")


def _everything(client: redis.Redis, base: str) -> tuple[str, str]:
    """All names, and all that is kept under them: streams keep what was told."""
    names, contents = [], []
    for name in client.scan_iter(f"{base}*"):
        names.append(name)
        kind = client.type(name)
        if kind == "stream":
            contents.append(str(client.xrange(name)))
        elif kind == "set":
            contents.append(str(client.smembers(name)))
        elif kind == "hash":
            contents.append(str(client.hgetall(name)))
        else:
            contents.append(str(client.get(name)))
    return "\n".join(names), "\n".join(contents)


#: What is promised.
SECONDS = 2.0
_numbers = itertools.count(50_000)


def _watching(site: Site, browser: Browser) -> tuple[list[ProtocolClient], list[Window]]:
    clients = [site.client(browser, worker) for worker in (0, 1)]
    windows = [client.subscribe("mine") for client in clients]
    wait_for(lambda: all(arrived(window) for window in windows), "the snapshots")
    return clients, windows


def _listed(site: Site) -> dict[str | None, list[list[str]]]:
    """The queries of each of a user's connections, as ``sa-notify clients`` has them."""
    found: dict[str | None, list[list[str]]] = defaultdict(list)
    with site.redis() as client:
        for each in connected(client, site.keys):
            found[each["user"]].append(each["queries"])
    return found


def _gone(client: ProtocolClient) -> bool:
    return not client._client.connected


def _insert(engine: Engine, id_: int, window: Window) -> None:
    """A row of tenant 1; whoever still may has it when this returns."""
    with engine.begin() as connection:
        connection.execute(insert(Document), document(id_, 1))
    wait_for(lambda: str(id_) in str(window.rows), "the row")


def test_a_logout_ends_what_every_worker_sends(tenants: Engine, site: Site) -> None:
    """The old cookie would still be good; nothing is sent for it any more. Others go on."""
    neighbour = site.client(site.browser("bob-1"), 1)
    other = neighbour.subscribe("mine", limit=200)

    def attempt() -> float:
        browser = site.browser("ann-1")
        clients, _ = _watching(site, browser)
        wait_for(lambda: _listed(site)["ann-1"] == [["mine"], ["mine"]], "them to be listed")
        browser.post("/logout")
        left_at = time.monotonic()
        wait_for(lambda: all(map(_gone, clients)), "the connections to end")
        took = time.monotonic() - left_at
        wait_for(lambda: "ann-1" not in _listed(site), "them to be listed no more")
        heard = [len(client.events) for client in clients]
        _insert(tenants, next(_numbers), other)
        assert [len(client.events) for client in clients] == heard
        assert site.client(browser, 0).error({"id": 1, "query": "mine"}) == "forbidden"
        return took

    assert quickest(attempt, SECONDS) < SECONDS
    assert not _gone(neighbour) and other.faults == []


def test_who_is_refused_is_closed_by_every_worker(tenants: Engine, site: Site) -> None:
    """``revoke(user=...)`` asks the functions of that user's clients again, wherever they are connected."""
    neighbour = site.client(site.browser("bob-1"), 1)
    other = neighbour.subscribe("mine", limit=200)

    def admit(yes: bool) -> None:
        with tenants.begin() as connection:
            connection.execute(update(User).where(User.id == "ann-1").values(admitted=yes))

    def attempt() -> float:
        admit(True)
        clients, windows = _watching(site, site.browser("ann-1"))
        for client in clients:  # a name of the server's own
            client._client.emit("connect", {}, namespace="/realtime")
            client.call("resync", {"id": 1})
        admit(False)
        Browser(site.workers[0]).post("/revoke?user=ann-1")
        asked_at = time.monotonic()
        wait_for(lambda: all(window.closed for window in windows), "closed")
        took = time.monotonic() - asked_at
        assert [(window.closed or {})["code"] for window in windows] == ["forbidden"] * 2
        heard = [_rows(client) for client in clients]
        _insert(tenants, next(_numbers), other)
        assert [_rows(client) for client in clients] == heard
        return took

    assert quickest(attempt, SECONDS) < SECONDS
    assert not other.closed and other.faults == []
    admit(True)
    _disconnects(site, neighbour)


def _rows(client: ProtocolClient) -> int:
    return sum(event in ("snapshot", "diff") for event, _ in client.events)


def _disconnects(site: Site, stays: ProtocolClient) -> None:
    """``disconnect=True``: the connections of that user alone end; who is still logged in may come again."""
    browser = site.browser("ann-1")
    clients, _ = _watching(site, browser)
    Browser(site.workers[1]).post("/revoke?user=ann-1&disconnect")
    wait_for(lambda: all(map(_gone, clients)), "the connections to end")
    assert not _gone(stays)
    again = site.client(browser, 0).subscribe("mine")
    wait_for(lambda: arrived(again), "the snapshot")
