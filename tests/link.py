"""A TCP link that fails at the test's word."""

import contextlib
import socket
import struct
import threading
import time
from types import TracebackType
from typing import Self

#: close() sends RST rather than FIN.
_LINGER = struct.pack("ii", 1, 0)


class Link:
    """Forwards connections to a server: passing, hanging in one direction or both, late, cut or refused."""

    def __init__(self, host: str, port: int) -> None:
        self._upstream = (host, port)
        self._server = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        #: To the server, and back.
        self._gates = (threading.Event(), threading.Event())
        self._refusing = False
        self._delay, self._rate = 0.0, 0
        self.refused = 0
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self.resume()

    @property
    def port(self) -> int:
        return int(self._server.getsockname()[1])

    def lead(self, host: str, port: int) -> None:
        """To another server, from the next connection on."""
        self._upstream = (host, port)

    def hang(self) -> None:
        """Keep every connection open and forward nothing."""
        for gate in self._gates:
            gate.clear()

    def half_open(self, way: int) -> None:
        """Hang in one direction alone: 0 to the server, 1 back."""
        self._gates[way].clear()

    def delay(self, seconds: float) -> None:
        """Forward each piece so much later."""
        self._delay = seconds

    def throttle(self, rate: int) -> None:
        """Forward no more than so many bytes a second, of each connection and way."""
        self._rate = rate

    def resume(self) -> None:
        """Forward what was held back, and all that follows."""
        self._delay, self._rate, self._refusing = 0.0, 0, False
        for gate in self._gates:
            gate.set()

    def reset(self) -> None:
        """Cut what is open by RST; new connections pass."""
        for end in self._open:
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
        self._cut(socket.SHUT_RD)

    def refuse(self) -> None:
        """Cut what is open, and cut whatever comes at once."""
        self._refusing = True
        self._cut()

    def heal(self) -> None:
        """Serve new connections again; those that hung are cut."""
        self._cut()
        self.resume()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.refuse()
        for gate in self._gates:
            gate.set()
        # closing alone does not wake a thread that accepts
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)

    def _cut(self, how: int = socket.SHUT_RDWR) -> None:
        for end in self._open:
            with contextlib.suppress(OSError):
                end.shutdown(how)
        self._open.clear()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._server.accept()
                if self._refusing:
                    self.refused += 1
                    client.close()
                    continue
                self._connect(client)

    def _connect(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self._upstream)
        except OSError:
            client.close()
            return
        self._open = [*(end for end in self._open if end.fileno() >= 0), client, server]
        ended = threading.Barrier(2, action=lambda: (client.close(), server.close()))
        for way, ends in enumerate(((client, server), (server, client))):
            threading.Thread(target=self._forward, args=(way, *ends, ended), daemon=True).start()

    def _forward(
        self, way: int, source: socket.socket, target: socket.socket, ended: threading.Barrier
    ) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._gates[way].wait()
                if self._delay:
                    time.sleep(self._delay)
                target.sendall(data)
                if self._rate:
                    time.sleep(len(data) / self._rate)
        self._gates[way].wait()
        # whoever hung up is not written to any more, and the other end hears of it
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RD if _lingers(end) else socket.SHUT_RDWR)
        ended.wait()


def _lingers(end: socket.socket) -> bool:
    return end.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8) == _LINGER
