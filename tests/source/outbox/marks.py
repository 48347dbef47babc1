"""A writer that marks the time, and what those who follow must have heard of it."""

import itertools
import threading
import time
from contextlib import closing

from sqlalchemy import Engine

from tests.source.announcing import plain
from tests.source.outbox.process import Process


class Marks:
    """A thread that inserts numbers, one a transaction, until it is stopped.

    :ivar begun: when the transaction of each number began.
    """

    def __init__(self, engine: Engine) -> None:
        self.begun: list[float] = []
        self._engine = engine
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._write)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def heard_by(self, process: Process) -> bool:
        """Whether it has the last one."""
        return bool(process.heard) and process.heard[-1] == len(self.begun) - 1

    def check(self, process: Process) -> None:
        """In each epoch everything came once and in order, from what was begun after the epoch had."""
        for epoch in process.epochs:
            heard = [number for number in epoch["heard"] if self.begun[number] > epoch["at"]]
            due = [number for number, at in enumerate(self.begun) if at > epoch["at"]]
            assert heard == due[: len(heard)]
            assert len(epoch["heard"]) == len(set(epoch["heard"]))

    def _write(self) -> None:
        with closing(plain(self._engine)) as connection, connection.cursor() as cursor:
            for number in itertools.count():
                self.begun.append(time.monotonic())
                cursor.execute("INSERT INTO marks (id) VALUES (%s)", (number,))
                connection.commit()
                if self._stopped.wait(0.001):
                    return
