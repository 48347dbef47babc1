"""A process that follows one table's outbox, and tells the test what it hears.

It writes lines of JSON: ``{"epoch", "reader", "keeps", "at"}`` when an epoch has begun and the table
is captured, ``{"keys"}``, and ``{"lost"}``. It ends in order on SIGTERM.
"""

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Column, Engine, Integer, MetaData, Table, Text, create_engine

from sa_notify import realtime
from sa_notify.errors import SourceLost
from sa_notify.source.connect import listen_connect
from sa_notify.source.outbox.source import OutboxSource, Wake
from tests.protocol import wait_for

TABLE = "public.marks"
_ROOT = Path(__file__).parents[3]


def make_marks(engine: Engine) -> None:
    """The table, captured through the outbox."""
    metadata = MetaData()
    table = Table("marks", metadata, Column("id", Integer, primary_key=True), Column("text", Text))
    realtime(delivery="outbox")(table)
    metadata.create_all(engine)


class Process:
    """One of them, as the test sees it.

    :ivar epochs: begun, each with when it was and what it heard, in order.
    """

    def __init__(self, url: str, wake: Wake = "notify") -> None:
        self.epochs: list[dict[str, Any]] = []
        self.lost: list[str] = []
        self._child = subprocess.Popen(
            [sys.executable, "-m", __name__, url, wake],
            cwd=_ROOT,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(_ROOT)},
        )
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def heard(self) -> list[int]:
        """In the current epoch."""
        return self.epochs[-1]["heard"] if self.epochs else []

    def send(self, number: signal.Signals) -> None:
        self._child.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send it that, and wait; its exit status."""
        with suppress(ProcessLookupError):
            self.send(signal.SIGCONT)
            self.send(number)
        status = self._child.wait(20)
        self._reading.join()
        cast("Any", self._child.stdout).close()
        return status

    def begins(self, epochs: int, seconds: float = 30.0) -> None:
        """Wait until so many epochs have begun."""
        wait_for(lambda: len(self.epochs) >= epochs, f"epoch {epochs}", seconds)

    def _read(self) -> None:
        for line in cast("Any", self._child.stdout):
            told = json.loads(line)
            if "epoch" in told:
                self.epochs.append(told | {"heard": []})
            elif "keys" in told:
                self.epochs[-1]["heard"] += told["keys"]
            else:
                self.lost.append(told["lost"])


def _tell(**what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _follow(source: OutboxSource, stopped: threading.Event) -> None:
    source.open()
    while source.take([TABLE]) != {TABLE} and not stopped.is_set():
        pass
    source.keep([TABLE])
    following = source._open()
    reader, keeps = following.pump._registration.id, following._keeper is not None  # type: ignore[union-attr]
    _tell(epoch=source.epoch, reader=reader, keeps=keeps, at=time.monotonic())
    while not stopped.is_set():
        if changesets := source.read():
            # only the first value of a key: a table of marks is only inserted into
            _tell(keys=[int(change.key[0]) for each in changesets for change in each.changes if change.key])
        else:
            select.select([source.fileno()], [], [], 0.1)


def _end_with_parent(parent: int, stopped: threading.Event) -> None:
    while not stopped.wait(1.0):
        if os.getppid() != parent:
            stopped.set()


def main(url: str, wake: Wake) -> None:
    source, stopped = OutboxSource(listen_connect(create_engine(url)), wake), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    threading.Thread(target=_end_with_parent, args=(os.getppid(), stopped), daemon=True).start()
    while not stopped.is_set():
        try:
            _follow(source, stopped)
        except SourceLost as error:
            _tell(lost=str(error))
            # as a follower does; how long that waits is not what is tested
            time.sleep(0.02)
    source.close()


if __name__ == "__main__":
    main(sys.argv[1], cast("Wake", sys.argv[2]))
