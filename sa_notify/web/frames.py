"""Websocket messages are sent whole, to slow clients too, and no larger or more than bounds are read."""

from collections.abc import Callable
from typing import Any, Final, cast

from flask_socketio import SocketIO

#: Messages that are read and not handled, past which no more are read.
MOST_UNHANDLED: Final = 64
_LOOK_SECONDS: Final = 0.01


class WholeSocket:
    """A socket whose :meth:`send` sends everything, or fails; and of which little is read ahead.

    No lock: beside the task that sends, only the answer to a closing handshake is written.

    :param unhandled: what was read of it.
    :param sleep: takes seconds.
    """

    def __init__(self, plain: Any, unhandled: list[Any], sleep: Callable[[float], None]) -> None:
        self._plain, self._unhandled, self._sleep = plain, unhandled, sleep

    def recv(self, size: int) -> Any:
        while len(self._unhandled) > MOST_UNHANDLED:
            self._sleep(_LOOK_SECONDS)
        return self._plain.recv(size)

    def send(self, data: bytes) -> int:
        self._plain.sendall(data)
        return len(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plain, name)


def send_whole_frames(socketio: SocketIO) -> None:
    """Mend simple-websocket 1.1.

    It calls ``socket.send()`` and ignores how much of the frame that took. A gevent socket takes what its
    buffer has room for: a client that reads slowly gets a torn frame, and its connection ends.

    And it puts a message together, and unpacks it, before Engine.IO asks how large it is, and reads ahead
    without end: one client could fill the memory.
    """
    engineio = socketio.server.eio
    parts = engineio._async  # noqa: SLF001  (there is no other way to choose the class)
    if any(base.__name__ == "SimpleWebSocketWSGI" for base in getattr(parts["websocket"], "__mro__", ())):
        engineio._async = {**parts, "websocket": _whole(parts["websocket"])}  # noqa: SLF001


def _whole(websocket: type) -> Callable[..., Any]:
    def make(handler: Callable[[Any], Any], server: Any) -> Any:
        def handle(connection: Any) -> Any:
            ws = connection.ws
            ws.sock = WholeSocket(ws.sock, ws.input_buffer, server.sleep)
            return handler(connection)

        made = cast(Any, websocket)(handle, server)
        made.server_args["max_message_size"] = int(server.max_http_buffer_size)
        return made

    return make
