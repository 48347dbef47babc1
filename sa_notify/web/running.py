"""What one process runs while it has clients: the feed, the hub, and what is done again and again."""

import logging
import os
import socket
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sa_notify import metrics
from sa_notify.dispatch.backoff import CAP_SECONDS
from sa_notify.dispatch.embedded import EmbeddedDispatcher
from sa_notify.dispatch.runtime import Runtime
from sa_notify.errors import SubscriptionError
from sa_notify.live import few
from sa_notify.live.actions import Subscriber
from sa_notify.source.service.source import ServiceSource
from sa_notify.web.allowance import Allowance
from sa_notify.web.arrivals import Departures
from sa_notify.web.client import Client, Wish
from sa_notify.web.context import SavedRequest
from sa_notify.web.emitter import Emitter
from sa_notify.web.failures import is_passing
from sa_notify.web.presence import Presence
from sa_notify.web.runner import Runner
from sa_notify.web.runtimes import runtime_for

if TYPE_CHECKING:
    from sa_notify.web.live_app import LiveApp

logger = logging.getLogger(__name__)

BEAT_SECONDS = 2.0

#: How long the first epoch of a process may take before it counts as missing.
BEGIN_SECONDS = 2.0

#: How soon a proof that stays away is noticed.
WATCH_SECONDS = 0.25

#: How often the catalog is asked whether all changes of the tables read are still announced: DDL is not.
COVERAGE_SECONDS = 5.0

#: How often the source hears which tables are wanted; it drops others 30 s after they last were.
KEEP_SECONDS = 5.0

#: How often at least to look for a dispatcher, or a Redis, that is away: to ask costs them next to nothing.
REDIS_SECONDS = 1.0

#: How often a process that follows NOTIFY looks whether the database has an outbox by now.
OUTBOX_SECONDS = 10.0


