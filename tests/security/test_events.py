"""A client may name its events as it likes: none changes what the server knows of it."""

import itertools
from typing import Any

from flask import Flask

from sa_notify.live import few
from tests.web.inprocess import ask, client, running

#: Names that the server's own events have, and what is no name at all.
NAMES: list[Any] = [
    "connect",
    "disconnect",
    5,
    None,
    True,
    [],
    {},
    "",
    "on_subscribe",
    "__class__",
    "x" * 10_000,
]


def test_no_name_hides_a_client(app: Flask) -> None:
    """What it looks at is still known, and asked again; what it may ask for does not begin anew."""
    socket = client(app)
    assert ask(socket, "subscribe", id=1, query="page")["ok"]
    ((sid, known),) = running(app).clients.items()
    spent = known.allowance._full_at
    for name, data in itertools.product(NAMES, ({}, {"wsgi.input": 1}, "ping timeout", None)):
        answer = socket.emit(name, data, namespace="/realtime", callback=True)
        assert answer in ([], None) or answer["error"]["code"] == "bad_request"
        assert running(app).clients == {sid: known}, name
    assert len(few.items(known.wishes)) == 1 and known.allowance._full_at >= spent
    assert running(app).presence.of(None) == [sid]
    assert ask(socket, "resync", id=1) == {"ok": True}


def test_the_servers_own_events_are_heard(app: Flask) -> None:
    """A client that goes is forgotten, and one that comes again is another."""
    socket = client(app)
    (sid,) = running(app).clients
    socket.disconnect("/realtime")
    assert running(app).clients == {} and running(app).presence.of(None) == []
    socket.connect("/realtime")
    assert sid not in running(app).clients and len(running(app).clients) == 1
