"""What a follower decides to do next, whatever happens to its source and its receiver."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from sa_notify.change import Change, ChangeSet
from sa_notify.dispatch.backoff import Backoff
from sa_notify.dispatch.feed import PING_SECONDS, SETUP_SECONDS, Call, Feed, Sleep, Steps, Wait
from sa_notify.errors import SetupError, SourceLost

CHANGESET = ChangeSet("1", 1, 7, (Change("public.t", "bulk"),))


class _Source:
    """A source whose every use does what the test says."""

    def __init__(self) -> None:
        self.opened = 0
        self.failure: Exception | None = None
        self.arrived: list[ChangeSet] = []
        #: What an answer to a ping does not bring yet.
        self.left: list[ChangeSet] = []

    @property
    def epoch(self) -> str:
        return str(self.opened)

    def _use(self) -> None:
        if self.failure:
            raise self.failure

    def open(self) -> None:
        self._use()
        self.opened += 1

    def fileno(self) -> int:
        return 7

    def read(self) -> list[ChangeSet]:
        self._use()
        arrived, self.arrived = self.arrived, []
        return arrived

    age = 0.25

    def ping(self) -> list[ChangeSet]:
        found = self.read()
        self.arrived, self.left = self.left, []
        return found

    def interrupt(self) -> None: ...

    def close(self) -> None: ...


class _Receiver:
    def __init__(self) -> None:
        self.heard: list[str] = []
        self.failing: set[str] = set()

    def _hear(self, what: str) -> None:
        self.heard.append(what)
        if what in self.failing:
            raise ValueError("a bug of the receiver")

    def begin_epoch(self, epoch: str) -> None:
        self._hear(f"epoch {epoch}")

    def receive(self, changesets: Sequence[ChangeSet]) -> None:
        self._hear(f"received {len(changesets)}")

    def proved(self, age: float) -> None:
        self._hear(f"proved {age:g}")

    def lost(self) -> None:
        self._hear("lost")


class _World:
    """Carries out the steps of a feed at once.

    :ivar readable: waits end with this; with silence they have taken their time.
    """

    def __init__(self) -> None:
        self.source, self.receiver = _Source(), _Receiver()
        self.slept: list[float] = []
        self.now = 100.0
        self.readable = False
        steps = Feed(self.source, self.receiver, Backoff(lambda: 0.0), lambda: self.now).steps()
        self._steps: Steps = steps
        self._step: Any = next(steps)

    def until(self, reached: Callable[[Any], bool]) -> None:
        """Go on until the next step is the one looked for."""
        for _ in range(100):
            if reached(self._step):
                return
            self.go()
        raise AssertionError(f"never reached, stands at {self._step}")

    def go(self) -> None:
        try:
            outcome = self._perform(self._step)
        except Exception as error:
            self._step = self._steps.throw(error)
        else:
            self._step = self._steps.send(outcome)

    def _perform(self, step: Any) -> Any:
        match step:
            case Call(function):
                return function()
            case Sleep(seconds):
                self.slept.append(seconds)
            case Wait(_, seconds):
                self.now += 0.0 if self.readable else seconds
                return self.readable
        return False


def _waits(step: Any) -> bool:
    return isinstance(step, Wait)


def _pauses(step: Any) -> bool:
    return isinstance(step, Sleep) and step.seconds > 0


@pytest.fixture
def world() -> _World:
    return _World()


def test_begins_an_epoch_then_reads_then_waits(world: _World) -> None:
    """The receiver hears of the epoch before its changes; nothing is waited for while changes are there."""
    world.source.arrived = [CHANGESET]
    world.until(_waits)

    assert world.receiver.heard == ["epoch 1", "received 1"]


def test_silence_is_probed(world: _World) -> None:
    """After a silence the source is pinged; what came with the answer is delivered, then it is a proof."""
    world.until(_waits)
    world.go()
    world.source.arrived = [CHANGESET]
    world.until(_waits)

    assert world.receiver.heard == ["epoch 1", "received 1", "proved 0.25"]


def test_traffic_does_not_keep_it_from_being_probed(world: _World) -> None:
    """Changes that arrive prove nothing of those that do not."""
    world.readable = True
    for _ in range(3):
        world.until(_waits)
        world.source.arrived = [CHANGESET]
        world.now += PING_SECONDS * 0.4
        world.go()
    world.until(_waits)

    assert world.receiver.heard[1:] == ["received 1", "received 1", "received 1", "proved 0.25"]


def test_a_proof_waits_for_what_the_answer_left(world: _World) -> None:
    """An answer may bring more than one read takes."""
    world.until(_waits)
    world.go()
    world.until(lambda step: isinstance(step, Call) and step.function == world.source.ping)
    world.go()
    assert "proved 0.25" in world.receiver.heard
    world.until(_waits)
    world.go()
    world.until(lambda step: isinstance(step, Call) and step.function == world.source.ping)
    world.source.left = [CHANGESET]
    world.go()

    assert world.receiver.heard[-1] == "received 1"
    world.until(_waits)
    assert world.receiver.heard[-2:] == ["received 1", "proved 0.25"]


@pytest.mark.parametrize("failure", [SourceLost("gone"), OSError("bad descriptor"), RuntimeError("a bug")])
def test_any_failure_is_a_loss_and_a_new_epoch(world: _World, failure: Exception) -> None:
    """Whatever the source raises, the receiver hears of the loss before any pause, then of a new epoch."""
    world.until(_waits)
    world.source.failure = failure
    world.until(_pauses)
    assert world.receiver.heard == ["epoch 1", "lost"]
    world.source.failure = None
    world.until(_waits)

    assert world.receiver.heard == ["epoch 1", "lost", "epoch 2"]


@pytest.mark.parametrize("failing", ["epoch 1", "received 1", "lost"])
def test_a_failing_receiver_gets_a_new_epoch(world: _World, failing: str) -> None:
    """A receiver that raised missed something: a new epoch begins, and the feed goes on."""
    world.receiver.failing = {failing}
    world.source.arrived = [CHANGESET]
    if failing == "lost":
        world.until(_waits)
        world.source.failure = SourceLost("gone")
    world.until(_pauses)
    world.source.failure, world.receiver.failing = None, set()
    world.until(_waits)

    heard = world.receiver.heard
    assert [what for what in heard if what != "received 1"] == ["epoch 1", "lost", "epoch 2"]


def test_a_source_that_never_opens_tells_of_no_loss(world: _World) -> None:
    """The receiver is not told of losing what it never had, and pauses grow to the cap."""
    world.source.failure = SourceLost("refused")
    for _ in range(8):
        world.until(_pauses)
        world.go()

    assert world.receiver.heard == []
    assert world.slept == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_a_source_that_breaks_at_once_is_not_hammered(world: _World) -> None:
    """A connection that breaks before it brought anything counts as a failed attempt."""
    for _ in range(3):
        world.until(_waits)
        world.source.failure = SourceLost("gone")
        world.until(_pauses)
        world.go()
        world.source.failure = None

    assert world.slept == [0.1, 0.2, 0.4]


def test_an_answer_counts_as_success(world: _World) -> None:
    """After a ping was answered, the next loss is met with the shortest pause again."""
    for _ in range(3):
        world.until(_waits)
        world.go()
        world.until(_waits)
        world.source.failure = SourceLost("gone")
        world.until(_pauses)
        world.go()
        world.source.failure = None

    assert world.slept == [0.1, 0.1, 0.1]


def test_a_setup_error_is_said_once(world: _World, caplog: pytest.LogCaptureFixture) -> None:
    """What only a person can mend is one clear error in the log, and is tried again slowly."""
    world.source.failure = SetupError("do this instead")
    for _ in range(5):
        world.until(_pauses)
        world.go()

    assert world.slept == [SETUP_SECONDS] * 5
    assert [str(r.args[0]) for r in caplog.records if r.args] == ["do this instead"]
    assert {logging.ERROR} == {record.levelno for record in caplog.records}


def test_an_outage_is_said_once(world: _World, caplog: pytest.LogCaptureFixture) -> None:
    """A long outage is one warning, and its end is logged."""
    caplog.set_level(logging.INFO)
    world.source.failure = SourceLost("refused")
    for _ in range(5):
        world.until(_pauses)
        world.go()
    world.source.failure = None
    world.until(_waits)
    world.go()
    world.until(_waits)

    assert [record.levelno for record in caplog.records] == [logging.WARNING, logging.INFO]


def test_an_unexpected_failure_leaves_a_traceback(world: _World, caplog: pytest.LogCaptureFixture) -> None:
    """A bug in a source is logged with its traceback every time."""
    world.source.failure = RuntimeError("a bug")
    for _ in range(2):
        world.until(_pauses)
        world.go()

    assert [RuntimeError, RuntimeError] == [
        record.exc_info[0] for record in caplog.records if record.exc_info
    ]
