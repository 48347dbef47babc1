"""Websocket frames are sent whole, to slow clients too."""

from collections.abc import Callable
from typing import Any, cast

from flask_socketio import SocketIO


class WholeSocket:
    """A socket whose :meth:`send` sends everything, or fails.

    No lock: beside the task that sends, only the answer to a closing handshake is written.
    """

    def __init__(self, plain: Any) -> None:
        self._plain = plain

    def send(self, data: bytes) -> int:
        self._plain.sendall(data)
        return len(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plain, name)


def send_whole_frames(socketio: SocketIO) -> None:
    """Mend simple-websocket 1.1 under gevent.

    It calls ``socket.send()`` and ignores how much of the frame that took. A gevent socket takes what its
    buffer has room for: a client that reads slowly gets a torn frame, and its connection ends.
    """
    engineio = socketio.server.eio
    parts = engineio._async  # noqa: SLF001  (there is no other way to choose the class)
    if any(base.__name__ == "SimpleWebSocketWSGI" for base in getattr(parts["websocket"], "__mro__", ())):
        engineio._async = {**parts, "websocket": _whole(parts["websocket"])}  # noqa: SLF001


def _whole(websocket: type) -> Callable[..., Any]:
    def make(handler: Callable[[Any], Any], server: Any) -> Any:
        def handle(connection: Any) -> Any:
            connection.ws.sock = WholeSocket(connection.ws.sock)
            return handler(connection)

        return cast(Any, websocket)(handle, server)

    return make
