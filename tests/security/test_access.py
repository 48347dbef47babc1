"""Each person and each page: a subscription shows what a reload shows, or nothing at all."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.admin.pages import ShownPage, read_page
from tests.protocol import wait_for
from tests.security.views import ROLES, VIEWS, db, make_app
from tests.web.inprocess import ask, client

#: Where people whom the page does not admit get its token from: somebody gave it to them.
_TOKENS = {"keys": "data-sa-token", "rows": "data-sa-rows-token"}


@pytest.fixture
def app(database_url: str) -> Iterator[Flask]:
    app = make_app(database_url)
    yield app
    app.extensions["sa_notify"].stop()
    with app.app_context():
        db.engine.dispose()


@dataclass
class Cell:
    """One person on one page, followed in one way.

    :ivar page: what a reload would show; ``None`` where it would show nothing.
    """

    role: str
    view: str
    mode: str
    page: ShownPage | None
    socket: Any
    answer: dict[str, Any]
    seen: list[Any] = field(default_factory=list)

    def events(self) -> list[tuple[str, Any]]:
        self.seen += self.socket.get_received("/realtime")
        return [(event["name"], event["args"][0]) for event in self.seen]

    def rows(self) -> list[str] | None:
        """Keys as they came last."""
        found = [[key for key, _ in data["rows"]] for name, data in self.events() if name == "snapshot"]
        return found[-1] if found else None

    def told(self, title: str) -> bool:
        return any(name == "diff" and title in str(data) for name, data in self.events())


def _browser(app: Flask, role: str) -> tuple[FlaskClient, str]:
    browser = app.test_client()
    browser.get(f"/login/{role}")
    cookie = browser.get_cookie("session")
    assert cookie is not None
    return browser, f"session={cookie.value}"


def _cells(app: Flask) -> Iterator[Cell]:
    root, _ = _browser(app, "root")
    tokens = {view: read_page(root.get(f"/admin/{view}/").text).bar for view in VIEWS}
    for role in ROLES:
        browser, cookie = _browser(app, role)
        for view in VIEWS:
            reload = browser.get(f"/admin/{view}/")
            page = read_page(reload.text) if reload.status_code == 200 else None
            given = {mode: str(tokens[view][name]) for mode, name in _TOKENS.items()}
            for mode, token in {**given, "query": _as_query(app, given["keys"])}.items():
                socket = client(app, cookie)
                answer = ask(socket, "subscribe", id=1, token=token)
                yield Cell(role, view, mode, page, socket, answer)


def _as_query(app: Flask, token: str) -> str:
    """What a view in mode "query" signs for the same page."""
    serializer = app.extensions["sa_notify"].tokens._serializer()
    name, params, login = serializer.loads(token)
    return str(serializer.dumps([name, {**params, "mode": "query"}, login]))


def test_a_subscription_shows_what_a_reload_shows(app: Flask) -> None:
    """4 roles, 6 views, each mode: whoever is refused the page gets no frame, with whatever token."""
    cells = list(_cells(app))
    assert len(cells) == 72
    admitted = [cell for cell in cells if cell.page is not None]
    refused = [cell for cell in cells if cell.page is None]
    assert len(refused) == 24
    for cell in admitted:
        assert cell.answer["ok"], cell
        expected = [key for key, _ in cell.page.rows]  # type: ignore[union-attr]
        wait_for(lambda: cell.rows() == expected, f"{cell.role} on {cell.view}, {cell.mode}")  # noqa: B023
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text("UPDATE papers SET title = 'new of ' || owner"))
    for cell in (cell for cell in admitted if cell.mode != "keys"):
        wait_for(lambda: cell.told(_shown(cell)), f"{cell.role} on {cell.view}, {cell.mode}")  # noqa: B023

    for cell in refused:
        answer, events = cell.answer, [event for event in cell.events() if event[0] in ("snapshot", "diff")]
        if answer["ok"]:  # it is found out when the list is read
            assert cell.events()[-1][1]["error"]["code"] == "forbidden"
        else:
            assert answer["error"]["code"] == "forbidden"
        assert events == [], (cell.role, cell.view, cell.mode)
    for cell in admitted:
        if cell.view == "own" and cell.role != "root":
            others = {f"new of {role}" for role in ROLES if role != cell.role}
            assert not any(other in str(cell.events()) for other in others), cell.role


def _shown(cell: Cell) -> str:
    return f"new of {cell.role}"
