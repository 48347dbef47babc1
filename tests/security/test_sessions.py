"""Whoever may no longer look stops looking: whatever keeps the session, whoever says who it is."""

import threading
from collections.abc import Callable, Iterator
from typing import Any, Self

import pytest
from flask import Flask, abort, request
from flask.sessions import SecureCookieSession, SessionInterface
from flask_login import login_user
from sqlalchemy import Engine, select, update

from sa_notify import Dispatcher
from tests.apps.tenants import Document, User, create_app
from tests.protocol import wait_for
from tests.web.inprocess import ask, client, running, take


class Kept(SessionInterface):
    """Sessions on the server; the cookie is only a name.

    :ivar broken: names of those that can't be read.
    """

    def __init__(self) -> None:
        self.sessions: dict[str, dict[str, Any]] = {}
        self.broken: set[str] = set()

    def open_session(self, app: Flask, request: Any) -> SecureCookieSession:
        name = request.cookies.get("session", "")
        if name in self.broken:
            raise OSError("the store of sessions is away")
        return SecureCookieSession(self.sessions.get(name, {}))

    def save_session(self, app: Flask, session: Any, response: Any) -> None:
        self.sessions[request.cookies.get("session", "")] = dict(session)


class Site:
    """The tenants' application in this process."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.app = create_app(engine, async_mode="threading")
        self.live = self.app.extensions["sa_notify"]
        self.seen: dict[int, list[Any]] = {}

    def posts(self, path: str, cookie: str | None = None) -> str:
        """The session's cookie afterwards."""
        web = self.app.test_client()
        if cookie:
            name, _, value = cookie.partition("=")
            web.set_cookie(name, value)
        with web.post(path) as answer:
            assert answer.status_code == 200
        found = web.get_cookie("session")
        return cookie or ("" if found is None else f"session={found.value}")

    def closed(self, socket: Any) -> list[str]:
        """Codes of what has been closed."""
        found = take(socket, self.seen.setdefault(id(socket), []), "closed")
        return [each["error"]["code"] for each in found]

    def admit(self, yes: bool) -> None:
        with self.engine.begin() as connection:
            connection.execute(update(User).where(User.id == "ann-1").values(admitted=yes))

    def revoke(self, user: str) -> None:
        with self.app.app_context():
            self.live.recheck(user)


@pytest.fixture
def here(tenants: Engine) -> Iterator[Site]:
    site = Site(tenants)
    yield site
    site.admit(True)
    site.live.stop()


def _mine(socket: Any, id_: int = 1) -> str:
    answer = ask(socket, "subscribe", id=id_, query="mine")
    return "ok" if answer["ok"] else str(answer["error"]["code"])


def test_a_session_on_the_server_ends_there(here: Site) -> None:
    """Nobody is in it any more: that user's clients are asked all the same, and come in by no other way."""
    here.app.session_interface = Kept()
    here.posts("/login/ann-1", "session=laptop")
    socket = client(here.app, "session=laptop")
    assert _mine(socket) == "ok"
    here.posts("/logout", "session=laptop")
    assert _mine(socket, 2) == "forbidden"
    here.revoke("ann-1")
    assert here.closed(socket) == ["forbidden"]
    assert _mine(socket, 3) == "forbidden"


def test_a_login_after_the_connection_is_known(here: Site) -> None:
    """By the session that is on the server: as of when it is asked for something."""
    here.app.session_interface = Kept()
    socket = client(here.app, "session=laptop")
    assert _mine(socket) == "forbidden"
    here.posts("/login/ann-1", "session=laptop")
    assert _mine(socket, 2) == "ok"
    assert running(here.app).presence.users == {"ann-1"}


def test_what_is_being_asked_when_access_ends(here: Site) -> None:
    """Is asked again: the first answer may have been given before."""
    socket = client(here.app, here.posts("/login/ann-1"))
    assert _mine(socket) == "ok"
    with _Held(here.app) as held:
        answers: list[str] = []
        asking = threading.Thread(target=lambda: answers.append(_mine(socket, 2)))
        asking.start()
        held.wait()
        here.admit(False)
        here.revoke("ann-1")
        held.release()
        asking.join()
    assert answers == ["forbidden"] and here.closed(socket) == ["forbidden"]


def test_an_older_answer_undoes_no_newer_one(here: Site) -> None:
    """A recheck that was slow, and began before a user's tenant changed."""
    socket = client(here.app, here.posts("/login/ann-1"))
    assert _mine(socket) == "ok"
    try:
        with _Held(here.app) as held:
            slow = threading.Thread(target=lambda: here.revoke("ann-1"))
            slow.start()
            held.wait()
            _belongs(here.engine, 2)
            here.revoke("ann-1")
            held.release()
            slow.join()
        seen: list[Any] = []
        wait_for(lambda: _tenants(socket, seen) == {2}, "the other tenant's rows")
        assert ask(socket, "resync", id=1)["ok"]
        assert _tenants(socket, seen) == {2}
    finally:
        _belongs(here.engine, 1)


def _tenants(socket: Any, seen: list[Any]) -> set[int]:
    """Whose rows came last."""
    found = take(socket, seen, "snapshot")
    return {row["tenant"] for _, row in found[-1]["rows"]} if found else set()


def _belongs(engine: Engine, tenant: int) -> None:
    with engine.begin() as connection:
        connection.execute(update(User).where(User.id == "ann-1").values(tenant=tenant))


