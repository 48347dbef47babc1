"""Whose access ends sees nothing more: on every worker, within seconds."""

import time
from collections.abc import Callable

from sqlalchemy import Engine, insert, update

from tests.apps.tenants import Document, User
from tests.protocol import ProtocolClient, Window, arrived, wait_for
from tests.security.conftest import Browser, Site, document

#: What is promised, and how often a machine that stalls may be asked.
SECONDS, ATTEMPTS = 2.0, 3


def _watching(site: Site, browser: Browser) -> tuple[list[ProtocolClient], list[Window]]:
    clients = [site.client(browser, worker) for worker in (0, 1)]
    windows = [client.subscribe("mine") for client in clients]
    wait_for(lambda: all(arrived(window) for window in windows), "the snapshots")
    return clients, windows


def _gone(client: ProtocolClient) -> bool:
    return not client._client.connected


def _quickest(attempt: Callable[[int], float]) -> float:
    took = [attempt(0)]
    while took[-1] >= SECONDS and len(took) < ATTEMPTS:
        took.append(attempt(len(took)))
    return min(took)


def _write(engine: Engine, id_: int, window: Window) -> None:
    """A row of tenant 1; whoever still may has it when this returns."""
    with engine.begin() as connection:
        connection.execute(insert(Document), document(id_, 1))
    wait_for(lambda: str(id_) in str(window.rows), "the row")


def test_a_logout_ends_what_every_worker_sends(tenants: Engine, site: Site) -> None:
    """The old cookie would still be good; nothing is sent for it any more. Others go on."""
    neighbour = site.client(site.browser("bob-1"), 1)
    other = neighbour.subscribe("mine", limit=200)

    def attempt(n: int) -> float:
        browser = site.browser("ann-1")
        clients, _ = _watching(site, browser)
        browser.post("/logout")
        left_at = time.monotonic()
        wait_for(lambda: all(map(_gone, clients)), "the connections to end")
        took = time.monotonic() - left_at
        heard = [len(client.events) for client in clients]
        _write(tenants, 1000 + n, other)
        assert [len(client.events) for client in clients] == heard
        assert site.client(browser, 0).error({"id": 1, "query": "mine"}) == "forbidden"
        return took

    assert _quickest(attempt) < SECONDS
    assert not _gone(neighbour) and other.faults == []


def test_who_is_refused_is_closed_by_every_worker(tenants: Engine, site: Site) -> None:
    """``revoke(user=...)`` asks the functions of that user's clients again, wherever they are connected."""
    neighbour = site.client(site.browser("bob-1"), 1)
    other = neighbour.subscribe("mine", limit=200)

    def admit(yes: bool) -> None:
        with tenants.begin() as connection:
            connection.execute(update(User).where(User.id == "ann-1").values(admitted=yes))

    def attempt(n: int) -> float:
        admit(True)
        clients, windows = _watching(site, site.browser("ann-1"))
        admit(False)
        Browser(site.workers[0]).post("/revoke?user=ann-1")
        asked_at = time.monotonic()
        wait_for(lambda: all(window.closed for window in windows), "closed")
        took = time.monotonic() - asked_at
        assert [(window.closed or {})["code"] for window in windows] == ["forbidden"] * 2
        heard = [_rows(client) for client in clients]
        _write(tenants, 2000 + n, other)
        assert [_rows(client) for client in clients] == heard
        return took

    assert _quickest(attempt) < SECONDS
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
