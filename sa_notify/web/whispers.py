"""What web processes of one database tell each other without a Redis: whose access ends.

By NOTIFY, which every role that can connect hears and can send. So it is signed with the application's
``SECRET_KEY``, a user is named by a digest that nobody else can read, and what is repeated a minute later
means nothing.
"""

import hmac
import json
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
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
        #: What was meant already, and when it means nothing by itself.
        self._heard: dict[str, float] = {}

    def said(self, revocation: Revocation) -> str:
        """The payload that tells others."""
        moment, kind = int(self._clock()), "dismiss" if revocation.dismiss else "revoke"
        key, once = next(self._keys()), secrets.token_hex(8)
        words = f"{WHISPER}{kind} {moment} {once} {_name(key, once, revocation.user)}"
        return f"{words} {_digest(key, words)}"

    def meant(self, payload: str, users: Callable[[], Iterable[str | None]]) -> Revocation | None:
        """Which of these users a payload is about, or everybody; ``None`` when it is about nobody here.

        What was meant once means nothing when it comes again.
        """
        words, _, signature = payload.rpartition(" ")
        # first, so that a stranger's costs no more than this, whoever is connected
        key = next((key for key in self._keys() if _is(signature, _digest(key, words))), None)
        if key is None:
            return None
        kind, moment, once, name = words.removeprefix(WHISPER).split(" ")
        if not self._is_new(once, int(moment)):
            return None
        found = (user for user in (None, *users()) if _name(key, once, user) == name)
        return next((Revocation(user, _KINDS[kind]) for user in found), None)

    def _is_new(self, once: str, moment: int) -> bool:
        now = self._clock()
        self._heard = {each: until for each, until in self._heard.items() if until >= now}
        if once in self._heard or abs(now - moment) > SECONDS:
            return False
        self._heard[once] = moment + SECONDS
        return True

    def _keys(self) -> Iterator[bytes]:
        """The key to sign with, and those that processes which were started before sign with."""
        config = self._app.config
        for key in (config.get("SECRET_KEY") or "", *(config.get("SECRET_KEY_FALLBACKS") or ())):
            yield key if isinstance(key, bytes) else str(key).encode()


def _name(key: bytes, once: str, user: str | None) -> str:
    return _digest(key, f"{once} {json.dumps(user)}")


def _digest(key: bytes, words: str) -> str:
    return hmac.new(key, f"sa_notify.whisper {words}".encode(), "sha256").hexdigest()


def _is(signature: str, digest: str) -> bool:
    return hmac.compare_digest(signature.encode("utf-8", "replace"), digest.encode())
