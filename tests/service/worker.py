"""A worker as the test sees it."""

import select
import time
from collections.abc import Callable

from sa_notify.change import ChangeSet
from sa_notify.errors import SourceLost
from sa_notify.source.service.source import ServiceSource
from tests.protocol import DEADLINE


class Worker:
    """Follows until something is lost.

    :ivar heard: ids by table, in the current epoch.
    :ivar losses: what it was told when epochs ended.
    """

    def __init__(self, source: ServiceSource, wanted: tuple[str, ...]) -> None:
        self.source = source
        self.wanted = frozenset(f"public.{name}" for name in wanted)
        self.heard: dict[str, list[str]] = {}
        self.losses: list[str] = []
        self.changesets: list[ChangeSet] = []

    def open(self) -> None:
        """Begin an epoch in which everything wanted stands."""
        deadline = time.monotonic() + DEADLINE
        while not self._opened():
            assert time.monotonic() < deadline, self.losses[-1:]
            time.sleep(0.02)
        self.heard = {}

    def _opened(self) -> bool:
        try:
            self.source.open()
            self.source.keep(self.wanted)
            return self.source.take(self.wanted) == self.wanted
        except SourceLost as error:
            self.losses.append(str(error))
            return False

    def turn(self, seconds: float = 0.1) -> None:
        """Take in what is there.

        :raises SourceLost: when something was lost.
        """
        if not (changesets := self.source.read()):
            waiting = select.poll()
            waiting.register(self.source.fileno(), select.POLLIN)
            waiting.poll(seconds * 1000)
            return
        self.changesets += changesets
        for change in (change for changeset in changesets for change in changeset.changes):
            self.heard.setdefault(change.table, []).append("/".join(change.key or (change.op,)))

    def until(self, enough: Callable[[], object], seconds: float = DEADLINE) -> None:
        """Read until there is enough."""
        deadline = time.monotonic() + seconds
        while not enough():
            assert time.monotonic() < deadline, f"only this arrived: {self.heard}"
            self.turn()

    def hears(self, table: str, *ids: int) -> None:
        """Wait for these rows of a table, the last of all."""
        self.until(lambda: str(ids[-1]) in self.heard.get(f"public.{table}", []))
        assert self.heard[f"public.{table}"][-len(ids) :] == [str(id_) for id_ in ids]

    def is_lost(self) -> str:
        """Wait until the epoch ends; what is said."""
        deadline = time.monotonic() + DEADLINE
        try:
            while time.monotonic() < deadline:
                self.turn()
        except SourceLost as error:
            return str(error)
        raise AssertionError(f"nothing was lost within {DEADLINE} s")
