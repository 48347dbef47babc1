"""When connections began: their cookies are of that moment, whenever their clients come."""

import time
from collections.abc import MutableMapping
from typing import Any, Final

from flask_socketio import SocketIO

#: A connection that has no client after so long never gets one.
_ARRIVING_SECONDS: Final = 60.0
_BEGAN: Final = "sa_notify.began"


def note_arrivals(socketio: SocketIO) -> None:
    """Write into each connection's environ when it began."""
    engineio = socketio.server.eio
    connect = engineio.handlers["connect"]

    def noted(connection: str, environ: MutableMapping[str, Any]) -> Any:
        environ[_BEGAN] = time.monotonic()
        return connect(connection, environ)

    engineio.on("connect", noted)


class Departures:
    """Whose connections were ended of late: one that had begun by then ends too, when its client comes."""

    def __init__(self) -> None:
        self._at: dict[str | None, float] = {}

    def ended(self, user: str | None) -> None:
        """Those of this user were, or all (``None``)."""
        now = time.monotonic()
        self._at = {who: at for who, at in self._at.items() if at > now - _ARRIVING_SECONDS}
        self._at[user] = now

    def concerns(self, user: str | None, environ: MutableMapping[str, Any]) -> bool:
        """Whether a client that comes now has begun before."""
        began = environ.get(_BEGAN, time.monotonic())
        return any(self._at.get(who, began) > began for who in (user, None))
