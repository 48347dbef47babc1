"""What web processes of one database tell each other without a Redis: whose access ends.

By NOTIFY, which every role that can connect hears and can send. So it is signed with the application's
``SECRET_KEY``, a user is named by a digest that nobody else can read, and what is repeated a minute later
means nothing.
"""

import hmac
import json
import time
from collections.abc import Callable, Iterable
from typing import Final

from flask import Flask

from sa_notify.source.service.revocation import Revocation
from sa_notify.source.signals import WHISPER

#: Clocks of machines may differ by less.
SECONDS: Final = 60
_KINDS: Final = {"revoke": False, "dismiss": True}


class Whispers:
    """Writes and reads them.

    :param clock: seconds since 1970.
    """

    def __init__(self, app: Flask, clock: Callable[[], float] = time.time) -> None:
        self._app, self._clock = app, clock

    def said(self, revocation: Revocation) -> str:
        """The payload that tells others."""
        moment, kind = int(self._clock()), "dismiss" if revocation.dismiss else "revoke"
        words = f"{WHISPER}{kind} {moment} {self._name(moment, revocation.user)}"
        return f"{words} {self._digest(words)}"

    def meant(self, payload: str, users: Iterable[str | None]) -> Revocation | None:
        """Which of these users a payload is about, or everybody; ``None`` when it is about nobody here."""
        words, _, signature = payload.rpartition(" ")
        # first, so that a stranger's costs no more than this, whoever is connected
        if not hmac.compare_digest(signature.encode(), self._digest(words).encode()):
            return None
        kind, moment, name = words.removeprefix(WHISPER).split(" ")
        if abs(self._clock() - int(moment)) > SECONDS:
            return None
        found = (user for user in (None, *users) if self._name(int(moment), user) == name)
        return next((Revocation(user, _KINDS[kind]) for user in found), None)

    def _name(self, moment: int, user: str | None) -> str:
        return self._digest(f"{moment} {json.dumps(user)}")

    def _digest(self, words: str) -> str:
        key = str(self._app.config.get("SECRET_KEY") or "")
        return hmac.new(key.encode(), f"sa_notify.whisper {words}".encode(), "sha256").hexdigest()
