"""What stands for Flask-SocketIO below the emitter: rooms, and clients who hold windows made of frames."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from queue import Empty
from typing import Any

from socketio.packet import EVENT, Packet

from sa_notify.web.backlog import MOST_PACKETS
from tests.protocol import Window


def _data(packet: str) -> Any:
    """What an event carries.

    :raises ValueError: it is no JSON: NaN, say.
    """
    return json.loads(packet[1:], parse_constant=_refuse)[1]


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


class _Full:
    """Engine.IO's end of a connection, with more in its queue than anybody may leave there."""

    def __init__(self, sid: str, cut: set[str]) -> None:
        self.sid, self.queue = sid, self
        self._cut = cut
        self._packets = [None] * (MOST_PACKETS + 1)

    def __iter__(self) -> Iterator[None]:
        return iter(self._packets)

    def get_nowait(self) -> None:
        self._cut.add(self.sid)
        raise Empty


class Wire:
    """Takes what the emitter emits, as JSON, to the windows of those whom it is for."""

    async_mode = "threading"

    def __init__(self) -> None:
        #: The part of a socket server that the emitter and its backlog use.
        self.server = self.manager = self.eio = self
        self.packet_class: Any = Packet
        self.environ: dict[str, Any] = {}
        self.sockets: dict[str, Any] = {}
        self.windows: dict[str, dict[int, Window]] = defaultdict(dict)
        self.live: dict[str, bool] = {}
        #: Diffs by the key of their query.
        self.diffs = Counter[str]()
        #: Clients whose connection was ended because they read nothing for too long.
        self.cut: set[str] = set()
        #: What waits for clients that don't read.
        self._held: dict[str, list[tuple[str, str]]] = {}
        self._rooms: dict[str, set[str]] = defaultdict(set)

    def emit(self, event: str, data: Any, *, to: str, **_: Any) -> None:
        """To a client, or to all clients in a room."""
        # the text is what a browser gets
        text = self.packet_class(EVENT, data=[event, data]).encode()
        if event == "diff":
            self.diffs[_data(text)["key"]] += 1
        for sid in sorted(self._rooms[to]) if to in self._rooms else [to]:
            if sid in self._held:
                self._held[sid].append((event, text))
            else:
                self._take(sid, event, text)

    def enter_room(self, sid: str, room: str, *, namespace: str) -> None:
        self._rooms[room].add(sid)

    def leave_room(self, sid: str, room: str, *, namespace: str) -> None:
        self._rooms[room].discard(sid)

    def eio_sid_from_sid(self, sid: str, namespace: str) -> str:
        return sid

    def drop(self, sid: str) -> None:
        """The client is gone, and with it its places in rooms."""
        self._held.pop(sid, None)
        self.sockets.pop(sid, None)
        self.cut.discard(sid)
        self.windows.pop(sid, None)
        self.live.pop(sid, None)
        for members in self._rooms.values():
            members.discard(sid)

    # -- clients that don't read

    def stop_reading(self, sid: str) -> None:
        """So much waits for the client from now on that it is sent no diffs any more."""
        self._held.setdefault(sid, [])
        self.sockets[sid] = _Full(sid, self.cut)

    def read(self, sid: str) -> None:
        """The client reads all that waits."""
        self.sockets.pop(sid, None)
        for event, text in self._held.pop(sid, ()):
            self._take(sid, event, text)

    def lags(self, sid: str) -> bool:
        """Whether it reads nothing."""
        return sid in self._held

    # -- the client's side

    def _take(self, sid: str, event: str, text: str) -> None:
        data = _data(text)
        if event == "heartbeat":
            self.live[sid] = data["live"]
            return
        for window in list(self.windows.get(sid, {}).values()):
            if window.id == data["id"] if event == "snapshot" else window.key == data["key"]:
                # anew for each, who change what they hold
                getattr(self, f"_{event}")(window, _data(text))

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
