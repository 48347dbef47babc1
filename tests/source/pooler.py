"""A pooling proxy as small as can be: PgBouncer's two modes, as far as LISTEN can tell them apart.

As PgBouncer does, it makes up the backend number that a client is told, and in transaction mode gives
a client another server session for each statement and keeps what arrives in between to itself.
"""

import contextlib
import itertools
import select
import socket
import struct
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from sqlalchemy import URL

_TERMINATE, _READY, _BACKEND_KEY = b"X", b"Z", b"K"
_UNENCRYPTED_ONLY = {80877103, 80877104}


class Pooler:
    """Serves TCP clients of the server that a URL leads to.

    :param transaction: pool by transaction, else by session.
    """

    def __init__(self, url: URL, *, transaction: bool) -> None:
        self._upstream = (url.host or "127.0.0.1", url.port or 5432)
        self._transaction = transaction
        self._server = socket.create_server(("127.0.0.1", 0))
        host, port = self._server.getsockname()
        self.listen_url = url.set(host=host, port=port).render_as_string(hide_password=False)
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._server.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            stack.enter_context(client)
            startup = _startup(client)
            servers = [self._session(startup) for _ in range(2 if self._transaction else 1)]
            for server in servers:
                stack.enter_context(server[0])
            client.sendall(servers[0][1])
            if self._transaction:
                _by_transaction(client, [server for server, _ in servers])
            else:
                _by_session(client, servers[0][0])

    def _session(self, startup: bytes) -> tuple[socket.socket, bytes]:
        """A server session, and its greeting with another backend's number in it."""
        server = socket.create_connection(self._upstream)
        server.sendall(startup)
        greeting = b""
        for kind, body in _messages(server):
            shown = struct.pack("!i", 7) + body[4:] if kind == _BACKEND_KEY else body
            greeting += _packed(kind, shown)
            if kind == _READY:
                break
        return server, greeting


def _startup(client: socket.socket) -> bytes:
    while True:
        (length,) = struct.unpack("!i", _exactly(client, 4))
        body = _exactly(client, length - 4)
        if struct.unpack("!i", body[:4])[0] not in _UNENCRYPTED_ONLY:
            return struct.pack("!i", length) + body
        client.sendall(b"N")


def _by_transaction(client: socket.socket, servers: list[socket.socket]) -> None:
    turn = itertools.cycle(servers)
    server = next(turn)
    for kind, body in _messages(client):
        if kind == _TERMINATE:
            return
        _discard_waiting(server)
        server.sendall(_packed(kind, body))
        for answer, content in _messages(server):
            client.sendall(_packed(answer, content))
            if answer == _READY:
                break
        if content == b"I":
            server = next(turn)


def _discard_waiting(server: socket.socket) -> None:
    while select.select([server], [], [], 0)[0] and server.recv(65536):
        pass


def _by_session(client: socket.socket, server: socket.socket) -> None:
    other = {client: server, server: client}
    while True:
        for end in select.select([client, server], [], [])[0]:
            data = end.recv(65536)
            if not data:
                return
            other[end].sendall(data)


def _messages(end: socket.socket) -> Iterator[tuple[bytes, bytes]]:
    while True:
        kind = _exactly(end, 1)
        (length,) = struct.unpack("!i", _exactly(end, 4))
        yield kind, _exactly(end, length - 4)


def _packed(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


def _exactly(end: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = end.recv(size - len(data))
        if not part:
            raise ConnectionError
        data += part
    return data
