"""The wire to browsers: Socket.IO events of protocol version 1."""

from typing import Any

from flask_socketio import SocketIO

from sa_notify import metrics
from sa_notify.live.actions import SendClosed, SendDiff, SendSnapshot
from sa_notify.live.window import Window, check
from sa_notify.web.backlog import Backlog
from sa_notify.web.encoding import encoder_of

NAMESPACE = "/realtime"


class Emitter:
    """Emits to this process's own clients; every emit names a client or a room."""

    def __init__(self, socketio: SocketIO) -> None:
        self._socketio = socketio
        self._sent = {kind: metrics.SENT.labels(kind) for kind in ("snapshot", "diff")}
        self._encoded = encoder_of(socketio.server)
        self.backlog = Backlog(socketio, NAMESPACE)

    def snapshot(self, action: SendSnapshot) -> None:
        self._sent["snapshot"].inc()
        body = {"id": action.subscriber.id, "rows": [list(row) for row in action.window.rows]}
        self._emit("snapshot", action.subscriber.sid, {**_state(action.key, action.window), **body})

    def diff(self, action: SendDiff) -> None:
        self._sent["diff"].inc()
        body = {"base": action.base, "ops": action.ops}
        self._emit("diff", _room(action.key), {**_state(action.key, action.window), **body})

    def closed(self, action: SendClosed) -> None:
        error = {"code": action.code, "message": action.message}
        self._emit("closed", action.sid, {"key": action.key, "error": error})

    def heartbeat(self, sid: str, epoch: str, position: int, live: bool) -> None:
        self._emit("heartbeat", sid, {"epoch": epoch, "position": position, "live": live})

    def join(self, sid: str, key: str) -> None:
        try:
            self._socketio.server.enter_room(sid, _room(key), namespace=NAMESPACE)
        except (ValueError, KeyError):
            # the client left a moment ago; its disconnect event forgets it
            return

    def leave(self, sid: str, key: str) -> None:
        self._socketio.server.leave_room(sid, _room(key), namespace=NAMESPACE)

    def _emit(self, event: str, to: str, data: dict[str, Any]) -> None:
        # ignore_queue: other processes have hubs of their own and tell their own clients
        self._socketio.server.emit(event, self._encoded(data), to=to, namespace=NAMESPACE, ignore_queue=True)


def _room(key: str) -> str:
    return f"sa_notify:{key}"


def _state(key: str, window: Window) -> dict[str, Any]:
    return {"key": key, "version": window.version, "total": window.total, "check": check(window.rowkeys)}
