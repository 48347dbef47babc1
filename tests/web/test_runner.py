"""What a runner does when what it asks is not answered."""

from collections.abc import Collection
from typing import Any

from sa_notify.errors import SourceLost
from sa_notify.live.actions import Subscriber
from sa_notify.live.query import Query, Reading
from sa_notify.live.snapshot import Snapshot
from sa_notify.web.emitter import Emitter
from sa_notify.web.runner import Runner
from tests.oracle.runtime import StageRuntime
from tests.oracle.wire import Wire

TABLE = "public.a"


class Interest:
    """A source that can't be asked at first."""

    def __init__(self) -> None:
        self.asked = 0

    def take(self, tables: Collection[str]) -> frozenset[str]:
        self.asked += 1
        if self.asked < 3:
            raise SourceLost("it is away")
        return frozenset(tables)

    def keep(self, tables: Collection[str]) -> None:
        """Nothing is dropped."""


def test_a_question_that_nobody_answers_is_asked_again() -> None:
    """The next epoch may never come: what reads the table must not wait for ever."""
    runtime, interest = StageRuntime(), Interest()
    wire: Any = Wire()
    nothing: Any = lambda: None  # noqa: E731  (no engine is needed)
    runner = Runner(runtime, Emitter(wire), nothing, lambda: interest, nothing, 2.0)
    reading = Reading((), None, Snapshot(1, 1, frozenset()), frozenset({TABLE}))
    runner.begin_epoch("e")
    runner.subscribe(Subscriber("x", 1), Query("q", "q", lambda: reading))
    until = runtime.now + 10.0
    while interest.asked < 3 and (runtime.run_one() or runtime.advance(until)):
        pass
    while runtime.run_one():
        pass
    (live,) = runner._hub.subscriptions.all()
    assert interest.asked == 3
    assert live.tables == {TABLE} and not live.unwatched
