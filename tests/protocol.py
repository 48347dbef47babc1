"""A client of wire protocol version 1 that shares no code with the package."""

import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import engineio
import socketio

DEADLINE = 30.0


def wait_for(condition: Callable[[], Any], what: str, seconds: float = DEADLINE) -> None:
    """Wait until a condition holds, or fail saying what did not come about."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come about in {seconds} s"
        time.sleep(0.01)


@dataclass
class Window:
    """One subscription as the client holds it, with every fault that it noticed."""

    id: int
    key: str | None = None
    version: int = 0
    rows: list[tuple[str, dict[str, Any]]] | None = None
    total: int | None = None
    closed: dict[str, str] | None = None
    faults: list[str] = field(default_factory=list)
    diffs: int = 0

    def snapshot(self, data: dict[str, Any]) -> None:
        self.key, self.version, self.total = data["key"], data["version"], data["total"]
        self.rows = [(key, dict(values)) for key, values in data["rows"]]
        self._check(data)

    def diff(self, data: dict[str, Any]) -> None:
        if self.rows is None or data["base"] != self.version or data["version"] != data["base"] + 1:
            self.faults.append(f"diff {data['base']}->{data['version']} met version {self.version}")
            return
        for op in data["ops"]:
            self._apply(*op)
        self.version, self.total, self.diffs = data["version"], data["total"], self.diffs + 1
        self._check(data)

    def _apply(self, op: str, *arguments: Any) -> None:
        assert self.rows is not None
        if op == "insert":
            position, rowkey, values = arguments
            self.rows.insert(position, (rowkey, values))
            return
        at = [rowkey for rowkey, _ in self.rows].index(arguments[0])
        if op == "remove":
            del self.rows[at]
        elif op == "move":
            row = self.rows.pop(at)
            self.rows.insert(arguments[1], row)
        else:
            self.rows[at][1].update(arguments[1])

    def _check(self, data: dict[str, Any]) -> None:
        assert self.rows is not None
        text = "".join(f"{rowkey}\n" for rowkey, _ in self.rows)
        if zlib.crc32(text.encode()) != data["check"]:
            self.faults.append(f"check differs at version {data['version']}")


class _InOrder(engineio.Client):
    """Handles a packet before it reads the next; otherwise each gets a thread, and those overtake."""

    def _trigger_event(self, event: str, *args: Any, run_async: bool = False, **options: Any) -> Any:
        return super()._trigger_event(event, *args, **options)


class _Client(socketio.Client):
    def _engineio_client_class(self) -> type[engineio.Client]:
        return _InOrder


class ProtocolClient:
    """A python-socketio client with its windows; events are handled one after the other."""

    def __init__(self, url: str, cookie: str | None = None, transport: str = "websocket") -> None:
        self.windows: dict[int, Window] = {}
        self.heartbeats: list[dict[str, Any]] = []
        self.events: list[tuple[str, dict[str, Any]]] = []
        self._lock = threading.Lock()
        #: What was closed before its acknowledgement was taken in.
        self._unclaimed: dict[str, dict[str, str]] = {}
        self._client = _Client(reconnection=False, handle_sigint=False)
        for event in ("snapshot", "diff", "closed", "heartbeat"):
            self._client.on(event, self._handler(event), namespace="/realtime")
        headers = {"Cookie": cookie} if cookie else {}
        self._client.connect(
            url, headers=headers, transports=[transport], namespaces=["/realtime"], wait_timeout=10
        )

    def _handler(self, event: str) -> Callable[[dict[str, Any]], None]:
        def handle(data: dict[str, Any]) -> None:
            with self._lock:
                self.events.append((event, data))
                getattr(self, f"_{event}")(data)

        return handle

    def _snapshot(self, data: dict[str, Any]) -> None:
        window = self.windows.get(data["id"])
        if window:
            window.snapshot(data)

    def _diff(self, data: dict[str, Any]) -> None:
        found = [window for window in self.windows.values() if window.key == data["key"]]
        for window in found:
            window.diff(data)

    def _closed(self, data: dict[str, Any]) -> None:
        found = [window for window in self.windows.values() if window.key == data["key"]]
        for window in found:
            window.closed = data["error"]
        if not found:
            self._unclaimed[data["key"]] = data["error"]

    def _heartbeat(self, data: dict[str, Any]) -> None:
        self.heartbeats.append(data)

    def call(self, event: str, data: Any, seconds: float = DEADLINE) -> Any:
        """Emit an event and wait for its acknowledgement."""
        return self._client.call(event, data, namespace="/realtime", timeout=seconds)

    def subscribe(self, query: str | None = None, *, token: str | None = None, **params: Any) -> Window:
        """Subscribe, expecting to be accepted."""
        window = Window(id=len(self.windows) + 1)
        self.windows[window.id] = window
        asked = {"query": query, "params": params} if token is None else {"token": token}
        answer = self.call("subscribe", {"id": window.id, **asked})
        assert answer["ok"], answer
        self.acknowledged(window, answer["key"])
        return window

    def acknowledged(self, window: Window, key: str) -> None:
        """Take an acknowledgement in; this thread may be later than the one that handles events."""
        with self._lock:
            if window.key is None:
                window.key, window.closed = key, self._unclaimed.pop(key, None)

    def error(self, data: Any) -> str:
        """Subscribe, expecting to be refused; the code."""
        answer = self.call("subscribe", data)
        assert answer["ok"] is False, answer
        assert answer["error"]["message"]
        return str(answer["error"]["code"])

    def close(self) -> None:
        self._client.disconnect()


def arrived(window: Window) -> bool:
    """Whether the first snapshot has come."""
    return window.rows is not None