class _Held:
    """Holds the first function that has found out who its user is."""

    def __init__(self, app: Flask) -> None:
        self._manager: Any = app.login_manager  # type: ignore[attr-defined]
        self._load = self._manager._user_callback
        self._loaded, self._go = threading.Event(), threading.Event()

    def __enter__(self) -> Self:
        self._manager._user_callback = self._hold
        return self

    def __exit__(self, *_: object) -> None:
        self._manager._user_callback = self._load
        self._go.set()

    def _hold(self, user_id: str) -> Any:
        user = self._load(user_id)
        if not self._loaded.is_set():
            self._loaded.set()
            assert self._go.wait(20)
        return user

    def wait(self) -> None:
        assert self._loaded.wait(20)

    def release(self) -> None:
        self._go.set()


def test_one_session_that_can_not_be_read_hides_no_other(here: Site) -> None:
    """It ends by itself; the others are asked."""
    kept = here.app.session_interface = Kept()
    sockets = {}
    for name in ("laptop", "phone", "tablet"):
        here.posts("/login/ann-1", f"session={name}")
        sockets[name] = client(here.app, f"session={name}")
        assert _mine(sockets[name]) == "ok"
    kept.broken.add("phone")
    here.admit(False)
    here.revoke("ann-1")
    assert {name: here.closed(socket) for name, socket in sockets.items()} == {
        "laptop": ["forbidden"], "phone": ["query_failed"], "tablet": ["forbidden"],
    }  # fmt: skip


def test_what_fails_before_a_query_is_found_tells_no_values(
    here: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """Messages of a store of sessions, or of a database that users are loaded from, may hold some."""

    def fail(name: str) -> Any:
        raise RuntimeError(name * 3)

    here.live.find = fail
    caplog.set_level("DEBUG")
    assert _mine(client(here.app)) == "query_failed"
    assert "RuntimeError" in caplog.text and "minemine" not in caplog.text


def test_who_is_remembered_is_known(here: Site) -> None:
    """Flask-Login's cookie "remember me" outlives the session: a revocation reaches its user."""

    @here.app.post("/remember/<user_id>")
    def remember(user_id: str) -> str:
        login_user(here.app.login_manager._user_callback(user_id), remember=True)  # type: ignore[attr-defined]
        return "in"

    web = here.app.test_client()
    web.post("/remember/ann-1")
    cookie = web.get_cookie("remember_token")
    assert cookie is not None
    socket = client(here.app, f"remember_token={cookie.value}")
    assert running(here.app).presence.users == {"ann-1"}
    assert _mine(socket) == "ok"
    here.admit(False)
    here.revoke("ann-1")
    assert here.closed(socket) == ["forbidden"]


@pytest.fixture
def fronted(tenants: Engine) -> Iterator[tuple[Flask, Callable[[str], Any]]]:
    """An application whose proxy says who asks; and a client of somebody."""
    from flask_socketio import SocketIO

    app, dispatcher = Flask(__name__), Dispatcher()
    app.config.update(SECRET_KEY="fronted", SA_NOTIFY_RECHECK_SECONDS=3600)

    @dispatcher.query
    def of_tenant() -> Any:
        who = request.headers.get("X-Forwarded-User", "nobody-0")
        if who.startswith("nobody"):
            abort(401)
        return select(Document).where(Document.tenant == int(who[-1])).order_by(Document.id).limit(3)

    dispatcher.init_app(app, socketio := SocketIO(app, async_mode="threading"), engine=tenants)

    def come(user: str) -> Any:
        return socketio.test_client(app, namespace="/realtime", headers={"X-Forwarded-User": user})

    yield app, come
    app.extensions["sa_notify"].stop()


def test_who_a_proxy_names_stays_named(fronted: tuple[Flask, Callable[[str], Any]]) -> None:
    """When access is asked for again, too."""
    app, come = fronted
    sockets = [come(user) for user in ("ann-1", "bob-2")]
    for socket in sockets:
        assert ask(socket, "subscribe", id=1, query="of_tenant")["ok"]
    assert ask(come("nobody-1"), "subscribe", id=1, query="of_tenant")["error"]["code"] == "forbidden"
    app.extensions["sa_notify"].recheck()
    assert [take(socket, [], "closed") for socket in sockets] == [[], []]
    requests = [each.request for each in running(app).clients.values()]
    assert len({each.credentials for each in requests}) == 3


def test_a_connection_that_began_before_a_logout(here: Site) -> None:
    """Ends when its client comes: its cookies are those of before. One that began afterwards stays."""
    cookie, ended = here.posts("/login/ann-1"), list[str]()
    here.live._ensure_running().runner.dismiss = ended.append
    early = _begun(here.app, cookie)
    here.posts("/logout", cookie)
    late = _begun(here.app, cookie)
    early()
    wait_for(lambda: ended, "it to end")
    late()
    assert [*running(here.app).clients][:1] == ended and len(running(here.app).clients) == 2


def _begun(app: Flask, cookie: str) -> Callable[[], None]:
    """A connection by Engine.IO; the function makes it one of Socket.IO."""
    socketio = app.extensions["socketio"]
    connection = socketio.test_client(app, headers={"Cookie": cookie}).eio_sid
    server = socketio.server
    server.eio.handlers["connect"](connection, server.environ[connection])
    return lambda: server._handle_eio_message(connection, "0/realtime,")
