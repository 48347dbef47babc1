"""What a client may ask for is bounded: one more is refused with a code, and nothing else changes."""

import json
from typing import Any

from flask import Flask

from sa_notify.live import few
from sa_notify.web.settings import Settings
from tests.web.inprocess import ask, client


def _subscribe(socket: Any, id_: int, **params: Any) -> str:
    answer = ask(socket, "subscribe", id=id_, query="page", params=params)
    return "ok" if answer["ok"] else str(answer["error"]["code"])


def test_one_subscription_more(app: Flask) -> None:
    """As many as there may be at a time; one that ends makes room. Of each client, not of all."""
    socket, other = client(app), client(app)
    most = Settings().max_subscriptions
    assert {_subscribe(socket, n) for n in range(most)} == {"ok"}
    assert _subscribe(socket, most) == "too_many"
    assert _subscribe(other, 1) == "ok"
    assert ask(socket, "unsubscribe", id=0) == {"ok": True}
    assert _subscribe(socket, most) == "ok"


def test_one_byte_more(app: Flask) -> None:
    """Of parameters, written as JSON; whatever they are."""
    socket, most = client(app), Settings().max_params_bytes
    room = most - len(json.dumps({"sort": ""}))
    # a word that is no order: the function is called with it
    assert _subscribe(socket, 1, sort="x" * room) == "query_failed"
    assert _subscribe(socket, 2, sort="x" * (room + 1)) == "invalid_params"
    assert _subscribe(socket, 3, sort="é" * (room // 6 + 1)) == "invalid_params"
    assert _subscribe(socket, 4, nested=[[]] * most) == "invalid_params"


def test_one_request_more(app: Flask) -> None:
    """Twice as many at once as there may be subscriptions, then some a second; the refusal says when."""
    live_app = app.extensions["sa_notify"]
    live_app.settings = Settings(max_subscriptions=3, max_requests=0.001)
    socket, other = client(app), client(app)
    assert _subscribe(socket, 1) == "ok"
    assert all(ask(socket, "resync", id=1)["ok"] for _ in range(5))
    refused = ask(socket, "resync", id=1)["error"]
    assert refused["code"] == "too_many" and 0 < refused["retry_after"] <= 1000
    assert ask(socket, "subscribe", id=2, query="page")["error"]["code"] == "too_many"
    assert _subscribe(other, 1) == "ok"


def test_what_is_refused_is_not_kept(app: Flask) -> None:
    """Neither as a subscription nor as a query."""
    socket = client(app)
    for n in range(20):
        assert _subscribe(socket, n, sort="nothing") == "query_failed"
    running = app.extensions["sa_notify"]._running
    assert len(running.runner) == 0 and [*few.items(next(iter(running.clients.values())).wishes)] == []
