"""What waits for a client that does not read is bounded, and its neighbours do not notice."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import websocket
from sqlalchemy import Engine, text

from tests.protocol import DEADLINE, ProtocolClient, Window, arrived, wait_for
from tests.serving import serve

_DIFFS = 60


@pytest.fixture
def patience() -> float:
    """Seconds after which a client that reads nothing is cut off."""
    return 60.0


@pytest.fixture(params=["gevent", "gthread"])
def server(database: Engine, request: pytest.FixtureRequest, patience: float) -> Iterator[str]:
    """The application's URL."""
    threads = request.param == "gthread"
    env = {
        "DATABASE_URL": database.url.render_as_string(hide_password=False),
        "ASYNC_MODE": "threading" if threads else "gevent",
        "PATIENCE": str(patience),
    }
    app = "tests.apps.items:create_app()" if threads else "tests.apps.wsgi_items:app"
    options = ("--threads", "20") if threads else ()
    with serve(app, workers=1, worker_class=request.param, env=env, options=options) as base_url:
        yield base_url


@pytest.fixture
def reader(server: str) -> Iterator[ProtocolClient]:
    """A neighbour that reads."""
    with closing(ProtocolClient(server)) as reader:
        yield reader


@pytest.fixture
def deaf(server: str) -> Iterator[websocket.WebSocket]:
    """A client that subscribes, with little room for what it does not read."""
    options = ((socket.SOL_SOCKET, socket.SO_RCVBUF, 4096),)
    address = server.replace("http", "ws", 1) + "/socket.io/?EIO=4&transport=websocket"
    with closing(websocket.create_connection(address, sockopt=options, timeout=20)) as deaf:
        deaf.recv()
        deaf.send("40/realtime,")
        deaf.recv()
        asked = {"id": 1, "query": "page", "params": {"limit": 40}}
        deaf.send("42/realtime,0" + json.dumps(["subscribe", asked]))
        yield deaf


def _write(database: Engine, window: Window) -> None:
    """More than may wait for a client; the neighbour has each diff before the next is written."""
    for written in range(_DIFFS):
        with database.begin() as connection:
            connection.execute(text("UPDATE items SET title = repeat('x', 5000) || random()"))
        wait_for(lambda: window.diffs > written, "the neighbour's diff")  # noqa: B023


def _next(deaf: websocket.WebSocket) -> tuple[str, Any]:
    """The next event, answering pings."""
    while True:
        packet = str(deaf.recv())
        if packet == "2":
            deaf.send("3")
        elif packet.startswith("42/realtime,"):
            event, data = json.loads(packet.removeprefix("42/realtime,"))
            return event, data


def _drain(deaf: websocket.WebSocket) -> None:
    deadline = time.monotonic() + DEADLINE
    while True:
        assert time.monotonic() < deadline, "the connection goes on"
        _next(deaf)


def test_a_client_that_is_late_gets_a_snapshot_instead_of_what_it_missed(
    database: Engine, reader: ProtocolClient, deaf: websocket.WebSocket
) -> None:
    """A megabyte or so waits for it, not twelve; when it has read that, it has the truth at once."""
    window = reader.subscribe("page", limit=40)
    wait_for(lambda: arrived(window), "the neighbour's snapshot")
    _write(database, window)
    diffs, rows, deadline = 0, None, time.monotonic() + DEADLINE
    while rows != window.rows:
        assert time.monotonic() < deadline, "no snapshot came"
        event, data = _next(deaf)
        diffs += event == "diff"
        if event == "snapshot":
            rows = [(key, values) for key, values in data["rows"]]

    assert diffs < _DIFFS / 2
    assert window.faults == [] and window.diffs == _DIFFS
    with database.begin() as connection:
        connection.execute(text("UPDATE items SET title = 'short'"))
    while (event := _next(deaf))[0] != "diff":
        assert time.monotonic() < deadline + DEADLINE, "no diff came"
    assert event[1]["base"] == data["version"]


@pytest.mark.parametrize("patience", [1.0])
def test_a_client_that_never_reads_is_cut_off(
    database: Engine, reader: ProtocolClient, deaf: websocket.WebSocket
) -> None:
    """Long before it fails to answer a ping; the task that is stuck in sending to it ends."""
    window = reader.subscribe("page", limit=40)
    wait_for(lambda: arrived(window), "the neighbour's snapshot")
    _write(database, window)
    beats = len(reader.heartbeats)
    wait_for(lambda: len(reader.heartbeats) > beats + 2, "time to pass")
    with pytest.raises((websocket.WebSocketConnectionClosedException, OSError)):
        _drain(deaf)
    assert window.faults == []
