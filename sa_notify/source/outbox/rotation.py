"""When the outbox's slots take turns, and which may be emptied."""

from collections.abc import Sequence
from typing import Final

from sa_notify.source.outbox.reader import SLOTS

SLOT_BYTES: Final = 16 * 2**20
SLOT_SECONDS: Final = 60.0
#: Past this the oldest goes unread, and whoever had not read it begins a new epoch.
LIMIT_BYTES: Final = 256 * 2**20


def current(turn: int) -> int:
    """The slot that writers use."""
    return turn % len(SLOTS)


def next_turn(turn: int, sizes: Sequence[int], seconds: float) -> int | None:
    """The turn that should follow now, if one should.

    :param sizes: of the slots' contents, in bytes.
    :param seconds: how long this one lasts.
    """
    size = sizes[current(turn)]
    if size < SLOT_BYTES and (size == 0 or seconds < SLOT_SECONDS):
        return None
    later = range(turn + 1, turn + len(SLOTS))
    return next((each for each in later if sizes[current(each)] == 0), None)


def idle(turn: int, sizes: Sequence[int]) -> list[int]:
    """The slots that hold something and are not written to any more, the oldest first."""
    return [slot for each in range(turn + 1, turn + len(SLOTS)) if sizes[slot := current(each)]]
