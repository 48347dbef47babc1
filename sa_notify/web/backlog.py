"""What waits for clients that read more slowly than they are sent to."""

import contextlib
import queue
import socket
from collections.abc import Mapping
from typing import Any, Final

from engineio.exceptions import SocketIsClosedError
from flask_socketio import SocketIO

#: Packets, or characters in them, past which a client is sent nothing more until it has read them.
MOST_PACKETS: Final = 64
MOST_CHARACTERS: Final = 2**20


class Backlog:
    """Looks at Engine.IO's queue of each client, which has no bound.

    When a client answers no ping (45 s by default) Engine.IO forgets the connection, but not the task that
    is stuck in sending to it, which keeps the queue for ever: so such a client is cut off.

    :param namespace: of the clients.
    """

    def __init__(self, socketio: SocketIO, namespace: str) -> None:
        self._socketio = socketio
        self._namespace = namespace

    def full(self, sid: str) -> bool:
        """Whether too much waits for the client."""
        waiting = self._waiting(sid)
        return len(waiting) > MOST_PACKETS or sum(map(_characters, waiting)) > MOST_CHARACTERS

    def empty(self, sid: str) -> bool:
        """Whether nothing does."""
        return not self._waiting(sid)

    def cut(self, sid: str) -> None:
        """Drop what waits for the client, and end its connection: it may come again."""
        connection = self._connection(sid)
        if connection is None:
            return
        environ = self._socketio.server.environ.get(connection.sid, {})
        _drop(connection)
        _shut(environ)

    def check(self, sid: str) -> None:
        """Give the client up if it has not answered a ping in time.

        Engine.IO looks when it sends something, and else once in as long as an answer may take: 45 to 65 s by
        default after the last sign of life of a client that looks at nothing.
        """
        connection = self._connection(sid)
        if connection is not None:
            with contextlib.suppress(SocketIsClosedError):
                connection.check_ping_timeout()

    def end(self, sid: str) -> None:
        """Drop what waits for the client, and end its connection in order, other namespaces' too."""
        connection = self._connection(sid)
        if connection is not None:
            _drop(connection)
            connection.close(wait=False)

    def _waiting(self, sid: str) -> list[Any]:
        connection = self._connection(sid)
        # a deque, in gevent's queue too
        return [] if connection is None else list(connection.queue.queue)

    def _connection(self, sid: str) -> Any:
        server = self._socketio.server
        connection_sid = server.manager.eio_sid_from_sid(sid, self._namespace)
        return server.eio.sockets.get(connection_sid)


def _drop(connection: Any) -> None:
    with contextlib.suppress(queue.Empty):  # gevent's is the same class
        while True:
            connection.queue.get_nowait()
            connection.queue.task_done()


def _characters(packet: Any) -> int:
    data = getattr(packet, "data", None)
    return len(data) if isinstance(data, (str, bytes)) else 0


def _shut(environ: Mapping[str, Any]) -> None:
    """End a websocket below the task that is stuck in sending to it."""
    if str(environ.get("HTTP_UPGRADE", "")).lower() != "websocket":
        return  # the connection of a request that is over may serve others by now
    with contextlib.suppress(OSError):
        raw = _raw_socket(environ)
        if raw is not None:
            raw.shutdown(socket.SHUT_RDWR)


def _raw_socket(environ: Mapping[str, Any]) -> Any:
    """Where simple-websocket finds it, too."""
    found = environ.get("werkzeug.socket") or environ.get("gunicorn.socket")
    if found is not None:
        return found
    stream = environ.get("wsgi.input")
    stream = getattr(stream, "rfile", stream)
    return getattr(getattr(stream, "raw", None), "_sock", None)
