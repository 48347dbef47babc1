"""What stands for Flask-SocketIO below the emitter: rooms, and clients who hold windows made of frames."""

import json
from collections import Counter, defaultdict
from typing import Any

from tests.protocol import Window


class Wire:
    """Takes what the emitter emits, as JSON, to the windows of those whom it is for."""

    async_mode = "threading"

    def __init__(self) -> None:
        #: The part of a socket server that the emitter and its backlog use.
        self.server = self.manager = self.eio = self
        self.environ: dict[str, Any] = {}
        self.sockets: dict[str, Any] = {}
        self.windows: dict[str, dict[int, Window]] = defaultdict(dict)
        self.live: dict[str, bool] = {}
        #: Diffs by the key of their query.
        self.diffs = Counter[str]()
        self._rooms: dict[str, set[str]] = defaultdict(set)

    def emit(self, event: str, data: dict[str, Any], *, to: str, **_: Any) -> None:
        """To a client, or to all clients in a room."""
        # the text is what a browser gets; NaN would be no JSON
        text = json.dumps(data, allow_nan=False)
        if event == "diff":
            self.diffs[data["key"]] += 1
        for sid in sorted(self._rooms[to]) if to in self._rooms else [to]:
            self._take(sid, event, text)

    def enter_room(self, sid: str, room: str, *, namespace: str) -> None:
        self._rooms[room].add(sid)

    def leave_room(self, sid: str, room: str, *, namespace: str) -> None:
        self._rooms[room].discard(sid)

    def eio_sid_from_sid(self, sid: str, namespace: str) -> str:
        return sid

    def drop(self, sid: str) -> None:
        """The client is gone, and with it its places in rooms."""
        self.windows.pop(sid, None)
        self.live.pop(sid, None)
        for members in self._rooms.values():
            members.discard(sid)

    # -- the client's side

    def _take(self, sid: str, event: str, text: str) -> None:
        data = json.loads(text)
        if event == "heartbeat":
            self.live[sid] = data["live"]
            return
        for window in list(self.windows.get(sid, {}).values()):
            if window.id == data["id"] if event == "snapshot" else window.key == data["key"]:
                # anew for each, who change what they hold
                getattr(self, f"_{event}")(window, json.loads(text))

    @staticmethod
    def _snapshot(window: Window, data: dict[str, Any]) -> None:
        window.snapshot(data)

    @staticmethod
    def _diff(window: Window, data: dict[str, Any]) -> None:
        if window.rows is not None:
            window.diff(data)

    @staticmethod
    def _closed(window: Window, data: dict[str, Any]) -> None:
        window.closed = data["error"]
