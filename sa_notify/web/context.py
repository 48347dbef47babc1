"""A subscriber's request, kept so that its context can be entered again at any time."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
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

    def context(self, app: Flask, path: str = "/", query_string: str = "") -> AbstractContextManager[Any]:
        """A request context for ``path`` with this subscriber's cookies and address."""
        environ = create_environ(path, query_string=query_string, environ_overrides=dict(self.environ))
        return app.request_context(environ)
