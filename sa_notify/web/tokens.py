"""Subscriptions that the server signs into a page, so that the browser can't choose their content."""

import hashlib
from typing import Any, Final

from flask import Flask, current_app, session
from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from sa_notify.errors import SetupError, SubscriptionError

#: By so much the clock of the machine that signed may be ahead.
SKEW_SECONDS: Final = 60
_SALT = "sa_notify.subscription.1"


class Tokens:
    """Signs and reads tokens with the application's own keys.

    A token is good for the login that Flask-Login keeps in the session it was rendered for (or for
    anybody who is not logged in), until ``max_age`` seconds have passed. ``SECRET_KEY_FALLBACKS``
    are accepted, so that keys can be rotated.
    """

    def __init__(self, app: Flask, max_age: float) -> None:
        self._app = app
        self._max_age = max_age

    def sign(self, query: str, params: dict[str, Any]) -> str:
        """A token for one query and its parameters; needs a request.

        :raises SetupError: when the application has no SECRET_KEY.
        """
        return self._serializer().dumps([query, params, _login()])

    def load(self, token: str) -> tuple[str, dict[str, Any]]:
        """The query and parameters a token was signed for; needs the subscriber's request.

        :raises SubscriptionError: ``bad_token`` or ``expired_token``.
        """
        try:
            query, params, signed_for = self._read(token)
        except SignatureExpired:
            raise SubscriptionError("expired_token", "the page is too old: load it again") from None
        except (BadSignature, ValueError, TypeError):
            raise SubscriptionError("bad_token", "the token was not signed by this application") from None
        if signed_for != _login():
            raise SubscriptionError("bad_token", "the token belongs to another login: load the page again")
        return str(query), dict(params)

    def _read(self, token: str) -> Any:
        serializer = self._serializer()
        try:
            return serializer.loads(token, max_age=int(self._max_age))
        except SignatureExpired as error:
            now = serializer.make_signer().get_timestamp()  # type: ignore[attr-defined]
            ahead = 0.0 if error.date_signed is None else error.date_signed.timestamp() - now
            if not 0 < ahead <= SKEW_SECONDS or not isinstance(error.payload, bytes):
                raise
            return serializer.load_payload(error.payload)

    def _serializer(self) -> URLSafeTimedSerializer:
        current = self._app.config.get("SECRET_KEY")
        if not current:
            raise SetupError("sa_notify signs tokens with the application's SECRET_KEY: set it")
        # itsdangerous signs with the last key and accepts them all
        keys = [*reversed(self._app.config.get("SECRET_KEY_FALLBACKS") or []), current]
        return URLSafeTimedSerializer(keys, salt=_SALT)


def _login() -> list[str | None]:
    """The user, and what Flask-Login knows the browser's session by since the login."""
    session_id = session.get("_id")
    known = None if session_id is None else hashlib.sha256(str(session_id).encode()).hexdigest()[:16]
    return [principal(), known]


def principal() -> str | None:
    """Who is logged in, as Flask-Login knows it; ``None`` for nobody."""
    user = session.get("_user_id")
    if user is None and hasattr(current_app, "login_manager"):
        from flask_login import current_user

        user = current_user.get_id()  # by a cookie that outlives the session, or a loader of requests
    return None if user is None else str(user)
