"""The Flask extension: what an application factory imports."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar, overload

from flask import Blueprint, Flask, current_app
from flask_socketio import SocketIO
from sqlalchemy import Engine

from sa_notify.cli.flask import group
from sa_notify.errors import QueryError, SetupError
from sa_notify.web.arrivals import note_arrivals
from sa_notify.web.emitter import NAMESPACE
from sa_notify.web.frames import send_whole_frames
from sa_notify.web.handlers import Handler
from sa_notify.web.inbound import Inbound
from sa_notify.web.live_app import LiveApp
from sa_notify.web.logouts import follow_logouts
from sa_notify.web.namespace import RealtimeNamespace
from sa_notify.web.queries import FunctionQuery, Registered
from sa_notify.web.running import BEAT_SECONDS
from sa_notify.web.tokens import Tokens

logger = logging.getLogger(__name__)

F = TypeVar("F", bound=Callable[..., Any])
#: What is gone, nobody should be shown for longer.
GONE_SECONDS = 60.0
_STATIC = Path(__file__).parent / "static"


class Dispatcher:
    """Live queries for Flask applications.

    ``sa_notify.dispatcher`` is a ready instance, as is usual for Flask extensions; one instance may
    serve several applications.
    """

    def __init__(self) -> None:
        self._queries: dict[str, Registered] = {}
        self._handlers: list[Handler] = []

    def init_app(self, app: Flask, socketio: SocketIO, *, engine: Any) -> None:
        """Make the registered queries available to the application's browsers.

        :param engine: an :class:`sqlalchemy.Engine`, Flask-SQLAlchemy's ``db``, or a callable that
            gives an Engine. It must reach the primary, not a read replica.
        :raises SetupError: when something here can't work; the message says what can.
        """
        if not isinstance(socketio, SocketIO):
            raise SetupError("init_app(app, socketio, engine=...) takes Flask-SocketIO's SocketIO second")
        if "sa_notify" in app.extensions:
            raise SetupError("sa_notify is initialised on this app already: call init_app once")
        _check_socketio(socketio)
        live_app = LiveApp(app, socketio, _engine_of(app, engine), self._queries, self._handlers)
        _check_origins(socketio, unsafe=live_app.settings.unsafe_origins)
        _check_pings(socketio)
        send_whole_frames(socketio)
        note_arrivals(socketio)
        Inbound(socketio, live_app.settings)
        app.extensions["sa_notify"] = live_app
        socketio.on_namespace(RealtimeNamespace(NAMESPACE))
        app.register_blueprint(_blueprint())
        app.cli.add_command(group)
        app.jinja_env.globals["sa_notify_token"] = self.token
        follow_logouts(app, live_app.dismiss)

    @overload
    def query(self, function: F, /) -> F: ...

    @overload
    def query(
        self,
        /,
        *,
        name: str | None = None,
        key: Sequence[str] | None = None,
        total: bool = False,
        refresh: float = 2.0,
        token_only: bool = False,
        tables: Iterable[Any] | None = None,
        scope: Mapping[str, Any] | Callable[..., Mapping[str, Any]] | None = None,
    ) -> Callable[[F], F]: ...

    def query(self, function: Any = None, /, **options: Any) -> Any:
        """Register a function that returns a ``select()`` as a live query, under its own name.

        It is called in each subscriber's request context: ``current_user`` and ``session`` work, and
        ``abort(403)`` or ``PermissionError`` refuses the subscriber. Its parameters are validated
        against their annotations. Subscribers who are given equal statements share one evaluation.

        :param name: another name than the function's.
        :param key: labels that identify a row, where no whole entity or primary key is selected.
        :param total: also send how many rows there are without LIMIT and OFFSET.
        :param refresh: seconds between reads where changes can't all be heard.
        :param token_only: browsers can't choose parameters; they send a :meth:`token`.
        :param tables: models and tables that the statement reads where it hides it (functions, SQL as text),
            or single columns of them, so that it need not be read by the clock for that. ``[]`` for none.
        :param scope: settings that row-level security or ``current_setting()`` depends on, by name, as in
            ``{"app.tenant_id": 5}``, or a function that gives them. It is called in the subscriber's request
            context, and may take the query's parameters by name. Subscribers share a reading only where
            their settings are equal; each is made with them, and nothing else is.
        :raises QueryError: when the function's parameters can't be validated, the name is taken, or another
            argument can't be used.
        """
        if function is None:
            return lambda decorated: self._register(decorated, **options)
        return self._register(function, **options)

    def on_change(self, target: Any, /, *, missed: Callable[[], Any] | None = None) -> Callable[[F], F]:
        """Have a function called with each :class:`~sa_notify.change.Change` of a model, after its commit.

        It runs in the dispatcher that ``flask sa-notify dispatch`` starts, in that application's context: in
        one process, in order of commit, once. A change made while none leads is not told again.

        :param target: a ``@realtime`` model or table.
        :param missed: called when changes may have been missed: at every start, and after a loss.
        :raises QueryError: when nothing announces changes of the target.
        """

        def decorate(function: F) -> F:
            self._handlers.append(Handler.of(target, function, missed))
            return function

        return decorate

    def token(self, query: str, /, **params: Any) -> str:
        """A signed token that subscribes its bearer to ``query`` with these parameters.

        Needs a request: it is good for whoever is logged in there. In templates:
        ``sa_notify_token("open_todos", owner=5)``.
        """
        if query not in self._queries:
            raise QueryError(f"no query is registered as {query!r}: decorate it with @dispatcher.query")
        return self.tokens.sign(query, params)

    @property
    def tokens(self) -> Tokens:
        """Signs tokens for the current application."""
        live_app: LiveApp = current_app.extensions["sa_notify"]
        return live_app.tokens

    def revoke(self, *, user: object = None, disconnect: bool = False) -> None:
        """Ask the subscribers' functions again now, rather than within a minute.

        Those that refuse are closed, those that return another statement move to it. Reaches the
        clients of every worker within 2 s: through Redis, or by NOTIFY where there is none (with
        ``SA_NOTIFY_WAKE="poll"`` by a row that the others look for twice a second).

        The functions see the cookies that a client connected with. After a logout these may still be good:
        Flask keeps a session in its cookie, signed. That is what ``disconnect`` is for; where Flask-Login
        is installed, its ``logout_user()`` does it by itself.

        :param user: only clients whom Flask-Login knows by this id; all when not given.
        :param disconnect: end their connections instead. Browsers come again within seconds, with the
            cookies that they have by then: those who are still logged in see no more than a pause.
        """
        live_app: LiveApp = current_app.extensions["sa_notify"]
        (live_app.dismiss if disconnect else live_app.recheck)(None if user is None else str(user))

    def _register(
        self,
        function: F,
        *,
        name: str | None = None,
        key: Sequence[str] | None = None,
        total: bool = False,
        refresh: float = 2.0,
        token_only: bool = False,
        tables: Iterable[Any] | None = None,
        scope: Mapping[str, Any] | Callable[..., Mapping[str, Any]] | None = None,
    ) -> F:
        if not callable(function):
            raise QueryError("@dispatcher.query decorates a function that returns a select()")
        name = name or function.__name__
        made = FunctionQuery(
            function,
            name=name,
            key=key,
            total=total,
            refresh=refresh,
            token_only=token_only,
            tables=tables,
            scope=scope,
        )
        taken = self._queries.get(name)
        # an application factory that runs twice defines the same function twice
        if taken is not None and getattr(taken, "origin", None) != made.origin:
            raise QueryError(f"a query named {name!r} is registered already: give one name=...")
        self._queries[name] = made
        return function


def _blueprint() -> Blueprint:
    made = Blueprint(
        "sa_notify", __name__, static_folder=str(_STATIC), static_url_path="/static", url_prefix="/sa_notify"
    )
    made.add_url_rule("/health", "health", _health)
    return made


def _health() -> tuple[dict[str, Any], int, dict[str, str]]:
    """Readiness: 503 while what this process shows is not live, or would not be if somebody looked.

    With what this process's reads cost the database, beside ``SA_NOTIFY_DATABASE_BUDGET``.
    """
    live_app = current_app.extensions["sa_notify"]
    try:
        healthy = live_app.healthy
    except SetupError as error:
        logger.error("live queries can't be served: %s", error)
        healthy = False
    return (
        {"live": healthy, "database": asdict(live_app.spent)},
        200 if healthy else 503,
        {"Cache-Control": "no-store"},
    )


def _check_socketio(socketio: SocketIO) -> None:
    mode = socketio.server.eio.async_mode if socketio.server else None
    if mode is None:
        raise SetupError("SocketIO has no app yet: call socketio.init_app(app) before dispatcher.init_app")
    if mode not in ("gevent", "threading"):
        raise SetupError(
            f"SocketIO runs in async_mode={mode!r}: use SocketIO(app, async_mode='gevent') or 'threading'"
        )
    if mode == "gevent" and find_spec("geventwebsocket") is not None:
        logger.warning(
            "gevent-websocket is installed: websockets fail under gunicorn's gevent worker; uninstall it"
        )


def _check_origins(socketio: SocketIO, *, unsafe: bool) -> None:
    """Any site's pages could open a connection with the cookies of a user of this one.

    https://owasp.org/www-community/attacks/Cross-Site_WebSocket_Hijacking
    """
    allowed = socketio.server.eio.cors_allowed_origins
    several = isinstance(allowed, (list, tuple, set, frozenset))
    # every site can make a page whose origin is "null": a frame in a sandbox
    everybody = allowed in ("*", "null", []) or (several and not {"*", "null"}.isdisjoint(allowed))
    if everybody and not unsafe:
        raise SetupError(
            f"SocketIO(cors_allowed_origins={allowed!r}) lets the pages of every site connect with the "
            'cookies of your users: name the origins, as in ["https://app.example.com"], or leave it out for '
            "your own alone (SA_NOTIFY_UNSAFE_ORIGINS = True starts all the same)"
        )


def _check_pings(socketio: SocketIO) -> None:
    """Whoever vanishes without a word is gone after an interval and a time-out."""
    eio = socketio.server.eio
    seconds = eio.ping_interval + eio.ping_timeout + BEAT_SECONDS
    if seconds > GONE_SECONDS:
        logger.warning(
            "a browser that vanishes counts as connected for %s s: give SocketIO a shorter ping_interval or "
            "ping_timeout",
            round(seconds),
        )


def _engine_of(app: Flask, engine: Any) -> Callable[[], Engine]:
    if isinstance(engine, Engine):
        if engine.dialect.name != "postgresql":
            raise SetupError(f"sa_notify needs PostgreSQL, not {engine.dialect.name}: give its Engine")
        return lambda: engine
    if hasattr(engine, "sync_engine"):
        raise SetupError("an AsyncEngine can't be read from a worker: make an Engine for sa_notify")
    # asked of the class: the property itself needs an application context
    if hasattr(type(engine), "engines") and hasattr(engine, "session"):
        return lambda: _in_context(app, lambda: engine.engine)
    if callable(engine):
        return lambda: _in_context(app, engine)
    raise SetupError("engine= takes an Engine, Flask-SQLAlchemy's db, or a callable that gives an Engine")


def _in_context(app: Flask, engine: Callable[[], Any]) -> Engine:
    with app.app_context():
        found = engine()
    if not isinstance(found, Engine):
        raise SetupError(f"engine= gave {type(found).__name__}, not an Engine")
    return found
