"""A browser's view of the application, without a browser."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask

from sa_notify.live.query import Query
from sa_notify.web.context import SavedRequest
from tests.admin.applications import dispose, execute
from tests.admin.library import make_app
from tests.admin.pages import ShownPage, read_page

XSS = "<script>alert('1')</script> & \"co\""


class Visitor:
    """Loads pages and subscribes with the tokens in them.

    :param root: the prefix under which the application is mounted.
    """

    def __init__(self, app: Flask, root: str = "") -> None:
        self.app = app
        self.root = root
        self.client = app.test_client()

    def get(self, url: str, **headers: str) -> str:
        answer = self.client.get(url, base_url=f"http://localhost{self.root}", headers=headers)
        assert answer.status_code == 200, (answer.status_code, url)
        return answer.get_data(as_text=True)

    def page(self, url: str) -> ShownPage:
        return read_page(self.get(url))

    @property
    def saved(self) -> SavedRequest:
        """The visitor's websocket, as the server remembers it."""
        cookies = [f"{cookie.key}={cookie.value}" for cookie in self.client._cookies.values()]
        environ = {"HTTP_HOST": "localhost", "SERVER_NAME": "localhost", "SERVER_PORT": "80"}
        return SavedRequest({**environ, "wsgi.url_scheme": "http", "HTTP_COOKIE": "; ".join(cookies)})

    def subscribe(self, token: str | None) -> Query:
        """What the server makes of a page's token."""
        assert token is not None, "the page has no token"
        saved = self.saved
        with saved.context(self.app):
            name, params = self.app.extensions["sa_notify"].tokens.load(token)
            registered: Any = self.app.extensions["sa_notify.queries"][name]
            assert (registered.name, registered.token_only) == (name, True)
            query = registered.build(params, saved)
        assert isinstance(query, Query)
        return query

    def follow(self, url: str) -> Query:
        """Load a page and subscribe with its token."""
        return self.subscribe(self.page(url).bar["data-sa-token"])


@contextmanager
def furnished(url: str, **options: Any) -> Iterator[Flask]:
    """The library with its books, for as long as the block lasts."""
    app = make_app(url, **options)
    seed(app)
    yield app
    dispose(app)


def furnish_again(app: Flask) -> None:
    """The first books in place of all there are."""
    execute(app, "TRUNCATE book, author, place, silent RESTART IDENTITY CASCADE")
    seed(app)


def seed(app: Flask) -> None:
    """40 books by 4 authors, with ties, gaps and markup in every column."""
    authors = [(1, "Ann"), (2, f"Bob {XSS}"), (3, "100%_\\"), (4, "Ünal, Ö.")]
    for key, name in authors:
        execute(app, "INSERT INTO author (id, name) VALUES (:k, :n)", k=key, n=name)
    for i in range(1, 41):
        execute(
            app,
            "INSERT INTO book (id, title, price, kind, genre, done, author_id)"
            " VALUES (:i, :t, :p, :k, :g, :d, :a)",
            i=i * 3,
            t=XSS if i % 11 == 0 else f"Title {i % 13}",
            p=None if i % 7 == 0 else i % 5,
            k=("NOVEL", "ESSAY")[i % 2],
            g=("a", "b", "c")[i % 3],
            d=i % 4 == 0,
            a=None if i % 6 == 0 else 1 + i % 4,
        )
    execute(app, "SELECT setval(pg_get_serial_sequence('book', 'id'), 1000)")
    for row, seat in [("a,b", 1), ("a.b", 2), ("a.,b", 3), ('"<', 4), ("z", 5), ("z", 6)]:
        execute(app, "INSERT INTO place VALUES (:r, :s, '')", r=row, s=seat)
    execute(app, "INSERT INTO silent VALUES (1, 'x')")
