"""Followers of a source in each colour, and receivers to watch them with."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from sa_notify.change import ChangeSet
from sa_notify.dispatch.embedded import EmbeddedDispatcher
from sa_notify.dispatch.follow import follow
from sa_notify.dispatch.receiver import Receiver
from sa_notify.dispatch.runtime import Runtime
from sa_notify.source.base import Source
from sa_notify.web.runtimes import runtime_for

DEADLINE = 30.0


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Give others their turn until the condition holds; fails when it never does."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.005)


class Recorder:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.epochs: list[str] = []
        self.changesets: list[ChangeSet] = []
        self.losses = 0
        #: Up to when everything had been received, by ``time.monotonic()``.
        self.proofs: list[float] = []

    def begin_epoch(self, epoch: str) -> None:
        self.epochs.append(epoch)

    def receive(self, changesets: Sequence[ChangeSet]) -> None:
        self.changesets += changesets

    def proved(self, age: float) -> None:
        self.proofs.append(time.monotonic() - age)

    def lost(self) -> None:
        self.losses += 1

    @property
    def keys(self) -> list[str]:
        return [c.key[0] for changeset in self.changesets for c in changeset.changes if c.key]

    @property
    def following(self) -> bool:
        return len(self.epochs) > self.losses


def runtime_of(colour: str) -> Runtime:
    return runtime_for({"gevent": "gevent", "threads": "threading"}[colour])


@contextlib.contextmanager
def followed(colour: str, source: Source, receiver: Receiver) -> Iterator[None]:
    """Follow for as long as the block lasts."""
    if colour == "asyncio":
        with _followed_by_asyncio(source, receiver):
            yield
        return
    dispatcher = EmbeddedDispatcher(source, receiver, runtime_of(colour))
    dispatcher.ensure_started()
    try:
        yield
    finally:
        dispatcher.stop()


@contextlib.contextmanager
def _followed_by_asyncio(source: Source, receiver: Receiver) -> Iterator[None]:
    loop = asyncio.new_event_loop()
    task = loop.create_task(follow(source, receiver))
    thread = threading.Thread(target=_run, args=(loop, task))
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(DEADLINE)
        loop.close()


def _run(loop: asyncio.AbstractEventLoop, task: "asyncio.Task[None]") -> None:
    with contextlib.suppress(asyncio.CancelledError):
        loop.run_until_complete(task)
