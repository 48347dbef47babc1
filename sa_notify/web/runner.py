"""Carries out what the hub decides: reads, waits and emits."""

import contextlib
import logging
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from sqlalchemy import Engine

from sa_notify import metrics
from sa_notify.change import ChangeSet
from sa_notify.dispatch.runtime import Runtime
from sa_notify.errors import SourceLost, SubscriptionError
from sa_notify.live import actions as act
from sa_notify.live.actions import Action, Subscriber
from sa_notify.live.hub import Hub
from sa_notify.live.query import Query, Reading, Rows
from sa_notify.source.interest import Interest, RowInterest
from sa_notify.web.desk import Desk
from sa_notify.web.emitter import Emitter
from sa_notify.web.failures import is_passing, log_failure, query_failed
from sa_notify.web.looking import Looker
from sa_notify.web.notices import Notices
from sa_notify.web.spending import Spending, Spent

logger = logging.getLogger(__name__)

#: What could not be proven for this long is no longer called live: a window, or that nothing was missed.
LIVE_SECONDS = 2.0

RETAKE_SECONDS = 1.0

#: A client that reads nothing of what waits for it for so long is cut off.
PATIENCE_SECONDS = 20.0


class Runner:
    """The hub of one process, its lock, and its hands.

    It is the receiver of the process's feed, and what the socket events call.

    :param forget_coverage: called when an epoch begins, before anything is read.
    :param interest: where to say which tables are wanted, in the current epoch; ``None`` when all are
        announced.
    :param engine: to read new values of rows with.
    :param budget: seconds of the database's time that reads may take in a second.
    """

    def __init__(
        self,
        runtime: Runtime,
        emitter: Emitter,
        forget_coverage: Callable[[], None],
        interest: Callable[[], Interest | None],
        engine: Callable[[], Engine],
        budget: float,
    ) -> None:
        self._runtime = runtime
        self._emitter = emitter
        self._forget_coverage = forget_coverage
        self._interest = interest
        self._looker = Looker(runtime, engine)
        self._desk = Desk(runtime, self)
        self._spending = Spending(budget, runtime.monotonic())
        self._hub = Hub(lambda: secrets.token_urlsafe(12), budget)
        self._lock = runtime.lock()
        #: Clients that are sent nothing before they have read what waits for them, and since when.
        self._behind: dict[str, float] = {}
        self._notices = Notices()
        self._epoch, self._position = "", 0
        #: Clients that were told last that what they see is not live.
        self._told_late: set[str] = set()

    # -- what the feed says

    def begin_epoch(self, epoch: str) -> None:
        with self._lock:
            metrics.EPOCHS.inc()
            self._forget_coverage()
            self._epoch, self._position = epoch, 0
            interest = self._interest()
            by_row = isinstance(interest, RowInterest)
            self._do(self._hub.begin_epoch(self._now(), gated=interest is not None, by_row=by_row))
            self._beat_all()

    def receive(self, changesets: Sequence[ChangeSet]) -> None:
        with self._lock:
            self._do(self._hub.receive(changesets, self._now()))
            metrics.CHANGES.inc(sum(len(changeset.changes) for changeset in changesets))
            if changesets:
                self._position = changesets[-1].position

    def proved(self, age: float) -> None:
        with self._lock:
            self._hub.proved(self._now() - age)
            self._watch()

    def lost(self) -> None:
        with self._lock:
            self._hub.lose_feed()
            self._beat_all()

    def suspect(self) -> None:
        """Have every query read again: what the hub believes may be wrong."""
        with self._lock:
            self._do(self._hub.suspect(self._now()))

    # -- what clients say

    def subscribe(self, subscriber: Subscriber, query: Query) -> str:
        """Begin to send; the key of the live query."""
        with self._lock:
            key, actions = self._hub.subscribe(subscriber, query, self._now())
            self._do(actions)
            return key

    def move(self, subscriber: Subscriber, query: Query) -> None:
        """Put a subscriber on another query, if it is another."""
        with self._lock:
            self._do(self._hub.move(subscriber, query, self._now()))

    def unsubscribe(self, subscriber: Subscriber) -> None:
        with self._lock:
            self._do(self._hub.unsubscribe(subscriber))

    def resync(self, subscriber: Subscriber) -> bool:
        """Send the window again; ``False`` when there is no such subscription."""
        with self._lock:
            actions = self._hub.resync(subscriber)
            self._do(actions or [])
            return actions is not None

    def close(self, subscriber: Subscriber, error: SubscriptionError) -> None:
        with self._lock:
            self._do(self._hub.close(subscriber, error.code, error.message))

    def disconnect(self, sid: str, *, silent: bool = False) -> None:
        """Forget a client.

        :param silent: it was given up because it answers no more.
        """
        with self._lock:
            self._hub.disconnect(sid)
            self._behind.pop(sid, None)
        if silent:
            self._emitter.backlog.cut(sid)

    def look_at(self, sid: str) -> None:
        """Give a client up if it has not answered a ping in time."""
        self._emitter.backlog.check(sid)

    def dismiss(self, sid: str) -> None:
        """End a client's connection."""
        self._emitter.backlog.end(sid)

    def has(self, subscriber: Subscriber) -> bool:
        """Whether a client uses this number."""
        with self._lock:
            return self._hub.subscriptions.has(subscriber)

    def count(self, sid: str) -> int:
        """How many subscriptions a client has."""
        with self._lock:
            return self._hub.subscriptions.count(sid)

    def first(self, key: str) -> Subscriber | None:
        """One of those who look at a query."""
        with self._lock:
            return self._hub.subscriptions.first(key)

    def beat(self) -> None:
        """Tell each client whether what it sees is proven up to date."""
        with self._lock:
            metrics.QUERIES.set(len(self._hub))
            self._spending.look(self._desk.busy, self._now())
            self._look_after_the_late()
            self._beat_all()

    def watch(self) -> None:
        """Tell clients at once when what they see is no longer live, or is again."""
        with self._lock:
            self._watch()

    def prove(self) -> None:
        """See whether a window is right."""
        with self._lock:
            self._do(self._hub.prove(self._now()))

    @property
    def queries(self) -> int:
        """How many there are; from any native thread."""
        return len(self._hub)

    @property
    def spent(self) -> Spent:
        """What reads cost the database lately, and may cost; from any native thread."""
        return self._spending.spent

    @property
    def healthy(self) -> bool:
        """Whether changes are heard, and it is known that none was missed."""
        return self._hub.sound(self._now(), LIVE_SECONDS)

    @property
    def following(self) -> bool:
        """Whether changes are heard."""
        return self._hub.following

    def keep(self) -> None:
        """Tell the source what is wanted; waits for it, so call it beside the loop."""
        interest = self._interest()
        with self._lock:
            wanted = self._hub.keep()
        with contextlib.suppress(SourceLost):  # the feed tells of that
            if isinstance(interest, RowInterest):
                interest.want(wanted)
            elif interest is not None:
                self._runtime.call_apart(interest.keep, wanted.tables)

    def __len__(self) -> int:
        with self._lock:
            return len(self._hub)

    # -- hands

    def _watch(self) -> None:
        live = self._live()
        changed = [sid for sid, is_live in live.items() if is_live is (sid in self._told_late)]
        self._beat(changed, live)

    def _beat_all(self) -> None:
        live = self._live()
        self._told_late.clear()
        self._beat(live, live)

    def _live(self) -> dict[str, bool]:
        """By client, whether all that it sees is proven."""
        sound, overdue = self.healthy, self._hub.overdue(self._now(), LIVE_SECONDS)
        metrics.FOLLOWING.set(sound)
        return {sid: sound and sid not in overdue for sid in self._hub.subscriptions.clients()}

    def _beat(self, clients: Iterable[str], live: Mapping[str, bool]) -> None:
        for sid in clients:
            if sid not in self._behind:
                (self._told_late.discard if live[sid] else self._told_late.add)(sid)
                self._emitter.heartbeat(sid, self._epoch, self._position, live[sid])

    def _do(self, actions: Iterable[Action]) -> None:
        asked = False
        for action in actions:
            self._hands[type(action)](self, action)
            asked = asked or isinstance(action, (act.Read, act.Patch))
        if asked:
            self._desk.begin()

    def _read(self, action: act.Read) -> None:
        query = self._hub.query(action.key)
        if query is not None:
            self._desk.put(action.key, query)

    def _patch(self, action: act.Patch) -> None:
        query = self._hub.query(action.key)
        if query is not None:
            self._desk.put(action.key, query, action.rows)

    def _wait(self, action: act.Wait) -> None:
        self._runtime.later(action.seconds, self._due, action.key, action.turn)

    def _take_soon(self, action: act.Take) -> None:
        self._soon(action.seconds, self._take, action)

    def _look_soon(self, action: act.Look) -> None:
        self._soon(action.seconds, self._look, action)

    def _soon(self, seconds: float, task: Callable[[Any], None], action: Action) -> None:
        if seconds:
            self._runtime.later(seconds, task, action)
        else:
            self._runtime.spawn(task, action)

    def _greet_soon(self, action: act.Greet) -> None:
        self._runtime.spawn(self._greet, action.key)

    def _snapshot(self, action: act.SendSnapshot) -> None:
        if action.subscriber.sid in self._behind:
            return
        self._emitter.snapshot(action)
        if not self.healthy:
            self._beat([action.subscriber.sid], {action.subscriber.sid: False})

    def _diff(self, action: act.SendDiff) -> None:
        self._emitter.diff(action)
        for sid in self._hub.subscriptions.audience(action.key):
            if sid not in self._behind and self._emitter.backlog.full(sid):
                self._leave_behind(sid)

    def _join(self, action: act.Join) -> None:
        if action.sid not in self._behind:
            self._emitter.join(action.sid, action.key)

    def _leave_behind(self, sid: str) -> None:
        """Send no diffs to a client that does not read: it gets a snapshot when it does."""
        metrics.BEHIND.inc()
        self._behind[sid] = self._now()
        for key in self._hub.subscriptions.keys(sid):
            self._emitter.leave(sid, key)

    def _look_after_the_late(self) -> None:
        for sid, since in list(self._behind.items()):
            if self._emitter.backlog.empty(sid):
                del self._behind[sid]
                for subscriber in self._hub.subscriptions.of_client(sid):
                    self._do(self._hub.resync(subscriber) or [])
            elif self._now() - since > PATIENCE_SECONDS:
                metrics.CUT.inc()
                logger.warning("a client is cut off: it has read nothing for %s s", PATIENCE_SECONDS)
                self._emitter.backlog.cut(sid)

    _hands: ClassVar[dict[type[Action], Callable[[Any, Any], None]]] = {
        act.Read: _read,
        act.Patch: _patch,
        act.Wait: _wait,
        act.Take: _take_soon,
        act.Look: _look_soon,
        act.Greet: _greet_soon,
        act.SendSnapshot: _snapshot,
        act.SendDiff: _diff,
        act.SendClosed: lambda self, action: self._emitter.closed(action),
        act.Join: _join,
        act.Leave: lambda self, action: self._emitter.leave(action.sid, action.key),
        act.Warn: lambda self, action: self._notices.warn(action),
        act.Diverged: lambda self, action: self._notices.diverged(action),
    }

    # -- tasks

    def _greet(self, key: str) -> None:
        with self._lock:
            self._do(self._hub.greet(key, self._now()))

    def _due(self, key: str, turn: int) -> None:
        with self._lock:
            self._do(self._hub.due(key, turn, self._now()))

    def _take(self, action: act.Take) -> None:
        with self._lock:
            interest = self._interest() if self._hub.awaits(action) else None
            if isinstance(interest, RowInterest):
                interest.want(self._hub.told_with(action))
        if interest is None:  # another epoch, which asks anew
            return
        take = interest.capture if isinstance(interest, RowInterest) else interest.take
        try:
            stand = self._runtime.call_apart(take, action.tables)
        except SourceLost:
            # the next epoch makes this void; should there be none, nobody must wait for ever
            self._runtime.later(RETAKE_SECONDS, self._take, action)
            return
        except Exception:
            logger.exception("tables can't be asked for: what reads them goes by the clock")
            stand = frozenset()
        with self._lock:
            self._do(self._hub.taken(action, stand, self._now()))

    def _look(self, action: act.Look) -> None:
        with self._lock:
            wanted = self._hub.look(action)
        if wanted is None:  # everything is read again
            return
        looked, took, bar = self._looker.look(wanted)
        with self._lock:
            self._do(self._hub.looked(action, looked, self._now(), took, bar=bar))

    # -- what the desk has read

    def wanted(self, key: str) -> bool:
        with self._lock:
            return self._hub.query(key) is not None

    def finished(self, key: str, reading: Reading, seconds: float) -> None:
        with self._lock:
            self._do(self._hub.finished(key, reading, self._now(), seconds))

    def rows(self, key: str, rows: Rows, seconds: float) -> None:
        with self._lock:
            self._do(self._hub.patched(key, rows.rows, self._now(), seconds))

    def failed(self, key: str, query: Query, error: Exception) -> None:
        log_failure(logger, query.name, error)
        told = query_failed(error)
        with self._lock:
            self._do(self._hub.failed(key, is_passing(error), told.code, told.message))

    def _now(self) -> float:
        return self._runtime.monotonic()
