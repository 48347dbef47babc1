"""A subscriber's request, kept so that its context can be entered again at any time."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask import Flask
from werkzeug.test import create_environ

# A small copy: the whole environ holds sockets and dies when the client disconnects.
_KEPT = (
    "HTTP_COOKIE",
    "HTTP_AUTHORIZATION",
    "HTTP_HOST",
    "HTTP_USER_AGENT",
    "HTTP_ACCEPT_LANGUAGE",
    "REMOTE_ADDR",
    "SERVER_NAME",
    "SERVER_PORT",
    "SCRIPT_NAME",
    "wsgi.url_scheme",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PREFIX",
)


@dataclass(frozen=True, slots=True)
class SavedRequest:
    """Who asked, from where: enough to make ``current_user``, ``session`` and ``url_for`` work."""

    environ: Mapping[str, Any]

    @classmethod
    def of(cls, environ: Mapping[str, Any]) -> "SavedRequest":
        """Keep what identifies the subscriber from a WSGI environ."""
        return cls({name: environ[name] for name in _KEPT if name in environ})

    @property
    def credentials(self) -> tuple[str, ...]:
        """What the request's rights and language depend on; equal values may share a reading."""
        names = ("HTTP_COOKIE", "HTTP_AUTHORIZATION", "HTTP_ACCEPT_LANGUAGE", "HTTP_HOST")
        return tuple(str(self.environ.get(name, "")) for name in names)

    @contextmanager
    def context(self, app: Flask, path: str = "/", query_string: str = "") -> Iterator[None]:
        """A request context for ``path`` with this subscriber's cookies and address.

        Flask lets a request context share an application context that is already there, and with it
        ``g`` and the logged-in user of whoever pushed it: this one has its own.
        """
        environ = create_environ(path, query_string=query_string, environ_overrides=dict(self.environ))
        with app.app_context(), app.request_context(environ):
            yield
