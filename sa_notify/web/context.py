"""A subscriber's request, kept so that its context can be entered again at any time."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask import Flask
from werkzeug.test import create_environ

# A copy: the whole environ holds sockets and dies when the client disconnects.
_KEPT = ("REMOTE_", "AUTH_TYPE", "SERVER_", "SCRIPT_NAME", "SSL_", "wsgi.url_scheme", "HTTP_")
# What is of the one connection, and says nothing of who made it.
_LEFT_OUT = (
    "REMOTE_PORT",
    "SERVER_SOFTWARE",
    "HTTP_SEC_WEBSOCKET_",
    "HTTP_SEC_FETCH_",
    "HTTP_CONNECTION",
    "HTTP_UPGRADE",
    "HTTP_ACCEPT_ENCODING",
    "HTTP_CACHE_CONTROL",
    "HTTP_PRAGMA",
    "HTTP_CONTENT_",
    "HTTP_X_REQUEST_ID",
    "HTTP_X_CORRELATION_ID",
    "HTTP_X_AMZN_TRACE_ID",
    "HTTP_X_B3_",
    "HTTP_TRACEPARENT",
    "HTTP_TRACESTATE",
    "HTTP_CF_RAY",
)


@dataclass(frozen=True, slots=True)
class SavedRequest:
    """Who asked, from where: enough to make ``current_user``, ``session`` and ``url_for`` work."""

    environ: Mapping[str, Any]

    @classmethod
    def of(cls, environ: Mapping[str, Any]) -> "SavedRequest":
        """Keep what may identify the subscriber: a proxy says so in any header."""
        kept = (name for name in environ if name.startswith(_KEPT) and not name.startswith(_LEFT_OUT))
        return cls({name: environ[name] for name in kept})

    @property
    def credentials(self) -> tuple[tuple[str, str], ...]:
        """What the request's rights and language depend on; equal values may share a reading."""
        return tuple(sorted((name, str(value)) for name, value in self.environ.items()))

    @contextmanager
    def context(self, app: Flask, path: str = "/", query_string: str = "") -> Iterator[None]:
        """A request context for ``path`` with this subscriber's cookies and address.

        Flask lets a request context share an application context that is already there, and with it
        ``g`` and the logged-in user of whoever pushed it: this one has its own.
        """
        environ = create_environ(path, query_string=query_string, environ_overrides=dict(self.environ))
        with app.app_context(), app.request_context(environ):
            yield
