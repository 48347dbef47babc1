"""A way to PostgreSQL that can hang, and refuse, at the test's word."""

import contextlib
import select
import socket
import threading
from types import TracebackType
from typing import Self

from sqlalchemy import URL


class Proxy:
    """Forwards TCP connections to the server of a URL, until told otherwise."""

    def __init__(self, url: URL) -> None:
        self._upstream = (url.host or "127.0.0.1", url.port or 5432)
        self._url = url
        self._server = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._passing, self._refusing = threading.Event(), False
        self._passing.set()
        self.refused = 0
        self._thread = threading.Thread(target=self._accept, daemon=True)

    @property
    def listen_url(self) -> str:
        host, port = self._server.getsockname()
        url = self._url.set(host=host, port=port)
        return url.render_as_string(hide_password=False)

    def hang(self) -> None:
        """Keep every connection open and forward nothing."""
        self._passing.clear()

    def refuse(self) -> None:
        """Cut what is open, and cut whatever comes at once."""
        self._refusing = True
        self._cut()

    def heal(self) -> None:
        """Serve new connections again; those that hung are cut."""
        self._cut()
        self._refusing = False
        self._passing.set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.refuse()
        self._passing.set()
        # closing alone does not wake a thread that accepts
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)

    def _cut(self) -> None:
        for end in self._open:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._server.accept()
                if self._refusing:
                    self.refused += 1
                    client.close()
                    continue
                server = socket.create_connection(self._upstream)
                self._open += [client, server]
                threading.Thread(target=self._forward, args=(client, server), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        other = {client: server, server: client}
        with client, server, contextlib.suppress(OSError):
            while True:
                for end in select.select([client, server], [], [])[0]:
                    data = end.recv(65536)
                    self._passing.wait()
                    if not data:
                        return
                    other[end].sendall(data)
