"""The server's side of the wire, from Engine.IO up, played to the browser's own websockets."""

import json
import re
from collections.abc import Callable
from typing import Any
from zlib import crc32

from playwright.sync_api import Page, WebSocketRoute

Window = tuple[list[list[Any]], int | None]
_EVENT = re.compile(r"42/realtime,(\d*)(\[.*)", re.DOTALL)


class Wire:
    """Answers each subscription with the window that ``window_of`` gives for what was asked."""

    def __init__(self, page: Page, window_of: Callable[[dict[str, Any]], Window]) -> None:
        self.window_of = window_of
        self.asked: dict[int, dict[str, Any]] = {}
        self.held: dict[int, tuple[int, Window]] = {}
        self.log: list[tuple[str, dict[str, Any]]] = []
        self.refusal: dict[str, str] | None = None
        self._socket: WebSocketRoute | None = None
        page.route_web_socket(re.compile(r"/socket\.io/"), self._opened)

    def publish(self) -> None:
        """Send every subscription the diff to its window as it is now."""
        for id_, (version, before) in list(self.held.items()):
            after = self.window_of(self.asked[id_])
            if after != before:
                self.held[id_] = (version + 1, after)
                ops = _ops(before[0], after[0])
                self._send("diff", {**self._state(id_), "base": version, "ops": ops})

    def beat(self, *, live: bool) -> None:
        self._send("heartbeat", {"epoch": "e", "position": 1, "live": live})

    def close(self, id_: int, code: str) -> None:
        self._send("closed", {"key": f"k{id_}", "error": {"code": code, "message": "the test says so"}})

    def drop(self) -> None:
        """Break the connection, as a server that goes away does."""
        assert self._socket is not None
        self.asked, self.held = {}, {}
        self._socket.close(code=1012)

    def _opened(self, socket: WebSocketRoute) -> None:
        self._socket = socket
        socket.on_message(lambda message: self._heard(str(message)))
        socket.send(
            '0{"sid":"s","upgrades":[],"pingInterval":60000,"pingTimeout":60000,"maxPayload":1000000}'
        )

    def _heard(self, message: str) -> None:
        if message.startswith("40/realtime,"):
            self._raw('40/realtime,{"sid":"s2"}')
        elif found := _EVENT.match(message):
            ack, (event, data) = found[1], json.loads(found[2])
            self.log.append((event, data))
            self._raw(f"43/realtime,{ack}{json.dumps([self._answer(event, data)])}")
            if event in ("subscribe", "resync") and data["id"] in self.asked:
                self._snapshot(data["id"])

    def _answer(self, event: str, data: dict[str, Any]) -> dict[str, Any]:
        id_ = data["id"]
        if event == "subscribe" and self.refusal:
            return {"ok": False, "error": self.refusal}
        if event == "subscribe":
            self.asked[id_] = data
        if event == "unsubscribe":
            del self.asked[id_], self.held[id_]
        return {"ok": True, "key": f"k{id_}"}

    def _snapshot(self, id_: int) -> None:
        self.held[id_] = (1, self.window_of(self.asked[id_]))
        self._send("snapshot", {**self._state(id_), "id": id_, "rows": self.held[id_][1][0]})

    def _state(self, id_: int) -> dict[str, Any]:
        version, (rows, total) = self.held[id_]
        check = crc32("".join(f"{key}\n" for key, _ in rows).encode())
        return {"key": f"k{id_}", "version": version, "total": total, "check": check}

    def _send(self, event: str, data: dict[str, Any]) -> None:
        self._raw(f"42/realtime,{json.dumps([event, data])}")

    def _raw(self, message: str) -> None:
        assert self._socket is not None
        self._socket.send(message)


def _ops(before: list[list[Any]], after: list[list[Any]]) -> list[list[Any]]:
    """Plain and wasteful: take out what left, then put each position right from the left."""
    old, target = dict(before), dict(after)
    now = [key for key in old if key in target]
    ops: list[list[Any]] = [["remove", key] for key in old if key not in target]
    for position, (key, row) in enumerate(after):
        if key not in old:
            now.insert(position, key)
            ops.append(["insert", position, key, row])
            continue
        if now[position] != key:
            now.remove(key)
            now.insert(position, key)
            ops.append(["move", key, position])
        changed = {name: value for name, value in row.items() if old[key][name] != value}
        if changed:
            ops.append(["update", key, changed])
    return ops
