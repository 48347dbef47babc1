"""Payloads on the triggers' channel that carry no change."""

from typing import Final

#: There is something to read: from a writer who found the reader asleep, or from the keeper.
RING: Final = ""
#: A source wants other tables than before: for the keeper.
WANTED: Final = "wanted"
#: The keeper has answered.
ANSWERED: Final = "answered"

#: How what web processes tell each other begins; see :mod:`sa_notify.web.whispers`.
WHISPER: Final = "whisper "

SIGNALS: Final = frozenset((RING, WANTED, ANSWERED))
