"""Pages of other sites can't connect with the cookies of a user of this one."""

import http.server
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing

import pytest
import websocket
from playwright.sync_api import Page
from sqlalchemy import Engine

from tests.apps.items import Base
from tests.serving import serve


@pytest.fixture
def server(engine: Engine) -> Iterator[str]:
    Base.metadata.create_all(engine)
    env = {"DATABASE_URL": engine.url.render_as_string(hide_password=False)}
    with serve("tests.apps.wsgi_items:app", workers=1, env=env) as base_url:
        yield base_url


def _polls(server: str, origin: str | None) -> tuple[int, str | None]:
    """The status of a first request by polling, and whose pages may read its answer."""
    headers = {"Cookie": "user=1"} | ({} if origin is None else {"Origin": origin})
    asked = urllib.request.Request(f"{server}/socket.io/?EIO=4&transport=polling", headers=headers)
    try:
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return answer.status, answer.headers["Access-Control-Allow-Origin"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Access-Control-Allow-Origin"]


def _opens(server: str, origin: str | None) -> bool:
    """Whether a websocket opens."""
    address = server.replace("http", "ws", 1) + "/socket.io/?EIO=4&transport=websocket"
    options = {"suppress_origin": True} if origin is None else {"origin": origin}
    try:
        with closing(websocket.create_connection(address, cookie="user=1", timeout=20, **options)) as opened:
            return str(opened.recv()).startswith("0{")
    except websocket.WebSocketBadStatusException:
        return False


@pytest.fixture
def elsewhere(server: str) -> Iterator[str]:
    """A page of another site, which tries all that a script may."""
    page = _PAGE.replace("SERVER", server).encode()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *args: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


_PAGE = """
<script>
  window.found = {};
  const address = "SERVER/socket.io/?EIO=4&transport=";
  const socket = new WebSocket(address.replace("http", "ws") + "websocket");
  socket.onmessage = () => { found.websocket = "open"; };
  socket.onerror = () => { found.websocket ??= "refused"; };
  fetch(address + "polling", {credentials: "include"})
    .then((answer) => answer.text())
    .then(() => { found.fetch = "read"; }, () => { found.fetch = "refused"; });
  fetch(address + "polling", {credentials: "include", mode: "no-cors"})
    .then((answer) => answer.text())
    .then((text) => { found.blind = text === "" ? "refused" : "read"; }, () => { found.blind = "refused"; });
</script>
"""


def test_origins(page: Page, server: str, elsewhere: str) -> None:
    """Others are refused by both transports, and no page is told that it may read the refusal."""
    for origin in ("https://evil.example", "null", "http://127.0.0.1:1", "file://", server + ".evil.example"):
        assert (origin, _polls(server, origin)) == (origin, (400, None))
        assert (origin, _opens(server, origin)) == (origin, False)
    # programs send none; a browser sends one with whatever could do harm
    for origin in (server, None):
        assert (origin, _polls(server, origin)) == (origin, (200, origin))
        assert (origin, _opens(server, origin)) == (origin, True)

    # Chromium sends the user's cookies along; the page can neither open a socket nor read an answer
    page.context.add_cookies([{"name": "user", "value": "1", "url": server}])
    page.goto(elsewhere)
    page.wait_for_function("Object.keys(found).length === 3", timeout=30_000)
    assert page.evaluate("found") == {"websocket": "refused", "fetch": "refused", "blind": "refused"}
