"""Socket events from browsers, and their acknowledgements."""

import logging
from typing import Any

from flask import current_app, request
from flask_socketio import Namespace, SocketIO

from sa_notify import metrics
from sa_notify.errors import SubscriptionError
from sa_notify.live.actions import Subscriber
from sa_notify.web.failures import log_failure

logger = logging.getLogger(__name__)

_MAX_ID = 2**53 - 1
_OF_THE_SERVER = ("connect", "disconnect")


class RealtimeNamespace(Namespace):
    """``/realtime``: every event answers ``{"ok": true, ...}`` or ``{"ok": false, "error": ...}``."""

    def trigger_event(self, event: Any, *args: Any) -> Any:
        """Give an event to its method, if it may have that name."""
        if isinstance(event, str) and (event not in _OF_THE_SERVER or self._is_of_the_server(event, *args)):
            return super().trigger_event(event, *args)
        return _refusal(SubscriptionError("bad_request", "no event of a client has this name"))

    def _is_of_the_server(self, event: str, sid: str, about: object = None, *rest: object) -> bool:
        """Clients name their events as they like: python-socketio does not tell these apart."""
        server = self.socketio.server
        if event == "connect":
            return about is server.get_environ(sid, namespace=self.namespace)
        return not server.manager.is_connected(sid, self.namespace)

    def on_connect(self, auth: object = None) -> None:
        _live_app().connected(_sid())

    def on_disconnect(self, reason: object = None) -> None:
        # of others the connection is closed already
        _live_app().disconnected(_sid(), silent=reason == SocketIO.reason.PING_TIMEOUT)

    def on_subscribe(self, data: object = None, *rest: object) -> dict[str, Any]:
        try:
            body = _object(data)
            return {"ok": True, "key": _live_app().subscribe(_subscriber(body), body)}
        except SubscriptionError as error:
            return _refusal(error)
        except Exception as error:  # noqa: BLE001  # of a store of sessions, or of what loads users
            log_failure(logger, "(before it was found)", error)
            return _refusal(SubscriptionError("query_failed", "the server's log says why"))

    def on_unsubscribe(self, data: object = None, *rest: object) -> dict[str, Any]:
        try:
            _live_app().unsubscribe(_subscriber(_object(data)))
        except SubscriptionError as error:
            return _refusal(error)
        return {"ok": True}

    def on_resync(self, data: object = None, *rest: object) -> dict[str, Any]:
        try:
            body = _object(data)
            _live_app().resync(_subscriber(body), mismatch=body.get("why") == "check")
        except SubscriptionError as error:
            return _refusal(error)
        return {"ok": True}


def _live_app() -> Any:
    return current_app.extensions["sa_notify"]


def _sid() -> str:
    return str(request.sid)  # type: ignore[attr-defined]  # added by Flask-SocketIO


def _object(data: object) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise SubscriptionError("bad_request", "the event takes one object")
    return data


def _subscriber(body: dict[str, Any]) -> Subscriber:
    id_ = body.get("id")
    if not isinstance(id_, int) or isinstance(id_, bool) or not 0 <= id_ <= _MAX_ID:
        raise SubscriptionError("bad_request", "id must be a whole number from 0 to 2^53-1")
    return Subscriber(_sid(), id_)


def _refusal(error: SubscriptionError) -> dict[str, Any]:
    metrics.REFUSALS.labels(error.code).inc()
    told: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.retry_after is not None:
        told["retry_after"] = round(error.retry_after, 3)
    return {"ok": False, "error": told}
