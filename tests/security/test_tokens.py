"""A token is good as it was signed, for whom it was signed, for as long as it lasts; and no other way."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import Engine

from tests.apps.items import Base, create_app
from tests.web.inprocess import ask, client

_SALT = "sa_notify.subscription.1"
KEY = "of the application"


@pytest.fixture
def app(engine: Engine) -> Iterator[Flask]:
    Base.metadata.create_all(engine)
    app = create_app(engine, async_mode="threading")
    app.config["SECRET_KEY"] = KEY
    yield app
    app.extensions["sa_notify"].stop()


class Person:
    """A browser whose session Flask-Login has written."""

    def __init__(self, app: Flask, user: str | None, login: str = "laptop") -> None:
        self._app, web = app, app.test_client()
        with web.session_transaction() as session:
            session["theme"] = "dark"
            if user is not None:
                session["_user_id"], session["_id"] = user, login
        cookie = web.get_cookie("session")
        assert cookie is not None
        self.cookie = cookie.value
        self.token = web.get("/token/1").text

    def answer(self, token: Any) -> str:
        """``ok``, or the code of the refusal."""
        answer = ask(client(self._app, f"session={self.cookie}"), "subscribe", id=1, token=token)
        return "ok" if answer["ok"] else str(answer["error"]["code"])


def _signed(key: str, salt: str, *what: Any) -> str:
    return str(URLSafeTimedSerializer(key, salt=salt).dumps(list(what)))


def _other_parameters(token: str) -> str:
    payload, _, rest = token.partition(".")
    text = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).decode()
    name, params, login = json.loads(text)
    params["owner"] = 2
    return (
        base64.urlsafe_b64encode(json.dumps([name, params, login]).encode()).decode().rstrip("=") + "." + rest
    )


#: By what was done to it: from the token and its bearer's cookie.
SPOILED: dict[str, Callable[[str, str], Any]] = {
    "cut short": lambda token, _: token[:-1],
    "cut to its payload": lambda token, _: token.partition(".")[0],
    "without a signature": lambda token, _: token.rpartition(".")[0] + ".",
    "of other parameters": lambda token, _: _other_parameters(token),
    "with a letter more": lambda token, _: token + "A",
    "with a space": lambda token, _: token + " ",
    "a session's cookie, signed with the same key": lambda _, cookie: cookie,
    "signed with another key": lambda _, __: _signed("guessed", _SALT, "sealed", {"owner": 1}, ["ann", None]),
    "signed with another salt": lambda _, __: _signed(
        KEY, "itsdangerous", "sealed", {"owner": 1}, ["ann", None]
    ),
    "of another shape": lambda _, __: _signed(KEY, _SALT, "sealed"),
    "of other things": lambda _, __: _signed(KEY, _SALT, "sealed", 5, ["ann", None]),
    "empty": lambda _, __: "",
    "dots": lambda _, __: "...",
    "not ASCII": lambda token, _: token.replace(".", "․"),
    "long": lambda token, _: token + "A" * 100_000,
}


def test_whatever_is_not_as_it_was_signed_is_refused(app: Flask) -> None:
    """With one code, which tells nothing of the reason; the token itself is good."""
    ann = Person(app, "ann")
    answers = {name: ann.answer(spoil(ann.token, ann.cookie)) for name, spoil in SPOILED.items()}
    assert answers == dict.fromkeys(SPOILED, "bad_token")
    assert ann.answer(ann.token) == "ok"


def test_each_byte_counts(app: Flask) -> None:
    """None of them can be another."""
    ann = Person(app, "ann")
    tokens = app.extensions["sa_notify"].tokens
    with app.test_request_context(headers={"Cookie": f"session={ann.cookie}"}):
        assert tokens.load(ann.token) == ("sealed", {"owner": 1})
        for at, letter in enumerate(ann.token):
            # the last letter of a signature has two bits that say nothing
            spoiled = ann.token[:at] + ("A" if letter not in "ABCD" else "Q") + ann.token[at + 1 :]
            with pytest.raises(Exception, match="bad_token"):
                tokens.load(spoiled)


OTHERS: list[tuple[str | None, str]] = [
    ("bob", "laptop"), ("ann", "phone"), (None, "laptop"), ("Ann", "laptop"), ("1", "laptop"),
]  # fmt: skip


def test_it_is_of_no_use_to_others(app: Flask) -> None:
    """Another user, another login of the same user, or nobody; nor is nobody's of use to a user."""
    ann = Person(app, "ann")
    for user, login in OTHERS:
        other = Person(app, user, login)
        assert (user, other.answer(ann.token), ann.answer(other.token)) == (user, "bad_token", "bad_token")
        assert other.answer(other.token) == "ok"


def test_keys_are_rotated(app: Flask) -> None:
    """An old key is good while it is among the fallbacks, and new tokens are signed with the new one."""
    ann = Person(app, "ann")
    app.config.update(SECRET_KEY="the next", SECRET_KEY_FALLBACKS=[KEY])
    assert ann.answer(ann.token) == "ok"
    fresh = Person(app, "ann").token
    app.config["SECRET_KEY_FALLBACKS"] = []
    assert Person(app, "ann").answer(fresh) == "ok"
    assert Person(app, "ann").answer(ann.token) == "bad_token"


def test_it_expires(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the second; and says so, because the page can get another."""
    ann = Person(app, "ann")
    from itsdangerous import timed

    signed_at = timed.time.time()
    monkeypatch.setattr(timed.TimestampSigner, "get_timestamp", lambda _: int(signed_at) + 3600)
    assert ann.answer(ann.token) == "ok"
    monkeypatch.setattr(timed.TimestampSigner, "get_timestamp", lambda _: int(signed_at) + 3602)
    assert ann.answer(ann.token) == "expired_token"


def test_clocks_of_two_machines_differ(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of a machine that is ahead is no older for that; by a minute at most, signed all the same."""
    ann, tokens = Person(app, "ann"), app.extensions["sa_notify"].tokens
    from itsdangerous import timed

    signed_at = int(timed.time.time())
    with app.test_request_context(headers={"Cookie": f"session={ann.cookie}"}):
        monkeypatch.setattr(timed.TimestampSigner, "get_timestamp", lambda _: signed_at - 55)
        assert tokens.load(ann.token) == ("sealed", {"owner": 1})
        with pytest.raises(Exception, match="bad_token"):
            tokens.load(ann.token[:-2] + "AA")
        monkeypatch.setattr(timed.TimestampSigner, "get_timestamp", lambda _: signed_at - 70)
        with pytest.raises(Exception, match="expired_token"):
            tokens.load(ann.token)


def test_parameters_in_a_token_are_checked_as_others(app: Flask) -> None:
    """A token of an earlier release, whose function took something else."""
    nobody = Person(app, None)
    old = _signed(KEY, _SALT, "sealed", {"owner": "x"}, [None, None])
    assert nobody.answer(old) == "invalid_params"
    assert nobody.answer(_signed(KEY, _SALT, "gone", {}, [None, None])) == "unknown_query"
