"""sa_notify in one Flask application: its settings, clients, and the parts that run when it is used."""

import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from flask import Flask, request
from flask_socketio import SocketIO
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from sa_notify import metrics
from sa_notify.errors import SetupError, SourceLost, SubscriptionError
from sa_notify.live.actions import Subscriber
from sa_notify.sink.discovery import Named
from sa_notify.source.connect import listen_connect
from sa_notify.source.database import DatabaseSource, database_source
from sa_notify.source.service.revocation import Revocation
from sa_notify.source.service.source import ServiceSource
from sa_notify.web.access import Access, Asked
from sa_notify.web.client import Client, Wish
from sa_notify.web.handlers import Handler, HandlerSink
from sa_notify.web.queries import Registered, build
from sa_notify.web.reader import READING, CoverageCache
from sa_notify.web.running import Running
from sa_notify.web.settings import Settings
from sa_notify.web.spending import Spent
from sa_notify.web.tokens import Tokens, principal
from sa_notify.web.whispers import Whispers

logger = logging.getLogger(__name__)

#: How often to look whether a feed that begins has begun.
LOOK_SECONDS = 0.05


class LiveApp:
    """One application's live queries: what its socket events call.

    Nothing is connected or started before the first client subscribes, so that a command line
    (``flask db upgrade``) or a server that is about to fork holds nothing.
    """

    def __init__(
        self,
        app: Flask,
        socketio: SocketIO,
        engine: Callable[[], Engine],
        queries: Mapping[str, Registered],
        handlers: Sequence[Handler] = (),
    ) -> None:
        self.app = app
        self.socketio = socketio
        self.settings = Settings.of(app.config)
        self.tokens = Tokens(app, self.settings.token_max_age)
        self.whispers = Whispers(app)
        self.coverage = CoverageCache()
        self._access = Access(app)
        self._engine = engine
        self._queries = queries
        self._handlers = handlers
        self._running: Running | None = None
        self._starting = threading.Lock()

    @property
    def engine(self) -> Engine:
        """The application's engine.

        :raises SetupError: when it is not a synchronous engine.
        """
        return self._engine()

    @property
    def sinks(self) -> list[Named]:
        """What a dispatcher of this application gives changes to."""
        if not self._handlers:
            return []
        return [Named("on_change", lambda _: HandlerSink(self.app, self.engine, self._handlers), {})]

    @property
    def healthy(self) -> bool:
        """Whether what this process shows is live, or would be if somebody looked.

        It begins to follow changes for that; a process that has just begun is waited for.

        :raises SetupError: as :meth:`source`.
        """
        running = self._ensure_running()
        while not running.runner.healthy and running.begins:
            running.runtime.sleep(LOOK_SECONDS)
        return running.runner.healthy

    @property
    def spent(self) -> Spent:
        """What reads of this process cost the database lately, and may cost."""
        running = self._running
        return Spent(0.0, self.settings.database_budget) if running is None else running.runner.spent

    def source(self, running: "Running") -> DatabaseSource | ServiceSource:
        """A new feed of the application's database: its own, or a dispatcher's.

        :raises SetupError: when no connection to it can be made the engine's way, or Redis has no URL.
        """
        if self.settings.redis_url:
            return self._service(self.settings.redis_url, running)
        connect = listen_connect(self.engine, self.settings.listen_url)
        return database_source(connect, self.settings.wake, whispered=running.whispered)

    def _service(self, url: str, running: "Running") -> ServiceSource:
        from sa_notify.redis.connect import connect
        from sa_notify.redis.keys import Keys

        return ServiceSource(
            lambda: connect(url),
            Keys(self.settings.redis_prefix),
            info=running.about,
            revoked=running.revoked,
            dismissed=running.dismiss,
        )

    # -- clients

    def connected(self, sid: str) -> None:
        """Remember a client, so that nothing is begun for one who has left already."""
        running, user = self._ensure_running(), principal()
        with running.lock:
            running.came(sid, user, request.environ)

    def disconnected(self, sid: str, *, silent: bool = False) -> None:
        """Forget a client.

        :param silent: it was given up because it answers no more.
        """
        running = self._ensure_running()
        with running.lock:
            running.left(sid, silent=silent)

    # -- subscriptions

    def subscribe(self, subscriber: Subscriber, body: Mapping[str, Any]) -> str:
        """Begin a subscription in the current request context; the key of its live query.

        :raises SubscriptionError: with the code that the client is told.
        """
        running = self._ensure_running()
        running.allow(subscriber.sid)
        client = self._admit(running, subscriber)
        running.dispatcher.ensure_started()
        key = None
        while key is None:
            turn = running.turn
            # Flask-SocketIO's own context has the session as it was when the client connected
            with client.request.context(self.app):
                registered, params = self._asked(body)
                asked = Asked(build(registered, params, client.request), principal())
            key = self._begin(running, turn, subscriber, asked, Wish.of(registered, params))
        return key

    def unsubscribe(self, subscriber: Subscriber) -> None:
        running = self._ensure_running()
        with running.lock:
            running.drop(subscriber)
            running.runner.unsubscribe(subscriber)

    def resync(self, subscriber: Subscriber, *, mismatch: bool) -> None:
        """Send the window again.

        :param mismatch: the client found its rows wrong by their check.
        :raises SubscriptionError: when there is no such subscription, or the client asks too often.
        """
        running = self._ensure_running()
        running.allow(subscriber.sid)
        if mismatch:
            metrics.MISMATCHES.inc()
            logger.warning("a client's rows failed their check: it gets them anew")
        if not running.runner.resync(subscriber):
            raise SubscriptionError("bad_request", "there is no subscription with this id")

    def recheck(self, user: str | None = None) -> None:
        """Ask every subscriber's function again: it may refuse now, or return another statement.

        :param user: only subscribers whom Flask-Login knows by this id.
        """
        running = self._ensure_running()
        self._tell(running, Revocation(user))
        self.recheck_in(running, user)

    def dismiss(self, user: str | None = None) -> None:
        """End connections: browsers come again, with the cookies that they have by then.

        :param user: only of clients whom Flask-Login knows by this id.
        """
        running = self._ensure_running()
        self._tell(running, Revocation(user, dismiss=True))
        running.dismiss(user)

    def recheck_in(self, running: Running, user: str | None = None) -> None:
        """The same, for what runs already."""
        self._access.ask_again(running, user)

    def _tell(self, running: Running, revocation: Revocation) -> None:
        """Tell other processes; this one is told as well, which does no harm."""
        if isinstance(running.source, ServiceSource):
            tell = partial(running.source.revoke, revocation.user, dismiss=revocation.dismiss)
            running.runtime.call(tell)
            return
        try:
            running.runtime.call(self._whisper, running.source, self.whispers.said(revocation))
        except (SQLAlchemyError, SourceLost, SetupError):
            logger.warning("other processes can't be told whose access ends: they ask again within a minute")

    def _whisper(self, source: DatabaseSource, payload: str) -> None:
        if self.settings.wake == "poll":
            source.post(payload)
        with self.engine.begin() as connection:
            connection.execute(select(func.pg_notify("sa_notify", payload)))

    def recheck_coverage(self, running: Running) -> None:
        """Have everything read again if tables or their triggers changed."""
        if len(running.runner) and running.runtime.call(self._coverage_changed):
            running.runner.suspect()

    def recheck_outbox(self, running: Running) -> None:
        """Follow the outbox from now on, if only NOTIFY is followed and it can be."""
        if not running.runner.following or running.source.interest is not None or not len(running.runner):
            return
        if running.runtime.call(running.source.awaits_outbox):
            logger.info("the database has an outbox that can be followed now: doing that")
            running.source.interrupt()

    def stop(self) -> None:
        """End the feed and the tasks of this process, if any; the next client begins them anew."""
        running, self._running = self._running, None
        if running is not None:
            running.stop()

    # -- inside

    def _ensure_running(self) -> Running:
        running = self._running
        if running is not None and running.pid == os.getpid():
            return running
        with self._starting:
            if self._running is None or self._running.pid != os.getpid():
                self._running = Running(self)
                self._running.start(self)
            return self._running

    def _admit(self, running: Running, subscriber: Subscriber) -> Client:
        client = running.clients.get(subscriber.sid)
        if client is None:
            raise SubscriptionError("bad_request", "the client is not connected")
        if running.runner.has(subscriber):
            raise SubscriptionError("bad_request", "this id is in use: number each subscription anew")
        if running.runner.count(subscriber.sid) >= self.settings.max_subscriptions:
            limit = self.settings.max_subscriptions
            raise SubscriptionError("too_many", f"a client may have {limit} subscriptions")
        return client

    def _asked(self, body: Mapping[str, Any]) -> tuple[Registered, dict[str, Any]]:
        token, query = body.get("token"), body.get("query")
        if isinstance(token, str) and query is None:
            name, params = self.tokens.load(token)
            return self.find(name), params
        if token is not None or not isinstance(query, str):
            raise SubscriptionError("bad_request", "send either a query's name and params, or a token")
        asked = body.get("params", {})
        if not isinstance(asked, dict):
            raise SubscriptionError("invalid_params", "params must be an object")
        registered = self.find(query)
        if registered.token_only:
            raise SubscriptionError("forbidden", "this query takes a token that the server signed")
        return registered, asked

    def find(self, name: str) -> Registered:
        """The query of this name, an admin list's too.

        :raises SubscriptionError: ``unknown_query``.
        """
        admin: Mapping[str, Registered] = self.app.extensions.get("sa_notify.queries", {})
        found = self._queries.get(name) or admin.get(name)
        if found is None:
            raise SubscriptionError("unknown_query", "no query is registered under this name")
        return found

    def _begin(
        self, running: Running, turn: int, subscriber: Subscriber, asked: Asked, wish: Wish
    ) -> str | None:
        """Send what was asked for; ``None`` when somebody's access has ended since ``turn``."""
        with running.lock:
            if running.turn != turn:
                return None
            self._admit(running, subscriber)
            key = running.runner.subscribe(subscriber, asked.query)
            running.presence.belongs_to(subscriber.sid, asked.user)
            running.remember(subscriber, wish, key)
            return key

    def _coverage_changed(self) -> bool:
        with self.engine.connect() as connection:
            return self.coverage.changed(connection.execution_options(**READING))
