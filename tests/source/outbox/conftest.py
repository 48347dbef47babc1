"""Followers of an outbox in a database of the test's own."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from sa_notify.source.connect import listen_connect
from sa_notify.source.outbox.source import OutboxSource, Wake
from tests.source.outbox.outboxes import Follower, make_outbox

Follow = Callable[..., Follower]


@pytest.fixture
def outbox(engine: Engine) -> Engine:
    """An engine on a database that has one."""
    make_outbox(engine)
    return engine


@pytest.fixture
def follow(outbox: Engine) -> Iterator[Follow]:
    """Makes open followers, which are closed when the test ends."""
    with contextlib.ExitStack() as stack:

        def make(wake: Wake = "notify", engine: Engine = outbox, **options: Any) -> Follower:
            follower = Follower(OutboxSource(listen_connect(engine), wake, **options))
            stack.callback(follower.close)
            follower.open()
            return follower

        yield make
