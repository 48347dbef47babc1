"""What the hub wants done: it decides, its runner does, in the order given."""

from dataclasses import dataclass
from typing import Any

from sa_notify.change import Key
from sa_notify.live.window import Window


@dataclass(frozen=True, slots=True)
class Subscriber:
    """One subscription of one client: the client's connection, and the client's own number for it."""

    sid: str
    id: int


@dataclass(frozen=True, slots=True)
class Read:
    """Read the query, then tell :meth:`Hub.finished` or :meth:`Hub.failed`."""

    key: str


@dataclass(frozen=True, slots=True)
class Patch:
    """Read some rows of the query by their keys, then tell :meth:`Hub.patched` or :meth:`Hub.failed`."""

    key: str
    rows: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Wait:
    """Call :meth:`Hub.due` with ``key`` and ``turn`` after ``seconds``."""

    key: str
    turn: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Take:
    """After ``seconds``, have changes of ``tables`` captured, then tell :meth:`Hub.taken` which stand.

    :param turn: when the hub has another by then, nobody waits for the answer.
    :param held: asked for again, because a writer held them.
    """

    turn: int
    held: bool
    tables: frozenset[str]
    seconds: float


@dataclass(frozen=True, slots=True)
class Look:
    """After ``seconds``, read what :meth:`Hub.look` says of rows of a table, then tell :meth:`Hub.looked`.

    :param turn: when the hub has another by then, nobody waits for the answer.
    """

    turn: int
    table: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Greet:
    """Call :meth:`Hub.greet` soon, after the acknowledgement of what was asked is on its way."""

    key: str


@dataclass(frozen=True, slots=True)
class SendSnapshot:
    """Send the whole window to one subscriber."""

    subscriber: Subscriber
    key: str
    window: Window


@dataclass(frozen=True, slots=True)
class SendDiff:
    """Send what changed to everybody in the room of ``key``."""

    key: str
    base: int
    window: Window
    ops: list[list[Any]]


@dataclass(frozen=True, slots=True)
class SendClosed:
    """Tell one client that no more will come for ``key``."""

    sid: str
    key: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Join:
    """Put a client into the room of ``key``."""

    sid: str
    key: str


@dataclass(frozen=True, slots=True)
class Leave:
    """Take a client out of the room of ``key``."""

    sid: str
    key: str


@dataclass(frozen=True, slots=True)
class Warn:
    """Log, once per query name, why it is read by the clock and what would mend it."""

    name: str
    refresh: float
    doubts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Diverged:
    """Tell that a window was wrong though no change was announced; it is right now.

    :param name: of the query.
    """

    name: str


Action = (
    Read | Patch | Wait | Take | Look | Greet
    | SendSnapshot | SendDiff | SendClosed | Join | Leave | Warn | Diverged
)  # fmt: skip
