"""Dispatchers of a test's own: processes as they are run, or one in a thread where speed counts."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from sa_notify.cli.look import announced
from sa_notify.cli.place import Place
from sa_notify.redis.keys import Keys
from sa_notify.service.service import Service
from sa_notify.sink.discovery import Named
from sa_notify.source.connect import listen_connect

_ROOT = Path(__file__).parents[2]
_MAIN = "from sa_notify.cli.main import main; main(prog_name='sa-notify')"


class InThread:
    """A service on an event loop in a thread of this process."""

    def __init__(self, engine: Engine, redis_url: str, keys: Keys, sinks: Sequence[Named] = ()) -> None:
        everything = Place(engine, None)
        self._service = Service(listen_connect(engine), redis_url, keys, sinks, lambda: announced(everything))
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[Any] | None = None
        self._begun = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        self._begun.wait()

    @property
    def service(self) -> Service:
        return self._service

    def stop(self) -> None:
        if self._thread.is_alive():
            assert self._task is not None
            self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(20)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        async def main() -> None:
            self._task = asyncio.ensure_future(self._service.run())
            self._begun.set()
            await asyncio.wait([self._task])

        try:
            self._loop.run_until_complete(main())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
        finally:
            self._loop.close()


class Process:
    """``sa-notify dispatch`` as a user starts it.

    :param log: where its output goes.
    :param env: set beside what it needs.
    """

    def __init__(
        self,
        database_url: str,
        redis_url: str,
        prefix: str,
        log: Path,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._log = log
        with log.open("wb") as output:
            self._child = subprocess.Popen(
                [sys.executable, "-c", _MAIN, "dispatch", "--prefix", prefix],
                cwd=_ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={
                    **os.environ, "PYTHONPATH": str(_ROOT), "SA_NOTIFY_REDIS_URL": redis_url,
                    "SA_NOTIFY_DATABASE_URL": database_url, **(env or {}),
                },
            )  # fmt: skip

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8")

    def send(self, number: signal.Signals) -> None:
        self._child.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send it that, and wait; its exit status."""
        if self._child.poll() is None:
            self.send(signal.SIGCONT)
            self.send(number)
        return self._child.wait(20)
