"""The socket below a libpq connection: kept alive, and cut off when it hangs."""

import _socket
import contextlib
import os
import socket
from typing import Final

#: A dead peer is noticed 5 + 3 * 2 s after the last byte, whether or not anything was sent.
KEEPALIVE_SECONDS: Final = 5
KEEPALIVE_INTERVAL: Final = 2
KEEPALIVE_COUNT: Final = 3
UNACKNOWLEDGED_MS: Final = 10_000


class SocketHandle:
    """A second descriptor of a connection's socket, so that it can be cut from any thread.

    Closing libpq's own descriptor beneath a waiting thread would leave it waiting on whatever
    socket gets that number next; a shutdown through a duplicate wakes it with an error.

    :param fileno: of the connection; it stays the connection's own.
    :raises OSError: when it is not open.
    """

    def __init__(self, fileno: int) -> None:
        # not socket.socket: gevent's belongs to the loop of one thread, and this one to none
        self._socket = _socket.socket(fileno=os.dup(fileno))

    def keep_alive(self) -> None:
        """Have the kernel notice a peer that is gone; other sockets than TCP need no such thing."""
        if self._socket.family not in (socket.AF_INET, socket.AF_INET6):
            return
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in (
            ("TCP_KEEPIDLE", KEEPALIVE_SECONDS),
            ("TCP_KEEPINTVL", KEEPALIVE_INTERVAL),
            ("TCP_KEEPCNT", KEEPALIVE_COUNT),
            ("TCP_USER_TIMEOUT", UNACKNOWLEDGED_MS),
        ):
            # TCP_USER_TIMEOUT is Linux's, TCP_KEEPIDLE has other names elsewhere
            if hasattr(socket, name):
                self._socket.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

    def cut(self) -> None:
        """End both directions at once; whoever waits on the connection gets an error."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the duplicate back; the connection goes on."""
        self._socket.close()
