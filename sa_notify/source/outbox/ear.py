"""What a session hears on the triggers' channel."""

from typing import Any, Final, NamedTuple

from psycopg2.extensions import connection as Connection  # noqa: N812

from sa_notify.source.payloads import drain
from sa_notify.source.signals import ANSWERED, RING, SIGNALS, WANTED

CHANNEL: Final = "sa_notify"
AT_ONCE: Final = 1000


class Heard(NamedTuple):
    """Notifications, sorted.

    :param payloads: changes of tables that do not use the outbox.
    """

    rang: bool = False
    wanted: bool = False
    answered: bool = False
    payloads: tuple[str, ...] = ()


NOTHING: Final = Heard()


class Ear:
    """Listens on a connection that already does.

    :param backend: the connection's own; what it sends itself is not heard.
    """

    def __init__(self, connection: Connection, backend: int) -> None:
        self._connection = connection
        self._backend = backend

    def fileno(self) -> int:
        """Readable when there may be something to hear."""
        return self._connection.fileno()

    @property
    def waiting(self) -> bool:
        """Whether something arrived with the answer to a statement: the descriptor won't tell of it."""
        return bool(self._connection.notifies)

    def hear(self) -> Heard:
        """What has arrived.

        :raises psycopg2.Error: when the connection is gone.
        """
        arrived = drain(self._connection, AT_ONCE)
        return self._sorted(arrived) if arrived else NOTHING

    def _sorted(self, arrived: list[Any]) -> Heard:
        payloads = [each.payload for each in arrived if each.channel == CHANNEL and each.pid != self._backend]
        changes = tuple(payload for payload in payloads if payload not in SIGNALS)
        return Heard(RING in payloads, WANTED in payloads, ANSWERED in payloads, changes)
