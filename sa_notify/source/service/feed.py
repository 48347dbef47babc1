"""What a worker's stream in Redis tells, entry by entry."""

import json
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Final

from sa_notify.change import Change, ChangeSet
from sa_notify.errors import MessageError, SourceLost
from sa_notify.redis.packed import unpack
from sa_notify.source.mailbox import Mailbox
from sa_notify.source.service.revocation import Revocation

#: The dispatcher beats every second: two are missed.
SILENT_SECONDS: Final = 2.5


class Feed:
    """Reads entries in their order; the first that is not what it should be ends the epoch.

    :param answered: called with the number of a question and the tables that stand.
    :param revoked: called with what another worker, or this one, has told all.
    :param proven: called with the dispatcher's tick before which all that was committed has been told.
    :param clock: gives seconds.
    """

    def __init__(
        self,
        mailbox: Mailbox,
        answered: Callable[[int, frozenset[str]], None],
        revoked: Callable[[Revocation], None],
        proven: Callable[[int], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.epoch = uuid.uuid4().hex
        self._mailbox, self._answered, self._revoked, self._clock = mailbox, answered, revoked, clock
        self._proven = proven
        #: How many entries were read.
        self.number = 0
        self._position = 0
        self._heard_at = clock()

    def read(self, entry: Mapping[str, str]) -> None:
        """Take in the next entry.

        :raises SourceLost: when something was missed, or the dispatcher says so.
        :raises MessageError: when it can't be read: whoever may write to Redis may have written it.
        """
        try:
            self._take(entry)
        except (KeyError, ValueError, TypeError, RecursionError) as error:
            raise MessageError(f"an entry of its feed is none: {type(error).__name__}") from error

    def _take(self, entry: Mapping[str, str]) -> None:
        number = int(entry["n"])
        if number != self.number + 1:
            raise SourceLost("this worker was too slow: the dispatcher has dropped what it had not read")
        self.number, self._heard_at = number, self._clock()
        kind = entry["t"]
        if kind == "changes":
            self._mailbox.put([self._stamped(changeset) for changeset in unpack(entry["d"])])
        elif kind == "tally":
            changes = tuple(Change(str(table), "tally") for table in json.loads(entry["d"]))
            self._mailbox.put([self._stamped(ChangeSet("", 0, 0, changes))])
        elif kind == "lost":
            raise SourceLost("the dispatcher has lost its feed")
        elif kind == "beat":
            self._proven(int(json.loads(entry["d"])["tick"]))
        elif kind == "revoke":
            self._revoked(Revocation.of(entry["d"]))
        elif kind == "answer":
            told = json.loads(entry["d"])
            self._answered(int(told["ask"]), frozenset(told["stand"]))
        elif kind != "hello":
            raise ValueError(kind)

    def nothing(self) -> None:
        """There is no next entry yet.

        :raises SourceLost: when the dispatcher has been silent for too long.
        """
        if self._clock() - self._heard_at > SILENT_SECONDS:
            raise SourceLost("the dispatcher is silent")

    def _stamped(self, changeset: ChangeSet) -> ChangeSet:
        self._position += 1
        return ChangeSet(self.epoch, self._position, changeset.xid, changeset.changes)
