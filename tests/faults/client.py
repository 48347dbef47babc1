"""A client that keeps coming back, as a browser does, and that watches what it is told."""

import contextlib
import json
import random
import re
import threading
import time
from collections.abc import Sequence
from typing import Any

import socketio.exceptions

from tests.faults.rig import SECRET
from tests.protocol import ProtocolClient, Window

#: As the browser library has it: without a heartbeat for so long nothing is proven.
SILENCE_SECONDS = 5.0
#: A link that hung may have been cut since; nothing tells of that.
ANSWER_SECONDS = 5.0
_OWNER = re.compile(r"owner-(\d+)")


class _Connection(ProtocolClient):
    """One connection; keeps no events, looks at each."""

    def __init__(self, url: str, owner: int | None) -> None:
        self.faults: list[str] = []
        self.beaten_at, self.told_live = time.monotonic(), True
        self._owner = owner
        self.epoch, self._position = "", 0
        self._socket: Any = None
        try:
            super().__init__(url, None if owner is None else f"user={owner}")
            self._socket = self._client.eio.ws
        except BaseException:
            self._socket = getattr(self._client.eio, "ws", None)
            self.release()
            raise

    def release(self) -> None:
        """Close the socket too: python-socketio leaves that of a lost connection open."""
        if self._socket is not None:
            self._socket.shutdown()

    @property
    def connected(self) -> bool:
        return bool(self._client.connected)

    def _handler(self, event: str) -> Any:
        def handle(data: dict[str, Any]) -> None:
            with self._lock:
                getattr(self, f"_{event}")(data)
                self._look(event, data)

        return handle

    def _look(self, event: str, data: dict[str, Any]) -> None:
        text = json.dumps(data)
        if SECRET in text:
            self.faults.append(f"{event} shows an excluded column")
        if "phantom" in text:
            self.faults.append(f"{event} shows what was rolled back")
        if self._owner is not None and (seen := set(_OWNER.findall(text)) - {str(self._owner)}):
            self.faults.append(f"{event} shows owner {self._owner} rows of {seen}")

    def _heartbeat(self, data: dict[str, Any]) -> None:
        if data["epoch"] == self.epoch and data["position"] < self._position:
            self.faults.append(f"position {data['position']} after {self._position}")
        self.epoch, self._position = data["epoch"], data["position"]
        self.beaten_at, self.told_live = time.monotonic(), data["live"]


class LiveClient:
    """Subscriptions that are made again whenever they are lost.

    :param pages: parameters of ``page``.
    :param owner: sees its own rows alone, by the query ``mine``, and no pages.
    :param more: names of other queries.
    """

    def __init__(
        self, url: str, pages: list[dict[str, Any]], owner: int | None, seed: int, more: Sequence[str] = ()
    ) -> None:
        self._url, self._owner, self._dice = url, owner, random.Random(seed)
        asked = [("page", params) for params in pages] if owner is None else [("mine", {})]
        others: list[tuple[str, dict[str, Any]]] = [(name, {}) for name in more]
        self.asked: list[tuple[str, dict[str, Any]]] = [("owners", {}), *asked, *others]
        self.windows: list[Window | None] = [None] * len(self.asked)
        self.faults: list[str] = []
        self.connections = 0
        self._connection: _Connection | None = None
        self._stopped = threading.Event()
        self._marked = 0
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    @property
    def live(self) -> bool:
        """Whether a person would be told that what is shown is up to date."""
        connection = self._connection
        return (
            connection is not None
            and connection.connected
            and all(
                window is not None and window.rows is not None and not window.closed
                for window in self.windows
            )
            and connection.told_live
            and time.monotonic() - connection.beaten_at <= SILENCE_SECONDS
        )

    @property
    def mark(self) -> int:
        """The newest mark that is shown."""
        window = self.windows[0]
        rows = window.rows if window is not None else None
        if not rows:
            return 0
        mark = int(rows[0][1]["name"])
        if mark < self._marked:
            self.faults.append(f"mark {mark} after {self._marked}")
        self._marked = max(mark, self._marked)
        return mark

    @property
    def epoch(self) -> str:
        """Of the feed that its worker follows, as far as it was told."""
        connection = self._connection
        return "" if connection is None else connection.epoch

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(40)

    def _run(self) -> None:
        while not self._stopped.is_set():
            with contextlib.suppress(
                socketio.exceptions.SocketIOError, socketio.exceptions.TimeoutError, OSError, AssertionError
            ):
                self._connect()
            self._leave()
            self._stopped.wait(self._dice.uniform(0.1, 1.0))

    def _connect(self) -> None:
        self._connection = connection = _Connection(self._url, self._owner)
        self.connections += 1
        number = 0
        while connection.connected and not self._stopped.is_set():
            for at, (query, params) in enumerate(self.asked):
                window = self.windows[at]
                if window is None or window.closed:
                    number += 1
                    self._subscribe(connection, at, number, query, params)
            self._stopped.wait(0.1)

    def _subscribe(
        self, connection: _Connection, at: int, number: int, query: str, params: dict[str, Any]
    ) -> None:
        window = connection.windows[number] = Window(id=number)
        answer = connection.call(
            "subscribe", {"id": number, "query": query, "params": params}, ANSWER_SECONDS
        )
        if answer["ok"]:
            connection.acknowledged(window, answer["key"])
            self.windows[at] = window
        else:
            del connection.windows[number]
            self._stopped.wait(answer["error"].get("retry_after", 0.3))

    def _leave(self) -> None:
        connection, self._connection = self._connection, None
        found = [window for window in self.windows if window is not None]
        self.windows = [None] * len(self.asked)
        self._collect(connection, found)
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.close()
            connection.release()

    def _collect(self, connection: _Connection | None, windows: list[Window]) -> None:
        self.faults += [fault for window in windows for fault in window.faults]
        if connection is not None:
            self.faults += connection.faults

    def all_faults(self) -> list[str]:
        """Everything that was noticed."""
        current = [fault for window in self.windows if window is not None for fault in window.faults]
        return self.faults + current + (self._connection.faults if self._connection else [])
