"""Without a Redis, processes tell each other whose access ends: signed, and naming nobody."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import psycopg2
import pytest
from flask import Flask
from sqlalchemy import Engine, text

from sa_notify.change import ChangeSet
from sa_notify.source.connect import listen_connect
from sa_notify.source.database import database_source
from sa_notify.source.outbox.notes import post
from sa_notify.source.outbox.session import Session
from sa_notify.source.service.revocation import Revocation
from sa_notify.source.signals import WHISPER
from sa_notify.web.whispers import SECONDS, Whispers
from tests.promptly import quickest
from tests.protocol import arrived, wait_for
from tests.security.conftest import Site
from tests.serving import serve
from tests.source.announcing import message
from tests.source.outbox.outboxes import make_outbox

SAID = [Revocation("ann"), Revocation("ann", dismiss=True), Revocation(None), Revocation(None, dismiss=True)]


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def _whispers(
    key: str | bytes | None = "k", clock: Clock | None = None, fallbacks: list[str] | None = None
) -> Whispers:
    app = Flask(__name__)
    app.config.update(SECRET_KEY=key, SECRET_KEY_FALLBACKS=fallbacks)
    return Whispers(app, clock or Clock())


@pytest.mark.parametrize("said", SAID)
def test_what_is_said_is_meant(said: Revocation) -> None:
    """By whoever has the key, of users who are there; it names nobody."""
    payload = _whispers().said(said)
    assert _whispers().meant(payload, lambda: ["bob", "ann", None]) == said
    assert _whispers().meant(payload, lambda: ["bob"]) == (None if said.user else said)
    assert "ann" not in payload and len(payload) < 300


def test_strangers_mean_nothing() -> None:
    """Another key, other words, or the same a minute later."""
    clock = Clock()
    own, payload = _whispers(clock=clock), _whispers(clock=clock).said(SAID[1])
    for forged in (
        _whispers("guessed").said(SAID[1]),
        _whispers(None).said(SAID[1]),
        payload.replace("dismiss", "revoke"),
        payload[:-1],
        payload.replace(" ", "  "),
        WHISPER,
        f"{WHISPER}dismiss",
        f"{WHISPER}dismiss x y z",
        payload + " more",
        "",
    ):
        # before anybody is looked for
        assert own.meant(forged, pytest.fail) is None
    clock.now += SECONDS - 1
    assert own.meant(payload, lambda: ["ann"]) == SAID[1]
    # whoever has heard it may say it again
    assert own.meant(payload, pytest.fail) is None
    clock.now += 2
    assert _whispers(clock=clock).meant(payload, pytest.fail) is None


def test_keys_are_rotated() -> None:
    """What an older process says is heard while its key is among the fallbacks, not afterwards."""
    old, young = _whispers("old").said(SAID[0]), _whispers("young", fallbacks=["older", "old"])
    assert young.meant(old, lambda: ["ann"]) == SAID[0]
    assert _whispers("young").meant(young.said(SAID[1]), lambda: ["ann"]) == SAID[1]
    assert _whispers("young").meant(_whispers("old").said(SAID[0]), pytest.fail) is None
    assert _whispers(b"k").meant(_whispers("k").said(SAID[0]), lambda: ["ann"]) == SAID[0]


@pytest.mark.parametrize("outbox", [True, False])
def test_they_are_heard_with_an_outbox_and_without(engine: Engine, outbox: bool) -> None:
    """As they were said; changes around them are heard as ever."""
    heard: list[str] = []
    if outbox:
        make_outbox(engine)
    source = database_source(listen_connect(engine), "notify", whispered=heard.append)
    source.open()
    try:
        with engine.begin() as connection:
            for payload in (f"{WHISPER}one", message(1, xid=7), f"{WHISPER}two"):
                connection.execute(text("SELECT pg_notify('sa_notify', :it)"), {"it": payload})
        found: list[ChangeSet] = []
        wait_for(lambda: found.extend(source.read()) or (len(heard) == 2 and found), "all of it")
        assert heard == [f"{WHISPER}one", f"{WHISPER}two"]
        assert [change.table for changeset in found for change in changeset.changes] == ["public.t"]
    finally:
        source.close()


@pytest.fixture(params=["notify", "poll"])
def embedded(tenants: Engine, request: pytest.FixtureRequest) -> Iterator[Site]:
    """Two workers that follow the database by themselves, and hear NOTIFY or don't."""
    environment: dict[str, Any] = {
        "DATABASE_URL": tenants.url.render_as_string(hide_password=False),
        "SA_NOTIFY_TEST_APP_SA_NOTIFY_WAKE": request.param,
    }
    with ExitStack() as stack:
        app = "tests.apps.wsgi_tenants:app"
        urls = [stack.enter_context(serve(app, workers=1, env=environment)) for _ in range(2)]
        site = Site(urls)
        stack.callback(site.close)
        yield site


def test_a_logout_reaches_the_other_process(embedded: Site, tenants: Engine) -> None:
    """Its connections end there too, within 2 s; forged words end nobody's."""
    stays = embedded.client(embedded.browser("bob-1", 1), 1)
    window = stays.subscribe("mine")
    wait_for(lambda: arrived(window), "the snapshot")
    with psycopg2.connect(tenants.url.set(drivername="postgresql").render_as_string(False)) as stranger:
        stranger.autocommit = True
        for payload in (_whispers().said(SAID[3]), f"{WHISPER}dismiss 1 2 3"):
            stranger.cursor().execute("SELECT pg_notify('sa_notify', %s)", (payload,))
            post(Session(stranger, pooled=True), payload)

    def attempt() -> float:
        browser = embedded.browser("ann-1", 0)
        clients = [embedded.client(browser, worker) for worker in (0, 1)]
        windows = [client.subscribe("mine") for client in clients]
        wait_for(lambda: all(arrived(window) for window in windows), "the snapshots")
        browser.post("/logout")
        left_at = time.monotonic()
        wait_for(lambda: not any(client._client.connected for client in clients), "both to end")
        return time.monotonic() - left_at

    assert quickest(attempt, 2.0) < 2.0
    assert stays._client.connected
