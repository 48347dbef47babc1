"""What a sink is, for whoever writes one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sa_notify.change import ChangeSet

#: Entry points of this group are sinks: a name, and a :data:`Factory`.
GROUP = "sa_notify.sinks"


class Sink(Protocol):
    """Takes the changes that a dispatcher follows, in order of commit.

    One thread calls it, which is the sink's own: it may block. What waits for it is bounded; when it is too
    slow, or raises, an epoch begins and what came in between is not seen.
    """

    @property
    def tables(self) -> frozenset[str] | None:
        """Which it wants, named as :attr:`sa_notify.change.Change.table`; ``None`` for all announced."""
        ...

    def begin_epoch(self, epoch: str) -> None:
        """Changes are heard from now on, and some may have been missed."""
        ...

    def receive(self, changesets: Sequence[ChangeSet]) -> None:
        """What was committed, of the tables wanted; never empty, always of the epoch begun last."""
        ...

    def close(self) -> None:
        """No more will come: it failed, or this dispatcher leads no longer. Another is made in its place."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """What a sink is given when it is made.

    :param options: of ``--sink NAME:option=value&...``.
    :param term: number of this dispatcher's leadership; of two dispatchers the higher one is right. 0 without
        Redis.
    :param connect_redis: makes a client of the dispatcher's Redis; ``None`` without one.
    :param prefix: what names in Redis begin with.
    """

    options: Mapping[str, str] = field(default_factory=dict)
    term: int = 0
    connect_redis: Callable[[], Any] | None = None
    prefix: str = "sa_notify"


#: Makes a sink; raises :class:`sa_notify.errors.SetupError` for options that can't work.
Factory = Callable[[Context], Sink]
