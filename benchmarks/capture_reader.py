"""A reader of the outbox in a process of its own, as a worker of an application would be."""

import multiprocessing
import select
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

from sqlalchemy import URL, create_engine

from sa_notify.source.connect import listen_connect
from sa_notify.source.outbox.source import OutboxSource

_SECONDS = 60


@contextmanager
def reading(url: URL, table: str) -> Iterator[None]:
    """While the block lasts, somebody wants the table and reads its changes."""
    context = multiprocessing.get_context("spawn")
    pipe, other = context.Pipe()
    process = context.Process(
        target=_read, args=(other, url.render_as_string(hide_password=False), table), daemon=True
    )
    process.start()
    try:
        if not pipe.poll(_SECONDS) or not pipe.recv():
            raise SystemExit("the reader of the outbox did not begin")
        yield
        pipe.send(None)
        process.join(_SECONDS)
    finally:
        process.kill()


def _read(pipe: Connection, url: str, table: str) -> None:
    source = OutboxSource(listen_connect(create_engine(url)))
    source.open()
    source.keep([table])
    pipe.send(table in source.take([table]))
    waiting = select.poll()
    waiting.register(pipe.fileno(), select.POLLIN)
    waiting.register(source.fileno(), select.POLLIN)
    while not pipe.poll():
        while source.read():
            pass
        waiting.poll()
    source.close()
