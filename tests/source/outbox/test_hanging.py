"""PostgreSQL no longer answers: whoever waits is let go when the source is interrupted or closed."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from psycopg2.extensions import connection as Connection
from sqlalchemy import Engine, create_engine, make_url

from sa_notify.errors import SourceLost
from sa_notify.source.connect import listen_connect
from sa_notify.source.outbox import following
from sa_notify.source.outbox.source import OutboxSource, Wake
from tests.protocol import wait_for
from tests.source.proxy import Proxy

CALLS: dict[str, Callable[[OutboxSource], Any]] = {
    "ping": lambda source: source.ping(),
    "take": lambda source: source.take(["public.t"]),
}


@pytest.fixture
def proxy(outbox: Engine, database_url: str) -> Iterator[Proxy]:
    with Proxy(make_url(database_url)) as proxy:
        yield proxy


@pytest.fixture
def source(proxy: Proxy, wake: Wake) -> Iterator[OutboxSource]:
    engine = create_engine(proxy.listen_url)
    source = OutboxSource(listen_connect(engine), wake)
    yield source
    source.interrupt()
    source.close()
    engine.dispose()


@pytest.mark.parametrize("wake", ["notify", "poll"])
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("end", ["interrupt", "close"])
def test_who_waits_is_let_go(
    proxy: Proxy, source: OutboxSource, wake: Wake, call: str, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A question that was put to it, and is on the way already, ends too."""
    monkeypatch.setattr(following, "_STOP_SECONDS", 0.2)
    source.open()
    pump = source._open().pump
    assert pump is not None
    if wake == "notify":
        wait_for(lambda: pump._pace.asleep, "nothing to be under way")
    proxy.hang()
    asked = [_begun(CALLS[call], source) for _ in range(2)]
    try:
        # one that polls is in the middle of a read already
        wait_for(lambda: pump._pings or pump._desk._pending or wake == "poll", "a question to be taken in")
    finally:
        getattr(source, end)()
    for each in asked:
        assert isinstance(each.exception(10), SourceLost)


@pytest.mark.parametrize("wake", ["notify", "poll"])
@pytest.mark.parametrize("number", range(1, 4))
def test_an_open_that_waits_is_let_go(proxy: Proxy, source: OutboxSource, number: int) -> None:
    """Whatever it has come to: as soon as it has one connection, or all but the last."""
    connect, made = source._connect, list[Connection]()

    def hanging() -> Connection:
        made.append(connect())
        if len(made) == number:
            proxy.hang()
        return made[-1]

    source._connect = hanging
    opening = _begun(OutboxSource.open, source)
    try:
        wait_for(lambda: len(made) == number or opening.done(), "connections")
    finally:
        source.interrupt()
    assert isinstance(opening.exception(10), SourceLost | None)


@pytest.mark.parametrize("wake", ["notify", "poll"])
def test_closing_takes_its_time_and_no_more(
    proxy: Proxy, source: OutboxSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits for the last statement, but not for ever, and then leaves nothing open."""
    monkeypatch.setattr(following, "_STOP_SECONDS", 1.0)
    before = _pipes()
    source.open()
    proxy.hang()
    began = time.monotonic()
    source.close()

    assert time.monotonic() - began < 15.0  # about a second; and the statement would hang for ever
    assert _pipes() <= before


def _begun(function: Callable[[OutboxSource], Any], source: OutboxSource) -> Future[Any]:
    """In a thread that nobody has to wait for."""
    future = Future[Any]()

    def run() -> None:
        try:
            future.set_result(function(source))
        except Exception as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


def _pipes() -> int:
    found = 0
    for path in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            found += path.readlink().name.startswith("pipe:")
    return found
