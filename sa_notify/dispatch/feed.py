"""What to do next with a source: the decisions of a follower, without its waiting.

:meth:`Feed.steps` yields what must be waited for and takes the outcome back, so that threads, gevent
and asyncio follow a source by the same rules.
"""

import logging
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

from sa_notify.change import ChangeSet
from sa_notify.dispatch.backoff import Backoff
from sa_notify.dispatch.receiver import Receiver
from sa_notify.errors import SetupError, SourceLost
from sa_notify.source.base import Source

logger = logging.getLogger(__name__)

#: How often a feed is asked whether it still stands: only an answer proves that nothing was missed.
PING_SECONDS = 0.5
#: What answers no ping for so long is dead. Receivers, who hear of every answer, doubt it sooner.
ANSWER_SECONDS = 5.0
OPEN_SECONDS = 30.0
#: What only a person can mend is tried again this often.
SETUP_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Call:
    """Run blocking code beside the event loop; after ``seconds`` interrupt the source, and go on waiting."""

    function: Callable[[], Any]
    seconds: float


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait until the descriptor is readable: ``True``, or ``False`` after ``seconds``."""

    fileno: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Sleep:
    seconds: float


Step = Call | Wait | Sleep
Steps = Generator[Step, Any, None]


class ReceiverFailed(Exception):
    """The receiver raised; it is logged already."""


class Feed:
    """Keeps a source open and its receiver told, for ever.

    :param clock: gives seconds.
    :param ping_seconds: how often the source is asked for a proof.
    """

    def __init__(
        self,
        source: Source,
        receiver: Receiver,
        backoff: Backoff,
        clock: Callable[[], float],
        ping_seconds: float = PING_SECONDS,
    ) -> None:
        self._source = source
        self._receiver = receiver
        self._backoff = backoff
        self._clock, self._ping_seconds = clock, ping_seconds
        self._following = False
        self._complaint = ""

    def steps(self) -> Steps:
        """What to wait for; the outcome is sent or thrown in. It never ends by itself."""
        while True:
            try:
                yield from self._follow()
            except Exception as error:  # noqa: BLE001  (it is logged, and the feed goes on)
                pause = self._explain(error)
            self.give_up()
            yield from self._close()
            yield Sleep(pause)

    def give_up(self) -> None:
        """Tell the receiver that nothing is heard any more, if it believes so."""
        if self._following:
            self._following = False
            try:
                self._receiver.lost()
            except Exception:
                logger.exception("the receiver of changes failed when told of a loss")

    # -- inside

    def _follow(self) -> Steps:
        yield Call(self._source.open, OPEN_SECONDS)
        self._following = True
        self._tell(self._receiver.begin_epoch, self._source.epoch)
        asked = self._clock()
        while True:
            yield from self._drain()
            silence = asked + self._ping_seconds - self._clock()
            if silence > 0 and (yield Wait(self._source.fileno(), silence)):
                continue
            asked = self._clock()
            yield from self._prove(asked)

    def _prove(self, asked: float) -> Steps:
        """Whatever was committed before ``asked`` is delivered when this ends."""
        self._deliver((yield Call(self._source.ping, ANSWER_SECONDS)))
        self._worked()
        age = self._source.age
        yield from self._drain()
        self._tell(self._receiver.proved, self._clock() - asked + age)

    def _drain(self) -> Steps:
        while changesets := self._source.read():
            self._deliver(changesets)
            self._worked()
            # others get their turn during a long backlog
            yield Sleep(0)

    def _deliver(self, changesets: Sequence[ChangeSet]) -> None:
        if changesets:
            self._tell(self._receiver.receive, changesets)

    def _tell(self, function: Callable[[Any], None], argument: Any) -> None:
        try:
            function(argument)
        except Exception as error:
            logger.exception("the receiver of changes failed: a new epoch begins")
            raise ReceiverFailed from error

    def _worked(self) -> None:
        # a connection that stands but brings nothing before it breaks is no success: it must not be
        # tried again at full speed
        self._backoff.reset()
        if self._complaint:
            self._complaint = ""
            logger.info("changes are followed again", extra={"epoch": self._source.epoch})

    def _close(self) -> Steps:
        try:
            yield Call(self._source.close, ANSWER_SECONDS)
        except Exception:
            logger.exception("a source of changes can't be closed")

    def _explain(self, error: Exception) -> float:
        """Log what went wrong, once while it lasts; the seconds to wait."""
        if isinstance(error, SetupError):
            self._complain(logging.ERROR, "live queries can't follow changes: %s", error)
            return SETUP_SECONDS
        if isinstance(error, (SourceLost, OSError)):
            self._complain(logging.WARNING, "the feed of changes broke, reconnecting: %s", error)
        elif not isinstance(error, ReceiverFailed):
            logger.error("the feed of changes failed unexpectedly, reconnecting", exc_info=error)
        return self._backoff.delay()

    def _complain(self, level: int, message: str, error: Exception) -> None:
        complaint = f"{type(error).__name__}: {error}"
        if complaint != self._complaint:
            self._complaint = complaint
            logger.log(level, message, error)
