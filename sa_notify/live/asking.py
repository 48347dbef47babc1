"""Queries that wait for their tables to be captured before they are read."""

from collections.abc import Iterable, Sequence
from itertools import chain

from sa_notify.live.actions import Take
from sa_notify.live.standing import Standing
from sa_notify.live.state import LiveQuery


class Asking:
    """What is captured, and whose reading waits for it."""

    def __init__(self) -> None:
        self.standing = Standing()
        self._waiting: dict[str, LiveQuery] = {}

    def begin(self, *, gated: bool) -> None:
        """An epoch begins, in which nothing stands.

        :param gated: tables must be asked for.
        """
        self._give_up()
        self.standing.begin(gated)

    def restart(self) -> None:
        """Nothing stands any more, but the feed goes on."""
        self._give_up()
        self.standing.restart()

    def _give_up(self) -> None:
        for live in self._waiting.values():
            live.reading, live.dirty = False, True
        self._waiting.clear()

    def holds(self, live: LiveQuery) -> bool:
        """Whether a query must wait before it is read; its tables are asked for then."""
        unasked = self._unasked(live)
        if unasked:
            self.standing.want(unasked)
            self._waiting[live.key] = live
        return bool(unasked)

    def answer(self, take: Take, stand: Iterable[str]) -> list[LiveQuery] | None:
        """Take an answer in: the queries that need not wait any more; ``None`` when nobody asked."""
        if not self.standing.answer(take, stand):
            return None
        ready = [live for live in self._waiting.values() if not self._unasked(live)]
        for live in ready:
            del self._waiting[live.key]
        return ready

    def questions(self) -> list[Take]:
        """What to ask now."""
        return self.standing.questions()

    def keep(self, queries: Sequence[LiveQuery]) -> frozenset[str]:
        """Every table that is wanted; others are taken for dropped from now on."""
        read = frozenset(chain.from_iterable(live.tables for live in queries if live.tables))
        wanted = self.standing.keep(read)
        for live in queries:
            live.stood &= wanted
        return wanted

    def forget(self, live: LiveQuery) -> None:
        """Nobody looks at it any more."""
        self._waiting.pop(live.key, None)

    def _unasked(self, live: LiveQuery) -> frozenset[str]:
        return self.standing.unasked(live.tables or frozenset())
