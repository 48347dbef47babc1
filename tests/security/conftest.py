"""Two tenants with documents, two web workers behind one dispatcher, clients that remember all they get."""

import http.cookiejar
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Final

import pytest
import redis
from flask import Flask
from sqlalchemy import Engine, create_engine, insert

from sa_notify.redis.connect import connect as connect_redis
from sa_notify.redis.keys import Keys
from tests.apps import items
from tests.apps.tenants import Base, Document, User
from tests.databases import fresh_database
from tests.protocol import ProtocolClient
from tests.service.dispatchers import InThread
from tests.serving import serve

#: What only clients of that tenant may get, and what nobody may.
CANARIES: Final = {1: "canary-of-one", 2: "canary-of-two"}
HIDDEN: Final = "canary-of-nobody"


def document(id_: int, tenant: int) -> dict[str, Any]:
    """A row; what it holds names its tenant."""
    return {
        "id": id_, "tenant": tenant, "title": f"{CANARIES[tenant]} {id_ % 7}",
        "body": f"{CANARIES[tenant]} body {id_}", "secret": HIDDEN,
    }  # fmt: skip


@pytest.fixture
def app(engine: Engine) -> Iterator[Flask]:
    """The application of items, in this process."""
    items.Base.metadata.create_all(engine)
    app = items.create_app(engine, async_mode="threading")
    yield app
    app.extensions["sa_notify"].stop()


@pytest.fixture(scope="module")
def tenants(pg_server: str) -> Iterator[Engine]:
    """The database: 60 documents, two users in each tenant."""
    with fresh_database(pg_server) as url:
        engine = create_engine(url)
        Base.metadata.create_all(engine)
        with engine.begin() as connection:
            connection.execute(insert(Document), [document(n, 1 + n % 2) for n in range(60)])
            users = [
                {"id": f"{name}-{tenant}", "tenant": tenant} for tenant in (1, 2) for name in ("ann", "bob")
            ]
            connection.execute(insert(User), users)
        yield engine
        engine.dispose()


class Browser:
    """Cookies of one person on one server."""

    def __init__(self, url: str) -> None:
        self.url, self.jar = url, http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))

    def post(self, path: str) -> None:
        with self._opener.open(urllib.request.Request(self.url + path, method="POST"), timeout=20) as answer:
            assert answer.status == 200

    @property
    def cookie(self) -> str:
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.jar)


class Site:
    """Two workers, each with an address of its own, and whoever looks at them.

    :ivar workers: their URLs.
    """

    def __init__(self, workers: list[str], keys: Keys | None = None, redis_url: str = "") -> None:
        self.workers, self._keys, self._redis_url = workers, keys, redis_url
        self._clients: list[ProtocolClient] = []

    @property
    def keys(self) -> Keys:
        assert self._keys is not None
        return self._keys

    def browser(self, user: str, worker: int = 0) -> Browser:
        """Somebody who has logged in; sessions are good on both workers."""
        browser = Browser(self.workers[worker])
        browser.post(f"/login/{user}")
        return browser

    def client(self, browser: Browser | None, worker: int) -> ProtocolClient:
        """A connection with that browser's cookies."""
        cookie = None if browser is None else browser.cookie
        self._clients.append(ProtocolClient(self.workers[worker], cookie))
        return self._clients[-1]

    def redis(self) -> redis.Redis:
        return connect_redis(self._redis_url)

    def close(self) -> None:
        """Have everybody leave."""
        while self._clients:
            self._clients.pop().close()


@pytest.fixture(scope="module")
def site(tenants: Engine, redis_url: str) -> Iterator[Site]:
    """One for all tests of a module: it takes seconds to start."""
    keys = Keys(f"test-{uuid.uuid4().hex[:8]}")
    with ExitStack() as stack:
        dispatcher = InThread(tenants, redis_url, keys)
        stack.callback(dispatcher.stop)
        environment = {
            "DATABASE_URL": tenants.url.render_as_string(hide_password=False),
            "SA_NOTIFY_REDIS_URL": redis_url,
            "SA_NOTIFY_REDIS_PREFIX": keys.prefix,
            "LOG_EVERYTHING": "1",
        }
        app = "tests.apps.wsgi_tenants:app"
        urls = [stack.enter_context(serve(app, workers=1, env=environment)) for _ in range(2)]
        yield Site(urls, keys, redis_url)
