"""One client that sends too much, or too large, costs neither memory nor its neighbours' time."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Self

import pytest
from sqlalchemy import create_engine
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, Request, TextMessage
from wsproto.extensions import PerMessageDeflate
from wsproto.utilities import LocalProtocolError

from tests.apps.items import Base
from tests.databases import fresh_database
from tests.protocol import ProtocolClient, arrived, wait_for
from tests.serving import serve

_EVENTS = 20_000
_MEGABYTE = "x" * 1_000_000


class Raw:
    """A websocket that sends whatever it is told to.

    :ivar heard: all that came.
    :ivar ended: whether the server has closed it.
    """

    def __init__(self, url: str, *, deflate: bool = False) -> None:
        host, port = url.removeprefix("http://").split(":")
        self._socket = socket.create_connection((host, int(port)), timeout=30)
        self._ws = WSConnection(ConnectionType.CLIENT)
        extensions = [PerMessageDeflate()] if deflate else []
        self.heard, self.ended, self._open = "", False, False
        target = "/socket.io/?EIO=4&transport=websocket"
        self._socket.sendall(
            self._ws.send(Request(host=f"{host}:{port}", target=target, extensions=extensions))
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        wait_for(lambda: self._open, "the handshake")
        self.send("40/realtime,")
        wait_for(lambda: "40/realtime," in self.heard, "the namespace")

    def send(self, *texts: str, finished: bool = True) -> None:
        """Messages, or a piece of one; what the server does not take is not sent."""
        try:
            for text in texts:
                self._socket.sendall(self._ws.send(TextMessage(text, message_finished=finished)))
        except (OSError, LocalProtocolError):
            self.ended = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._reader.join()
        self._socket.close()

    def _read(self) -> None:
        try:
            while data := self._socket.recv(65_536):
                self._ws.receive_data(data)
                for event in self._ws.events():
                    self._open = self._open or isinstance(event, AcceptConnection)
                    self.heard += event.data if isinstance(event, TextMessage) else ""
        except OSError:
            pass
        self.ended = True


@pytest.fixture(scope="module")
def server(pg_server: str) -> Iterator[str]:
    with fresh_database(pg_server) as url:
        engine = create_engine(url)
        Base.metadata.create_all(engine)
        engine.dispose()
        with serve("tests.apps.wsgi_items:app", workers=1, env={"DATABASE_URL": url}) as base_url:
            yield base_url


@pytest.mark.parametrize("deflate", [False, True], ids=["plain", "packed"])
def test_a_message_without_end(server: str, deflate: bool) -> None:
    """It is not put together beyond the size that a packet may have; packed, it is a thousandth as long."""
    with Raw(server, deflate=deflate) as raw:
        for _ in range(50):
            raw.send(_MEGABYTE, finished=False)
        wait_for(lambda: raw.ended, "the connection to end", 10)
    _is_served(server)


@pytest.mark.parametrize("packet", ['4510000000-/realtime,["subscribe"]', "469999999999-/realtime,1[]"])
def test_attachments(server: str, packet: str) -> None:
    """Nothing of ours has any: whoever announces some need not send them."""
    with Raw(server) as raw:
        raw.send(packet)
        wait_for(lambda: raw.ended, "the connection to end", 10)


def test_more_events_than_can_be_handled(server: str) -> None:
    """A neighbour comes in and is served while they wait to be taken in."""
    asked = [f'42/realtime,{n}["subscribe",{{"id":{n},"query":"page"}}]' for n in range(_EVENTS)]
    with Raw(server) as raw:
        flood = threading.Thread(target=raw.send, args=asked)
        flood.start()
        wait_for(lambda: "too_many" in raw.heard, "the first refusal")
        for _ in range(3):
            _is_served(server)
        assert raw.heard.count("43/realtime,") < _EVENTS / 2
    flood.join()


def _is_served(server: str) -> None:
    client = ProtocolClient(server)
    window = client.subscribe("page")
    wait_for(lambda: arrived(window), "a neighbour's snapshot")
    client.close()
