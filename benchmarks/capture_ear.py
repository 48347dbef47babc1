"""A listener in a process of its own: it counts the NOTIFY messages that writes send."""

import multiprocessing
import select
from collections.abc import Iterable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Self

import psycopg2

_END = "bench_end"


@dataclass(frozen=True, slots=True)
class Heard:
    """Messages and their payloads' bytes since the last count."""

    messages: int
    size: int


class Ear:
    """Listens where it is told to: as in real use, somebody receives what triggers send.

    In a process of its own, so that reading messages never delays the clock that times the writer.
    """

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_hear, args=(other,), daemon=True)
        self._process.start()

    def listen(self, target: str, channels: Iterable[str]) -> None:
        """Leave the last database and listen in this one, a libpq connection string."""
        self._pipe.send((target, [*channels, _END]))
        self._answer()

    def count(self, cursor: Any) -> Heard:
        """What came since the last count; ``cursor`` is of an autocommit connection to the same database."""
        cursor.execute(f"NOTIFY {_END}")  # the queue keeps commit order: all else came before
        return Heard(*self._answer())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.is_alive():
            self._pipe.send(None)
        self._process.join(10)

    def _answer(self) -> tuple[int, int]:
        if not self._pipe.poll(120):
            raise SystemExit("the listener did not answer within 120 s")
        answer: tuple[int, int] = self._pipe.recv()
        return answer


def _hear(pipe: Connection) -> None:
    listener: Any = None
    messages = size = 0
    while True:
        ready, _, _ = select.select([pipe, listener] if listener else [pipe], [], [])
        if pipe in ready:
            command = pipe.recv()
            if listener:
                listener.close()
            if command is None:
                return
            listener = _connect(*command)
            messages = size = 0
            pipe.send((0, 0))
            continue
        listener.poll()
        for notice in listener.notifies:
            if notice.channel == _END:
                pipe.send((messages, size))
                messages = size = 0
            else:
                messages += 1
                size += len(notice.payload)
        listener.notifies.clear()


def _connect(target: str, channels: list[str]) -> Any:
    listener = psycopg2.connect(target)
    listener.autocommit = True
    with listener.cursor() as cursor:
        for channel in channels:
            cursor.execute(f'LISTEN "{channel}"')
    return listener
