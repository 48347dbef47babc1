"""What an application may set in ``app.config``, validated once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from sa_notify.errors import SetupError

WAKES = ("notify", "poll")
#: What the dispatcher's process is told by the environment too.
_REDIS = ("redis_url", "redis_prefix")
_TEXTS = ("listen_url", "wake", *_REDIS)


@dataclass(frozen=True, slots=True)
class Settings:
    """Each field is ``SA_NOTIFY_<NAME>`` in ``app.config``.

    :param token_max_age: seconds that a token signed into a page is accepted.
    :param max_subscriptions: subscriptions one client may have at a time.
    :param max_params_bytes: size of one subscription's parameters, as JSON text.
    :param recheck_seconds: how often each subscriber's function is called again, to see whether it
        still may see what it sees.
    :param max_requests: subscribe and resync requests a second that a client may go on making; it may begin
        with twice as many as it may have subscriptions.
    :param proof_seconds: how often a window is read again to see whether it is right; proofs take at most a
        twentieth of one connection's time.
    :param database_budget: seconds of the database's time that this process's reads may take in a second,
        over all its connections; what is read past it waits.
    :param unsafe_origins: start although pages of any origin may connect (``cors_allowed_origins="*"``).
    :param listen_url: libpq URL or DSN for LISTEN, where the engine's own can't be used (a
        transaction-pooling proxy, a driver without libpq).
    :param wake: ``"notify"``, or ``"poll"`` where nothing can LISTEN (only a transaction-pooling proxy
        leads to PostgreSQL): the outbox is then asked, and tables that travel by NOTIFY are not heard.
    :param redis_url: changes come from a dispatcher process through this Redis, instead of from PostgreSQL;
        else the environment's ``SA_NOTIFY_REDIS_URL``.
    :param redis_prefix: what names in Redis begin with, the dispatcher's ``--prefix``.
    """

    token_max_age: float = 3600.0
    max_subscriptions: int = 50
    max_params_bytes: int = 16_384
    recheck_seconds: float = 60.0
    max_requests: float = 10.0
    proof_seconds: float = 1.0
    database_budget: float = 2.0
    unsafe_origins: bool = False
    listen_url: str | None = None
    wake: Literal["notify", "poll"] = "notify"
    redis_url: str | None = None
    redis_prefix: str = "sa_notify"

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "Settings":
        """Read the settings.

        :raises SetupError: when a number is not a positive number, or a word is not one of the choices.
        """
        names = {field.name: f"SA_NOTIFY_{field.name.upper()}" for field in fields(cls)}
        found: dict[str, Any] = {
            name: os.environ[names[name]] for name in _REDIS if names[name] in os.environ
        }
        found |= {name: config[setting] for name, setting in names.items() if setting in config}
        for name, value in found.items():
            if name == "wake" and value not in WAKES:
                raise SetupError(f"{names[name]} is {value!r}: set it to one of {', '.join(WAKES)}")
            if name == "unsafe_origins":
                if not isinstance(value, bool):
                    raise SetupError(f"{names[name]} is {value!r}: set it to True or False")
                continue
            numeric = isinstance(value, (int, float)) and not isinstance(value, bool)
            if name not in _TEXTS and not (numeric and value > 0):
                raise SetupError(f"{names[name]} is {value!r}: set it to a positive number")
        return cls(**found)
