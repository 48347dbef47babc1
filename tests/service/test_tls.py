"""Redis over TLS: certificates and names are verified unless the URL says otherwise."""

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from sqlalchemy import Engine, make_url

from sa_notify.errors import SourceLost
from sa_notify.redis.connect import connect
from sa_notify.redis.keys import Keys
from sa_notify.source.service.source import ServiceSource
from tests.service.dispatchers import InThread
from tests.service.worker import Worker


class _Front:
    """Ends TLS in front of a server that has none."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        self._upstream, self._context = port, context
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._server = self._do(asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context))

    @property
    def port(self) -> int:
        return int(self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _do(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _end(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._upstream)
        try:
            await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))
        finally:
            inner_writer.transport.abort()
            writer.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.transport.abort()


@pytest.fixture
def front(redis_url: str, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Makes a URL with these options; ``{ca}`` is where the authority's certificate lies."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    made = _Front(make_url(redis_url).port or 6379, context)
    yield lambda options: f"rediss://localhost:{made.port}/0?{options}".replace("{ca}", f"{tmp_path}/ca.pem")
    made.close()


def test_changes_travel_over_tls(
    front: Callable[[str], str], engine: Engine, tables: Any, keys: Keys, led: Callable[..., Any],
    client: Any, write: Callable[..., None],
) -> None:  # fmt: skip
    """Dispatcher and worker both speak TLS, with a certificate that is verified."""
    url = front("ssl_ca_certs={ca}")
    dispatcher = InThread(engine, url, keys)
    worker = Worker(ServiceSource(lambda: connect(url), keys), ("a",))
    try:
        led()
        worker.open()
        write("a", 7)
        worker.hears("a", 7)
    finally:
        worker.source.close()
        dispatcher.stop()


def test_a_certificate_that_nobody_vouches_for_is_refused(front: Callable[[str], str], keys: Keys) -> None:
    """Nothing is sent to such a server; the reason is said."""
    source = ServiceSource(lambda: connect(front("")), keys)
    with pytest.raises(SourceLost, match="certificate verify failed"):
        source.open()


def test_another_servers_certificate_is_refused(front: Callable[[str], str], keys: Keys) -> None:
    """A name that the certificate doesn't have."""
    url = front("ssl_ca_certs={ca}").replace("localhost", "127.0.0.1")
    source = ServiceSource(lambda: connect(url), keys)
    with pytest.raises(SourceLost, match=r"certificate|IP address"):
        source.open()