class Running:
    """What exists only in a process that has clients: a forked child makes its own."""

    def __init__(self, app: "LiveApp") -> None:
        self.pid = os.getpid()
        self.stopped = False
        self._since = time.time()
        self.runtime: Runtime = runtime_for(app.socketio.async_mode)
        self.source = app.source(self)
        self._app = app
        self._begins_until = self.runtime.monotonic() + BEGIN_SECONDS
        self.runner = Runner(
            self.runtime,
            Emitter(app.socketio),
            self._begin_epoch,
            lambda: self.source.interest,
            lambda: app.engine,
            app.settings.database_budget,
        )
        slowest = REDIS_SECONDS if isinstance(self.source, ServiceSource) else CAP_SECONDS
        self.dispatcher = EmbeddedDispatcher(self.source, self.runner, self.runtime, slowest=slowest)
        self.clients: dict[str, Client] = {}
        self.presence = Presence(self._present)
        #: Grows whenever access is asked for again: what was answered before may be so no longer.
        self.turn = 0
        self._departures = Departures()
        self.lock = self.runtime.lock()

    def start(self, app: "LiveApp") -> None:
        """Begin to listen and to beat."""
        self.dispatcher.ensure_started()
        self.runtime.spawn(self._every, BEAT_SECONDS, self.runner.beat)
        self.runtime.spawn(self._every, BEAT_SECONDS, self.look_for_the_dead)
        self.runtime.spawn(self._every, app.settings.recheck_seconds, lambda: app.recheck_in(self))
        seconds = min(COVERAGE_SECONDS, app.settings.recheck_seconds)
        self.runtime.spawn(self._every, seconds, lambda: app.recheck_coverage(self))
        self.runtime.spawn(self._every, KEEP_SECONDS, self.runner.keep)
        self.runtime.spawn(self._every, WATCH_SECONDS, self.runner.watch)
        self.runtime.spawn(self._every, app.settings.proof_seconds, self.runner.prove)
        self.runtime.spawn(self._every, OUTBOX_SECONDS, lambda: app.recheck_outbox(self))

    @property
    def begins(self) -> bool:
        """Whether it has run for a moment only."""
        return self.runtime.monotonic() < self._begins_until

    def came(self, sid: str, user: str | None, environ: dict[str, Any]) -> None:
        """A client has connected."""
        settings = self._app.settings
        burst = 2 * settings.max_subscriptions
        allowance = Allowance(burst, settings.max_requests, self.runtime.monotonic())
        self.clients[sid] = Client(SavedRequest.of(environ), allowance)
        metrics.CLIENTS.set(len(self.clients))
        self.presence.came(sid, user)
        if self._departures.concerns(user, environ):
            self.runtime.spawn(self.runner.dismiss, sid)

    def left(self, sid: str, *, silent: bool) -> None:
        """A client is gone.

        :param silent: it was given up because it answers no more.
        """
        self.clients.pop(sid, None)
        metrics.CLIENTS.set(len(self.clients))
        self.presence.left(sid)
        self.runner.disconnect(sid, silent=silent)

    def look_for_the_dead(self) -> None:
        """Give up clients that have not answered a ping in time."""
        with self.lock:
            sids = list(self.clients)
        for sid in sids:
            self.runner.look_at(sid)

    def allow(self, sid: str) -> None:
        """Count a request.

        :raises SubscriptionError: ``too_many``, when the client makes more than it may.
        """
        client = self.clients.get(sid)
        if client is not None and (seconds := client.allowance.take(self.runtime.monotonic())):
            raise SubscriptionError("too_many", "too many requests: ask more slowly", seconds)

    def revoked(self, user: str | None) -> None:
        """Another worker says that somebody's access is to be asked for again."""
        self.runtime.spawn(self._app.recheck_in, self, user)

    def whispered(self, payload: str) -> None:
        """Another process, or this one, says something by NOTIFY."""
        told = self._app.whispers.meant(payload, self._users)
        if told is not None:
            (self.dismiss if told.dismiss else self.revoked)(told.user)

    def _users(self) -> set[str | None]:
        with self.lock:
            return self.presence.users

    def dismiss(self, user: str | None) -> None:
        """End the connections of a user's clients, or of all; those too that are being made."""
        with self.lock:
            self._departures.ended(user)
            sids = self.presence.of(user)
        for sid in sids:
            self.runtime.spawn(self.runner.dismiss, sid)

    def about(self) -> dict[str, Any]:
        """What this worker says of itself."""
        return {
            "host": socket.gethostname(), "pid": self.pid, "since": self._since,
            "clients": len(self.clients), "queries": self.runner.queries,
            "database_used": self.runner.spent.used, "database_budget": self.runner.spent.budget,
        }  # fmt: skip

    def stop(self) -> None:
        """End what was started; returns at once."""
        self.stopped = True
        self.dispatcher.stop()

    # -- what clients have asked for

    def wish(self, subscriber: Subscriber) -> Wish | None:
        """What a client has under a number."""
        client = self.clients.get(subscriber.sid)
        return None if client is None else few.find(client.wishes, subscriber.id)

    def remember(self, subscriber: Subscriber, wish: Wish, key: str) -> None:
        """A client looks at a query: keep what it asked for, as others have it if they asked for the same."""
        first = self.runner.first(key)
        others = None if first is None else self.wish(first)
        client, shared = self.clients[subscriber.sid], others if others == wish else None
        client.wishes = few.put(client.wishes, subscriber.id, shared or wish)
        self._present_one(subscriber.sid, client)

    def drop(self, subscriber: Subscriber) -> None:
        """A client does not look at it any more."""
        client = self.clients.get(subscriber.sid)
        if client is not None:
            client.wishes = few.without(client.wishes, subscriber.id)
            self._present_one(subscriber.sid, client)

    def _present_one(self, sid: str, client: Client) -> None:
        self.presence.looks_at(sid, {wish.registered.name for _, wish in few.items(client.wishes)})

    def _begin_epoch(self) -> None:
        self._app.coverage.begin_epoch(self.source.unread)
        self.presence.again()

    def _present(self, clients: dict[str, Mapping[str, Any] | None]) -> None:
        if isinstance(self.source, ServiceSource):
            self.source.present(clients)

    def _every(self, seconds: float, function: Callable[[], None]) -> None:
        self.runtime.sleep(seconds)
        while not self.stopped:
            began = self.runtime.monotonic()
            try:
                function()
            except Exception as error:
                passing = is_passing(error)
                logger.log(
                    logging.WARNING if passing else logging.ERROR, "a periodic task failed; it goes on"
                )
                logger.log(logging.DEBUG if passing else logging.ERROR, "it failed so", exc_info=error)
            # so often, however long it takes; but never without a pause
            self.runtime.sleep(max(seconds / 2, seconds - (self.runtime.monotonic() - began)))
