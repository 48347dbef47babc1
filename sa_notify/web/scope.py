"""``scope=``: settings of the session that a query's result depends on, such as a tenant's id.

They belong to the query's identity, so that subscribers with different ones never share a window, and are
set in each transaction that reads for it, for that transaction alone.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, select

from sa_notify.errors import QueryError

#: Names and values, in the order of names.
Settings = tuple[tuple[str, str], ...]

# guc.c, valid_custom_variable_name(); a name without a point is one of PostgreSQL's own settings
_NAME = re.compile(r"[a-z_\x80-\U0010ffff][\w$]*(\.[a-z_\x80-\U0010ffff][\w$]*)+", re.IGNORECASE)
_EXAMPLE = '{"app.tenant_id": tenant}'


class Scope:
    """The argument ``scope=`` of a query.

    :param given: a mapping from names of settings to values, or a callable that gives one in the
        subscriber's request context; it may take parameters of the query by name.
    :param parameters: the query's parameters.
    :raises QueryError: when it can't be used; the message says what can.
    """

    def __init__(self, given: object, parameters: frozenset[str]) -> None:
        self._fixed: Settings = ()
        self._give: Callable[..., Any] | None = None
        self._takes: frozenset[str] = frozenset()
        if isinstance(given, Mapping):
            self._fixed = _settings(given)
        elif callable(given):
            self._give, self._takes = given, _taken(given, parameters)
        elif given is not None:
            raise QueryError(
                f"scope= is a {type(given).__name__}: give it settings, as in scope={_EXAMPLE}, or a "
                "function that returns them"
            )

    def settings(self, arguments: Mapping[str, Any]) -> Settings:
        """The settings for the subscriber in whose request context this is called.

        :param arguments: the query's.
        :raises QueryError: for names and values that can't be set.
        """
        if self._give is None:
            return self._fixed
        given = self._give(**{name: value for name, value in arguments.items() if name in self._takes})
        if not isinstance(given, Mapping):
            raise QueryError(
                f"scope= gave a {type(given).__name__}: let its function return settings, as in {_EXAMPLE}"
            )
        return _settings(given)


def apply(connection: Connection, settings: Settings) -> None:
    """Set them until the connection's transaction ends."""
    if settings:
        connection.execute(select(*(func.set_config(name, value, True) for name, value in settings)))


def _taken(function: Callable[..., Any], parameters: frozenset[str]) -> frozenset[str]:
    takes = inspect.signature(function).parameters.values()
    if any(one.kind is one.VAR_KEYWORD for one in takes):
        return parameters
    for one in takes:
        required = one.default is one.empty and one.kind is not one.VAR_POSITIONAL
        if one.kind is one.POSITIONAL_ONLY or (required and one.name not in parameters):
            known = f"its parameters are {', '.join(sorted(parameters))}" if parameters else "it has none"
            raise QueryError(
                f"the function of scope= takes {one.name!r}, which is no parameter of the query ({known}): "
                "read current_user or the session in it instead"
            )
    return frozenset(one.name for one in takes) & parameters


def _settings(given: Mapping[Any, Any]) -> Settings:
    found = {_name(name): _value(name, value) for name, value in given.items()}
    if len(found) != len(given):
        raise QueryError("scope= names a setting twice: case makes no difference in their names")
    return tuple(sorted(found.items()))


def _name(name: object) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise QueryError(
            f"scope= can't set {name!r}: name a setting of your own, which has a point in it, as in "
            f"{_EXAMPLE}"
        )
    return "".join(letter.lower() if letter.isascii() else letter for letter in name)


def _value(name: str, value: object) -> str:
    if value is None:
        raise QueryError(f"scope= gives no value for {name}: refuse the subscriber with abort(403) instead")
    if isinstance(value, (bool, Enum)) or not isinstance(value, (str, int, UUID)):
        raise QueryError(
            f"scope= gives {name} a {type(value).__name__}: give it text, an integer or a UUID, as in "
            "str(value)"
        )
    text = str(value)
    if "\0" in text:
        raise QueryError(f"scope= gives {name} a text with a NUL character, which PostgreSQL can't hold")
    return text
