"""What a stage has instead of sockets: frames are encoded, noted and dropped."""

import json
import sys
import time
from typing import Any

from socketio.packet import EVENT

from sa_notify.live.actions import SendSnapshot
from sa_notify.web.emitter import NAMESPACE, Emitter

#: Windows whose rows are kept to see how large they are.
_SAMPLE = 50


class Frames:
    """Stands in for a Socket.IO server's ``emit`` and rooms; packets are the server's own."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self.snapshots = 0
        self._sample: list[list[Any]] | None = []
        self.begin()
        server.emit = self._emit
        self._watch()
        server.enter_room = server.leave_room = lambda *_, **__: None

    def begin(self) -> None:
        """Count diffs from now on."""
        self.diffs = 0
        #: When each window sent its first diff, by room.
        self.updated: dict[str, float] = {}

    def sizes(self) -> tuple[float, float]:
        """Bytes of the rows of a window, as Python objects (shared ones once) and as JSON: a mean.

        To be called once, for the rows of the first windows are kept until then.
        """
        sample, self._sample = self._sample or [], None
        encoded = sum(len(_encoded(rows)) for rows in sample)
        counted: set[int] = set()
        objects = sum(_size(values, counted) + _size(key, counted) for rows in sample for key, values in rows)
        return objects / len(sample), encoded / len(sample)

    def _emit(self, event: str, data: Any, *, to: str, **_: Any) -> None:
        self._server.packet_class(EVENT, namespace=NAMESPACE, data=[event, data]).encode()
        if event == "snapshot":
            self.snapshots += 1
        elif event == "diff":
            self.diffs += 1
            self.updated.setdefault(to, time.monotonic())

    def _watch(self) -> None:
        """Keep the rows of the first windows."""
        original = Emitter.snapshot

        def snapshot(emitter: Emitter, action: SendSnapshot) -> None:
            if self._sample is not None and len(self._sample) < _SAMPLE:
                self._sample.append([list(row) for row in action.window.rows])
            original(emitter, action)

        Emitter.snapshot = snapshot  # type: ignore[method-assign]


def _encoded(data: Any) -> str:
    return json.dumps(data, separators=(",", ":"))


def _size(item: Any, counted: set[int]) -> int:
    """Of a JSON value and what it holds, without what was counted before."""
    if id(item) in counted:
        return 0
    counted.add(id(item))
    inner = [*item, *item.values()] if isinstance(item, dict) else item
    nested = inner if isinstance(inner, (list, tuple)) else []
    return sys.getsizeof(item) + sum(_size(each, counted) for each in nested)
