"""``/metrics`` and ``/health`` of the dispatcher's process."""

import json
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app

from sa_notify.errors import SetupError

logger = logging.getLogger(__name__)

_TEXTS: Final = {200: "200 OK", 404: "404 Not Found", 503: "503 Service Unavailable"}

#: What the process says of itself; healthy while it follows, or waits for a turn that it could take.
Health = Callable[[], dict[str, Any]]


@contextmanager
def serving(address: str | None, health: Health) -> Iterator[int | None]:
    """Serve in a thread; gives the port.

    :param address: ``host:port``; ``None`` serves nothing.
    :raises SetupError: when the address can't be read or is taken.
    """
    if address is None:
        yield None
        return
    host, port = _parts(address)
    try:
        server = make_server(host, port, _App(health), _Server, _Quiet)
    except OSError as error:
        raise SetupError(f"--http {address} can't be served: {error.strerror}") from error
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    logger.info("metrics and health are served", extra={"port": server.server_port})
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    timeout = 10.0  # seconds: who connects and says nothing holds a thread

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the name in the base class)
        logger.debug(format, *args)


class _App:
    def __init__(self, health: Health) -> None:
        self._health = health
        self._metrics = make_wsgi_app()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO")
        if path == "/metrics":
            page: Iterable[bytes] = self._metrics(environ, start_response)
            return page
        if path != "/health":
            return _answer(start_response, 404, {"paths": ["/health", "/metrics"]})
        health = self._health()
        return _answer(start_response, 200 if health["healthy"] else 503, health)


def _answer(start_response: Callable[..., Any], status: int, body: dict[str, Any]) -> list[bytes]:
    start_response(_TEXTS[status], [("Content-Type", "application/json"), ("Cache-Control", "no-store")])
    return [json.dumps(body).encode()]


def _parts(address: str) -> tuple[str, int]:
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65_535:
        raise SetupError(f"--http {address!r} can't be read: write 127.0.0.1:9464, or 0.0.0.0:9464 for all")
    return host.strip("[]"), int(port)
