"""A dispatcher, Redis and a worker's source, as one source."""

import contextlib
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from sa_notify.errors import SourceLost
from sa_notify.redis.connect import connect
from sa_notify.redis.keys import Keys
from sa_notify.source.service.source import ServiceSource
from tests.service.dispatchers import InThread, Process
from tests.source.colours import COLOURS, DEADLINE

TABLE = "public.t"


class Serviced(ServiceSource):
    """Wants the table of the suites; waits for a dispatcher that leads."""

    def open(self) -> None:
        deadline = time.monotonic() + DEADLINE
        while True:
            try:
                super().open()
                if self.take([TABLE]):
                    return
            except SourceLost:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.02)


@contextlib.contextmanager
def serviced(engine: Engine, redis_url: str, room: Path) -> Iterator[Any]:
    """A source over a dispatcher: in a thread, or under gevent, which patches those, in a process."""
    keys = Keys(f"contract-{uuid.uuid4().hex[:8]}")
    with contextlib.ExitStack() as stack:
        if "gevent" in COLOURS:
            url = engine.url.render_as_string(hide_password=False)
            stack.callback(Process(url, redis_url, keys.prefix, room / "dispatcher.log").end)
        else:
            stack.callback(InThread(engine, redis_url, keys).stop)
        yield Serviced(lambda: connect(redis_url), keys)
