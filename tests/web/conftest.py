"""Fixtures of the web tests."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from sa_notify.capture.choice import DEFAULT_DELIVERY
from sa_notify.web.live_app import LiveApp
from tests.apps.items import Base
from tests.apps.pages import stock
from tests.deliveries import delivered


@pytest.fixture
def delivery() -> str:
    """How changes travel; modules that try both ways override it."""
    return os.environ.get("SA_NOTIFY_DELIVERY") or DEFAULT_DELIVERY


@pytest.fixture
def database(engine: Engine, delivery: str) -> Engine:
    """The application's tables and triggers, with some rows."""
    with delivered(Base.metadata, delivery):
        Base.metadata.create_all(engine)
    stock(engine)
    return engine


@pytest.fixture(autouse=True)
def stopped(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test's applications started ends with the test."""
    made: list[LiveApp] = []
    original = LiveApp.__init__

    def remember(self: LiveApp, *arguments: Any) -> None:
        original(self, *arguments)
        made.append(self)

    monkeypatch.setattr(LiveApp, "__init__", remember)
    yield
    for live_app in made:
        live_app.stop()
