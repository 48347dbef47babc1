"""Where a list page was: enough to enter its request again on behalf of a subscriber."""

from collections.abc import Hashable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args
from urllib.parse import quote, urlencode

from flask import Flask, request
from werkzeug.datastructures import MultiDict

from sa_notify.errors import SubscriptionError
from sa_notify.web.context import SavedRequest

#: ``"keys"`` is what a page in mode ``"rows"`` counts by: the keys of the rows that a reload would show.
Mode = Literal["query", "rows", "keys"]
_MODES: tuple[str, ...] = get_args(Mode)


@dataclass(frozen=True, slots=True)
class Address:
    """One list page, as a token carries it.

    :param root: the prefix under which the application is mounted (``SCRIPT_NAME``).
    :param path: the path as the application routes it, without ``root``.
    :param query: the query string, its arguments in order of name.
    :param keys: for ``mode="rows"``, the rows that the page shows.
    """

    root: str
    path: str
    query: str
    mode: Mode = "query"
    keys: tuple[str, ...] = ()

    @classmethod
    def here(cls) -> "Address":
        """The page that the current request asks for."""
        return cls(request.root_path.rstrip("/"), request.path, _normalised(request.args))

    @classmethod
    def load(cls, params: dict[str, Any]) -> "Address":
        """Read what :meth:`dump` gave.

        :raises SubscriptionError: ``bad_token`` when it was written by another release.
        """
        try:
            texts = [params[name] for name in ("root", "path", "query", "mode")]
            keys = tuple(params["keys"])
        except (KeyError, TypeError):
            raise _other_release() from None
        if not all(isinstance(text, str) for text in (*texts, *keys)) or texts[3] not in _MODES:
            raise _other_release()
        return cls(texts[0], texts[1], texts[2], cast(Mode, texts[3]), keys)

    def dump(self) -> dict[str, Any]:
        """The address in JSON terms."""
        return {
            "root": self.root,
            "path": self.path,
            "query": self.query,
            "mode": self.mode,
            "keys": list(self.keys),
        }

    @property
    def identity(self) -> Hashable:
        """Equal for equal pages."""
        return (self.mode, self.root, self.path, self.query, self.keys)

    def context(self, app: Flask, saved: SavedRequest) -> AbstractContextManager[None]:
        """The page's request as this subscriber would make it."""
        environ = {**saved.environ, "SCRIPT_NAME": self.root}
        return SavedRequest(environ).context(app, quote(self.path), self.query)


def _normalised(arguments: MultiDict[str, str]) -> str:
    return urlencode(sorted(arguments.items(multi=True), key=lambda pair: pair[0]))


def _other_release() -> SubscriptionError:
    return SubscriptionError("bad_token", "the page was made by another release: load it again")
