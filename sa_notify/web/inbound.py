"""What clients send is taken in no faster than it may be handled."""

import re
import time
from typing import Any, Final

from flask_socketio import SocketIO

from sa_notify.web.allowance import Allowance
from sa_notify.web.emitter import NAMESPACE
from sa_notify.web.settings import Settings

#: Packets that wait to be sent, past which nothing more is read of a connection: each may ask for an answer.
MOST_UNSENT: Final = 1_000
_LOOK_SECONDS: Final = 0.05
_ALLOWANCE: Final = "sa_notify.allowance"
_OURS: Final = re.compile(rf"(?P<kind>\d)(?P<attachments>\d*)-?{NAMESPACE}(?![^,?])")
_BINARY: Final = "56"
#: Nothing of ours has any, but who sends bytes by mistake should be told what is wrong.
_MOST_ATTACHMENTS: Final = 8


class Inbound:
    """Stands before python-socketio.

    It begins a task for each event, before anybody can say that it is one too many: measured, 100,000 in a
    second kept a worker busy for a minute. Others' namespaces are theirs to limit.

    :param settings: a client may send four times as many packets as it may have subscriptions at once, and
        then ten times as many as requests in a second.
    """

    def __init__(self, socketio: SocketIO, settings: Settings) -> None:
        self._server, self._settings = socketio.server, settings
        self._take = self._server.eio.handlers["message"]
        self._server.eio.on("message", self._message)

    def _message(self, connection: str, data: object) -> Any:
        found = _OURS.match(data) if isinstance(data, str) else None
        if found is not None and _announces_too_much(found):
            # python-socketio keeps as many attachments as are announced
            return self._server.eio.disconnect(connection)
        if found is not None:
            self._pace(connection)
        self._wait_for_reader(connection)
        return self._take(connection, data)

    def _pace(self, connection: str) -> None:
        settings, now = self._settings, time.monotonic()
        fresh = Allowance(4 * settings.max_subscriptions, 10 * settings.max_requests, now)
        allowance = self._server.environ.get(connection, {}).setdefault(_ALLOWANCE, fresh)
        while seconds := allowance.take(time.monotonic()):
            self._server.sleep(seconds)

    def _wait_for_reader(self, connection: str) -> None:
        sockets = self._server.eio.sockets
        while (waits := sockets.get(connection)) is not None and waits.queue.qsize() > MOST_UNSENT:
            self._server.sleep(_LOOK_SECONDS)


def _announces_too_much(packet: re.Match[str]) -> bool:
    attachments = packet["attachments"]
    return packet["kind"] in _BINARY and (len(attachments) > 1 or int(attachments or 0) > _MOST_ATTACHMENTS)
