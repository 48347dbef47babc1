"""What is promised in seconds follows from the constants; that they work so is tested elsewhere."""

from inspect import signature

import pytest
from engineio.base_server import BaseServer
from flask import Flask
from flask_socketio import SocketIO
from sqlalchemy import create_engine

from sa_notify import Dispatcher
from sa_notify.dispatch.embedded import EmbeddedDispatcher
from sa_notify.redis.keys import ASKED_SECONDS, REVOKED_SECONDS, WORKER_SECONDS
from sa_notify.service.leadership import SILENT_SECONDS, TRUST_SECONDS, TRY_SECONDS
from sa_notify.service.publisher import LEADER_MS
from sa_notify.service.service import BEAT_SECONDS
from sa_notify.source.outbox.following import FOLLOWER_SECONDS, KEEPER_SECONDS
from sa_notify.source.outbox.registration import SILENT_SECONDS as KEEPER_SILENT_SECONDS
from sa_notify.source.service.feed import SILENT_SECONDS as FEED_SILENT_SECONDS
from sa_notify.source.service.following import RENEW_SECONDS
from sa_notify.web import running

#: Connecting, a statement, an entry of a feed: each is a matter of milliseconds.
AT_ONCE = 0.5


def test_a_leader_that_is_killed_is_replaced_within_five_seconds() -> None:
    """PostgreSQL frees the lock when the connection ends; it is tried for every second."""
    begins = TRY_SECONDS + AT_ONCE
    assert begins + running.REDIS_SECONDS + AT_ONCE < 5.0


def test_a_leader_that_hangs_is_replaced_within_fifteen_seconds() -> None:
    """Stopped or cut off: its word expires, that is noticed, it is waited for, its session is ended, the lock
    is free; what it kept of the outbox is ended when that has been silent for long enough.
    """
    leads = LEADER_MS / 1000 + TRY_SECONDS + SILENT_SECONDS + TRY_SECONDS + TRY_SECONDS
    keeps = KEEPER_SILENT_SECONDS + FOLLOWER_SECONDS
    assert max(leads, keeps) + AT_ONCE + running.REDIS_SECONDS + AT_ONCE <= 13.0
    # where it may not be seen that the keeper's session is idle
    assert max(leads, keeps) + KEEPER_SECONDS + AT_ONCE <= 15.0


def test_a_leader_that_is_cut_off_stops_before_its_session_is_ended() -> None:
    """No two ever lead."""
    assert LEADER_MS / 1000 + SILENT_SECONDS > TRUST_SECONDS + BEAT_SECONDS
    assert FEED_SILENT_SECONDS > 2 * BEAT_SECONDS


def test_a_dead_worker_is_gone_within_a_minute() -> None:
    """Everything that it has expires with it, and is renewed in time while it lives; so do its questions."""
    assert WORKER_SECONDS + BEAT_SECONDS < 60 and ASKED_SECONDS < 60 and REVOKED_SECONDS <= 60
    assert RENEW_SECONDS * 3 < WORKER_SECONDS


def test_a_client_that_vanishes_is_gone_within_a_minute() -> None:
    """The last ping of a connection that is half open comes a whole interval after the last answer."""
    defaults = signature(BaseServer.__init__).parameters
    interval, timeout = (defaults[name].default for name in ("ping_interval", "ping_timeout"))
    assert interval + timeout + running.BEAT_SECONDS + AT_ONCE < 60


@pytest.mark.parametrize(("timeout", "warned"), [(20, False), (60, True)])
def test_pings_that_take_longer_are_warned_of(
    timeout: int, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """By whoever sets them, at start."""
    app = Flask(__name__)
    app.secret_key = "test"
    socketio = SocketIO(app, async_mode="threading", ping_timeout=timeout)
    Dispatcher().init_app(app, socketio, engine=create_engine("postgresql+psycopg2://"))
    assert ("counts as connected for 87 s" in caplog.text) is warned


def test_workers_look_for_a_dispatcher_every_second() -> None:
    """However long there was none."""
    slowest = signature(EmbeddedDispatcher.__init__).parameters["slowest"]
    assert running.REDIS_SECONDS == 1.0 < slowest.default
