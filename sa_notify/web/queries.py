"""Queries that browsers may subscribe to, by name."""

import logging
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from flask import current_app
from werkzeug.exceptions import Forbidden, HTTPException, Unauthorized

from sa_notify.errors import QueryError, SubscriptionError
from sa_notify.live.bodies import looked_at
from sa_notify.live.declared import declared
from sa_notify.live.dependencies import dependencies
from sa_notify.live.identity import identity
from sa_notify.live.plan import plan_of
from sa_notify.live.query import Query
from sa_notify.live.shape import Shape, prepare, total_statement
from sa_notify.web.context import SavedRequest
from sa_notify.web.failures import log_failure, query_failed
from sa_notify.web.params import Params
from sa_notify.web.reader import Source, StatementReader
from sa_notify.web.scope import Scope
from sa_notify.web.shared import shared_by

logger = logging.getLogger(__name__)


class Registered(Protocol):
    """Something that makes queries for subscribers.

    :param name: what clients subscribe to.
    :param token_only: clients can't choose its parameters; they come in a signed token.
    """

    @property
    def name(self) -> str: ...

    @property
    def token_only(self) -> bool: ...

    def build(self, params: dict[str, Any], request: SavedRequest) -> Query:
        """The query for one subscriber; called in that subscriber's request context.

        :raises SubscriptionError: when the subscriber may not have it, or params do not fit.
        """
        ...


class FunctionQuery:
    """A function that returns a ``select()``.

    :param key: labels of the selected columns that identify a row, where no whole entity or
        primary key is selected.
    :param total: also count the rows without LIMIT and OFFSET.
    :param refresh: seconds between re-reads where changes may go unannounced.
    :param tables: what hidden parts of the statement read; ``None`` when that is not said.
    :param scope: settings of the session, or a function that gives them.
    :raises QueryError: when the parameters can't be validated, or another argument can't be used.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        name: str,
        key: Sequence[str] | None,
        total: bool,
        refresh: float,
        token_only: bool,
        tables: object = None,
        scope: object = None,
    ) -> None:
        if isinstance(key, str):
            raise QueryError(f"key={key!r} is a string: write key=[{key!r}]")
        if not refresh > 0:
            raise QueryError(f"refresh={refresh!r} is not a number of seconds above 0")
        self.name = name
        self.origin = (function.__module__, getattr(function, "__qualname__", name))
        self.token_only = token_only
        self._function = function
        self._params = Params(function)
        self._key = None if key is None else tuple(key)
        self._total = total
        self._refresh = refresh
        self._declared = None if tables is None else declared(tables)
        self._scope = Scope(scope, self._params.names)

    def build(self, params: dict[str, Any], request: SavedRequest) -> Query:
        live_app = current_app.extensions["sa_notify"]
        arguments = self._params.bind(params, live_app.settings.max_params_bytes)
        statement = prepare(self._function(**arguments))
        shape = Shape(statement, key=self._key)
        engine = live_app.engine
        settings = self._scope.settings(arguments)
        names = frozenset(name for name, _ in settings)
        compiled = looked_at(statement, engine.dialect, settings=names)
        found = dependencies(
            statement, engine.dialect, settings=names, declared=self._declared, compiled=compiled
        )
        total = total_statement(statement) if self._total else None
        same = identity(found, shape.layout, self._total, self._refresh, settings, self._declared)
        source = Source(engine, live_app.coverage, statement, shape, found, total, settings)
        plan = plan_of(statement, found, engine.dialect, key=self._key, compiled=compiled)
        shared = shared_by(source)
        read = StatementReader(source) if shared is None else shared.read
        return Query(self.name, same, read, self._refresh, plan, shared)


def build(registered: Registered, params: dict[str, Any], request: SavedRequest) -> Query:
    """The query for one subscriber, with whatever goes wrong as a wire error.

    :raises SubscriptionError: with the code that the client is told.
    """
    try:
        return registered.build(params, request)
    except SubscriptionError:
        raise
    except (Forbidden, Unauthorized, PermissionError):
        raise SubscriptionError("forbidden", "you may not subscribe to this query") from None
    except HTTPException as error:
        raise SubscriptionError("query_failed", f"the query answered {error.code}") from error
    except Exception as error:
        log_failure(logger, registered.name, error)
        raise query_failed(error) from error
