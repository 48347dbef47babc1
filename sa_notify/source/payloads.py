"""Payloads of NOTIFY, as the changes of transactions."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from psycopg2.extensions import connection as Connection  # noqa: N812

from sa_notify.change import Change
from sa_notify.errors import MessageError
from sa_notify.source.message import Message, parse
from sa_notify.source.signals import SIGNALS, WHISPER

logger = logging.getLogger(__name__)

_COMPLAINT_SECONDS = 60.0

#: A transaction and its changes.
Grouped = tuple[int, list[Change]]


class Payloads:
    """Reads what arrives, and warns of what can't be read.

    :param codec: that payloads come in, as :func:`sa_notify.source.listening.begin_session` tells.
    :param whispered: called with what web processes tell each other.
    """

    def __init__(self, codec: str, whispered: Callable[[str], None] = lambda _: None) -> None:
        self._codec, self._whispered = codec, whispered
        self._complaints = Complaints()

    def grouped(self, payloads: Iterable[str]) -> list[Grouped]:
        """Messages of one transaction come one after the other: they belong together."""
        grouped: list[Grouped] = []
        for message in self._messages(payloads):
            if not grouped or grouped[-1][0] != message.xid:
                grouped.append((message.xid, []))
            grouped[-1][1].extend(message.changes)
        return grouped

    def _messages(self, payloads: Iterable[str]) -> Iterator[Message]:
        for payload in payloads:
            if payload.startswith(WHISPER):
                self._whispered(payload)
                continue
            message = None if payload in SIGNALS else self._message(decoded(payload, self._codec))
            if message is not None:
                yield message

    def _message(self, payload: str) -> Message | None:
        try:
            message = parse(payload)
        except MessageError as error:
            self._complaints.add("a notification was skipped", str(error), len(payload))
            return None
        if message.degraded:
            self._complaints.add(
                "a notification was taken as a change of its whole table", message.degraded, len(payload)
            )
        return message


class Complaints:
    """Warnings about messages, at most one a minute: their number is up to whoever sends them."""

    def __init__(self) -> None:
        self._count = 0
        self._again_at = 0.0

    def add(self, what: str, why: str, size: int) -> None:
        """Say what was done with a message of that many characters, and why."""
        self._count += 1
        now = time.monotonic()
        if now < self._again_at:
            return
        logger.warning("%s: %s", what, why, extra={"payload_size": size, "messages": self._count})
        self._count, self._again_at = 0, now + _COMPLAINT_SECONDS


def decoded(text: str, codec: str) -> str:
    """Text as it is; bytes that are no UTF-8 become lone surrogates, which parsers take for "not known"."""
    return text if codec == "utf-8" else text.encode(codec).decode("utf-8", "surrogateescape")


def drain(connection: Connection, at_once: int) -> list[Any]:
    """Take the notifications that have arrived, and no more than about ``at_once``.

    One poll is not enough under TLS: OpenSSL may hold more of a record than libpq asked for, and
    the socket does not become readable for it.

    :raises psycopg2.Error: when the connection is gone.
    """
    drained: list[Any] = []
    while len(drained) < at_once:
        if not connection.notifies:
            connection.poll()
        if not connection.notifies:
            break
        drained += connection.notifies
        connection.notifies.clear()
    return drained


def encoded(text: str, codec: str) -> str:
    """What :func:`decoded` makes this text of: how a session with that codec has to say it.

    :raises UnicodeError: when it can't.
    """
    if codec == "utf-8":
        return text.encode().decode()
    return text.encode("utf-8", "surrogateescape").decode(codec)
