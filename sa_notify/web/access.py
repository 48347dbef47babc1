"""Asks again, for each subscriber, whether it still may see what it sees."""

import logging
from typing import TYPE_CHECKING, NamedTuple

from flask import Flask

from sa_notify.errors import SubscriptionError
from sa_notify.live import few
from sa_notify.live.actions import Subscriber
from sa_notify.live.query import Query
from sa_notify.web.client import Wish
from sa_notify.web.context import SavedRequest
from sa_notify.web.failures import is_passing, log_failure, query_failed
from sa_notify.web.queries import build
from sa_notify.web.tokens import principal

logger = logging.getLogger(__name__)

if TYPE_CHECKING:
    from sa_notify.web.running import Running


class Asked(NamedTuple):
    """What a function has answered, and for whom."""

    query: Query
    user: str | None


class Access:
    """Calls functions on behalf of those who have subscribed."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    def ask_again(self, running: "Running", user: str | None) -> None:
        """Close whoever is refused now, and move whoever is given another statement.

        :param user: only of this user, whoever that is in a client's session by now, or was when it came.
        """
        with running.lock:
            running.turn += 1
            known = running.presence.of(user)
            others = running.clients.keys() - set(known)
        for sid in known:
            self._client(running, sid, None)
        for sid in others:
            self._client(running, sid, user)

    # -- inside

    def _client(self, running: "Running", sid: str, user: str | None) -> None:
        with running.lock:
            client = running.clients.get(sid)
            asked = [] if client is None else [*few.items(client.wishes)]
        for id_, wish in asked:
            subscriber = Subscriber(sid, id_)
            if client is not None and running.runner.has(subscriber):
                self._one(running, subscriber, wish, client.request, user)
            else:  # closed, because its query failed
                self._drop_closed(running, subscriber, wish)

    def _one(
        self, running: "Running", subscriber: Subscriber, wish: Wish, made: SavedRequest, user: str | None
    ) -> None:
        stands = False
        while not stands:
            turn = running.turn
            try:
                # beside the loop: user loaders read the database, with a driver that may block
                asked = running.runtime.call(self._ask, wish, made, user)
            except SubscriptionError as error:
                # while the database is away nothing is shown either; the next recheck decides
                if not is_passing(error.__cause__):
                    self._end(running, subscriber, wish, error)
                return
            stands = asked is None or self._move(running, turn, subscriber, wish, asked)

    def _move(self, running: "Running", turn: int, subscriber: Subscriber, wish: Wish, asked: Asked) -> bool:
        """Do as the answer says; ``False`` when it is older than the last that is to be asked again for."""
        with running.lock:
            if running.turn != turn:
                return False
            if running.wish(subscriber) is wish:
                running.presence.belongs_to(subscriber.sid, asked.user)
                running.runner.move(subscriber, asked.query)
            return True

    def _ask(self, wish: Wish, made: SavedRequest, user: str | None) -> Asked | None:
        try:
            with made.context(self._app):
                if user is not None and principal() != user:
                    return None
                return Asked(build(wish.registered, wish.params, made), principal())
        except SubscriptionError:
            raise
        except Exception as error:
            # of a store of sessions, or of what loads users: others are asked all the same
            log_failure(logger, wish.registered.name, error)
            raise query_failed(error) from error

    def _end(self, running: "Running", subscriber: Subscriber, wish: Wish, error: SubscriptionError) -> None:
        with running.lock:
            if running.wish(subscriber) is wish:  # the client may have used its number again
                running.drop(subscriber)
                running.runner.close(subscriber, error)

    def _drop_closed(self, running: "Running", subscriber: Subscriber, wish: Wish) -> None:
        with running.lock:
            if running.wish(subscriber) is wish and not running.runner.has(subscriber):
                running.drop(subscriber)
