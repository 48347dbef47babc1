"""Who is connected to this worker, for those who look at all workers."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sa_notify.live.interned import interned

Present = Callable[[dict[str, Mapping[str, Any] | None]], None]


class Presence:
    """Tells of each client who it is, since when, and what it looks at.

    :param present: takes what is new, by connection; ``None`` for one that left.
    :param clock: seconds since 1970.
    """

    def __init__(self, present: Present, clock: Callable[[], float] = time.time) -> None:
        self._present, self._clock = present, clock
        self._clients: dict[str, dict[str, Any]] = {}

    def came(self, sid: str, user: str | None) -> None:
        """A client connected."""
        self._clients[sid] = {"user": user, "since": self._clock(), "queries": ()}
        self._present({sid: self._clients[sid]})

    @property
    def users(self) -> set[str | None]:
        """Everybody who is connected here."""
        return {client["user"] for client in self._clients.values()}

    def of(self, user: str | None) -> list[str]:
        """The connections of a user, or of everybody."""
        return [sid for sid, client in self._clients.items() if user is None or client["user"] == user]

    def belongs_to(self, sid: str, user: str | None) -> None:
        """Its session is that of another user now."""
        client = self._clients.get(sid)
        if client is not None and client["user"] != user:
            client["user"] = user
            self._present({sid: dict(client)})

    def looks_at(self, sid: str, queries: Iterable[str]) -> None:
        """Its subscriptions changed."""
        if (client := self._clients.get(sid)) is not None:
            client["queries"] = interned(tuple(sorted(queries)))
            self._present({sid: dict(client)})

    def left(self, sid: str) -> None:
        """It is gone."""
        if self._clients.pop(sid, None) is not None:
            self._present({sid: None})

    def again(self) -> None:
        """Whoever was told has forgotten."""
        self._present(dict(self._clients))
