"""The whole web side of sa_notify in one thread: an application, its clients, and a source read on demand."""

import json
import logging
from collections.abc import Callable
from typing import Any, Self
from unittest.mock import patch

from flask import Flask
from sqlalchemy.orm import Session

from sa_notify.errors import SourceLost
from sa_notify.live.actions import Subscriber
from sa_notify.live.shape import Shape, prepare, total_statement
from sa_notify.live.state import LiveQuery
from sa_notify.web import running as running_module
from sa_notify.web.live_app import LiveApp
from sa_notify.web.queries import FunctionQuery
from sa_notify.web.running import Running
from tests.oracle.counting import Counting, Seen
from tests.oracle.runtime import StageRuntime
from tests.oracle.selects import Query, build, key_labels, tables
from tests.oracle.wire import Wire
from tests.oracle.world import World
from tests.protocol import Window

#: What is shown is right, or visibly not live, after so long without changes.
LATE_SECONDS = 2.1
#: And live again after so long.
LIVE_SECONDS = 30.0
#: More tasks between two changes are no rest.
TASKS = 20_000


class Stage:
    """Clients of an application on a world.

    :param queries: by the name that they are registered under.
    """

    def __init__(self, world: World, queries: dict[str, Query], order: int = 0, pace: float = 0.0) -> None:
        self.world, self.queries = world, queries
        self.runtime = StageRuntime(order, pace)
        self.wire = Wire()
        self.faults: list[str] = []
        self.seen = Seen()
        self._shown: dict[tuple[str, int], str] = {}
        self._means: dict[str, str] = {}
        self._statements: dict[str, tuple[Any, Shape, Any]] = {}
        self._owed = self._turned = False
        self._app = _application()
        self._registered: dict[str, Any] = {}
        for name in queries:
            self._register(name)
        wire: Any = self.wire
        self._live_app = LiveApp(self._app, wire, lambda: world.engine, self._registered)
        self._app.extensions["sa_notify"] = self._live_app
        with patch.object(running_module, "runtime_for", lambda _: self.runtime):
            self._running: Any = Running(self._live_app)
        self._running.source, self._running.dispatcher = world.source, _Started()
        self._live_app._running = self._running
        self.runner = self._running.runner
        self._hub = self.runner._hub
        self._counting = Counting(self.runner, self.seen, self.wire.diffs)
        self._log = _Log(self.faults)

    def __enter__(self) -> Self:
        logging.getLogger("sa_notify").addHandler(self._log)
        self.world.executed = self._executed
        self.world.have_captured()
        self.runner.begin_epoch(self.world.source.epoch)
        return self

    def __exit__(self, *_: object) -> None:
        self.world.executed = lambda: None
        logging.getLogger("sa_notify").removeHandler(self._log)

    @property
    def between(self) -> Callable[[str], None]:
        """Called before and after what blocks, and after each statement in it, unless a lock is held."""
        return self.runtime.between

    @between.setter
    def between(self, function: Callable[[str], None]) -> None:
        self.runtime.between = lambda where: None if self.runtime.locked else function(where)

    # -- clients

    def subscribe(self, sid: str, id_: int, name: str) -> None:
        """A client begins to look at a query."""
        if sid not in self._running.clients:
            with self._app.test_request_context():
                self._live_app.connected(sid)
        if id_ in self.wire.windows[sid]:
            self.unsubscribe(sid, id_)
        window = self.wire.windows[sid][id_] = Window(id_)
        with self._app.test_request_context():
            key = self._live_app.subscribe(Subscriber(sid, id_), {"query": name, "params": {}})
        window.key = window.key or key
        self._shown[sid, id_] = name

    def unsubscribe(self, sid: str, id_: int) -> None:
        """And looks away."""
        self._live_app.unsubscribe(Subscriber(sid, id_))
        self.wire.windows[sid].pop(id_, None)
        self._shown.pop((sid, id_), None)

    def leave(self, sid: str) -> None:
        """The client's connection ends."""
        if sid in self._running.clients:
            self._live_app.disconnected(sid)
        self.wire.drop(sid)
        for place in [place for place in self._shown if place[0] == sid]:
            del self._shown[place]

    def resync(self, sid: str, id_: int) -> None:
        """The client asks for its window anew."""
        if (sid, id_) in self._shown:
            self._live_app.resync(Subscriber(sid, id_), mismatch=False)

    def add(self, name: str, query: Query) -> None:
        """Another query that may be subscribed to."""
        self.queries[name] = query
        self._register(name)

    def turn(self, name: str, other: str) -> None:
        """The function of a query returns from now on what another's does, and is asked again."""
        one, two = self.queries[self._means.get(name, name)], self.queries[other]
        if key_labels(one) == key_labels(two) and bool(one.get("total")) == bool(two.get("total")):
            self._means[name], self._turned = other, True
            self._live_app.recheck_in(self._running)

    def window(self, sid: str, id_: int) -> Window:
        """What a client holds under a number."""
        return self.wire.windows[sid][id_]

    # -- the feed

    def follow(self) -> None:
        """Receive all that is committed."""
        self._owed = False
        try:
            self._receive()
        except SourceLost:
            # a machine so loaded that nothing was read for many seconds
            self.seen.counts["losses"] += 1
            self.break_feed(lambda: None)

    def _receive(self) -> None:
        source = self.world.source
        changesets = source.ping()
        while changesets:
            self.seen.counts["changesets"] += len(changesets)
            for changeset in changesets:
                self.seen.counts.update(change.op for change in changeset.changes)
                self._counting.changed |= {change.table.partition(".")[2] for change in changeset.changes}
            self.runner.receive(changesets)
            changesets = source.read()
        self._audit()
        self.runner.proved(source.age)

    def _audit(self) -> None:
        """Nothing that was called irrelevant has changed a result: what nobody reads again is right."""
        if self._turned:
            return  # whose functions return other statements, which nobody has asked for yet
        for live in list(self._hub.subscriptions.all()):
            first = self._hub.subscriptions.first(live.key)
            place = first and (first.sid, first.id)
            if not live.idle or place not in self._shown or self._owed or self._undecided(live):
                continue
            name = self._means.get(self._shown[place], self._shown[place])
            if self._counting.changed.isdisjoint(tables(self.queries[name])):
                continue
            shown, expected = _text(live.window.rows, live.window.total), self._fresh(name)
            self.seen.counts["skips audited"] += 1
            if shown != expected:
                self.faults.append(
                    f"{name} is not read again, and holds\n  {shown}\nbut SQL says\n  {expected}"
                )

    def _undecided(self, live: LiveQuery) -> bool:
        """Changes of what it reads wait for values that they did not carry."""
        return bool(self._hub._hearing._looking.holds(live.tables or ()))

    def committed(self) -> None:
        """Something was, which nobody has received yet."""
        self._owed = True

    def break_feed(self, meanwhile: Callable[[], None]) -> None:
        """Nothing is heard of what happens meanwhile."""
        self.runner.lost()
        self.world.source.close()
        meanwhile()
        self.world.source.open()
        self.runner.begin_epoch(self.world.source.epoch)
        self._counting.changed |= set(self.world.models)

    # -- rest

    def settle(self) -> None:
        """All tasks come to their end, and clients hear whether what they see is live."""
        tasks, end, limit = 0, self.runtime.now + LATE_SECONDS, self.runtime.now + LIVE_SECONDS
        while True:
            if self._owed:
                self.follow()
                end = self.runtime.now + LATE_SECONDS
            if self.runtime.run_one() or self.runtime.advance(end):
                tasks += 1
                if tasks > TASKS:
                    raise AssertionError("the engine does not come to rest")
                continue
            if self._owed:
                continue
            self.follow()
            self.runner.beat()
            for sid in list(self.wire.cut):
                self.leave(sid)
            reading = [sid for sid in self.wire.windows if not self.wire.lags(sid)]
            if all(map(self.wire.live.get, reading)) or end >= limit:
                return
            end += LATE_SECONDS

    def check(self) -> list[str]:
        """What is wrong with what the clients hold; of those who have stopped reading nothing is expected."""
        found, self.faults[:], self._turned = list(self.faults), [], False
        expected: dict[str, str] = {}
        asked = {place: name for place, name in sorted(self._shown.items()) if not self.wire.lags(place[0])}
        for (sid, id_), name in asked.items():
            window, meant = self.window(sid, id_), self._means.get(name, name)
            said = f"{sid}/{id_} {meant}:"
            found += [f"{said} {fault}" for fault in window.faults]
            if window.closed is not None:
                found.append(f"{said} closed, {window.closed['message']}")
            elif not self.wire.live.get(sid):
                found.append(f"{said} is not told to be live after {LIVE_SECONDS:.0f} s")
            else:
                expected[meant] = expected.get(meant) or self._fresh(meant)
                if (shown := _text(window.rows, window.total)) != expected[meant]:
                    found.append(f"{said} shows\n  {shown}\nbut SQL says\n  {expected[meant]}")
        self._count(asked)
        return found

    # -- inside

    def _register(self, name: str) -> None:
        key, total = key_labels(self.queries[name]), bool(self.queries[name].get("total"))
        make = lambda: build(self.world, self.queries[self._means.get(name, name)])  # noqa: E731  (parameters)
        self._registered[name] = FunctionQuery(
            make, name=name, key=key, total=total, refresh=2.0, token_only=False
        )

    def _executed(self) -> None:
        self.seen.counts["statements of the engine"] += 1
        self.between("statement")

    def _fresh(self, name: str) -> str:
        if name not in self._statements:
            query = self.queries[name]
            statement = prepare(build(self.world, query))
            total = total_statement(statement) if query.get("total") else None
            self._statements[name] = statement, Shape(statement, key=key_labels(query)), total
        statement, shape, total = self._statements[name]
        with Session(self.world.watching) as session:
            rows = shape.rows(session.execute(statement))
            count = None if total is None else session.scalar(total)
        return _text(rows, count)

    def _count(self, asked: dict[tuple[str, int], str]) -> None:
        self.seen.counts["rests"] += 1
        self.seen.counts["windows compared"] += len(asked)
        queries = ((self.window(*place).key or "", self.queries[name]) for place, name in asked.items())
        self._counting.rest((key, tables(query)) for key, query in queries)


class _Started:
    """The stage follows the source itself."""

    def ensure_started(self) -> None:
        pass

    def stop(self) -> None:
        pass


class _Log(logging.Handler):
    """An error in the log is a fault."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._faults = faults

    def emit(self, record: logging.LogRecord) -> None:
        told = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            told += f": {record.exc_info[1]!r:.500}"
        self._faults.append(f"logged: {told}")


def _application() -> Flask:
    app = Flask(__name__)
    limits = {"SA_NOTIFY_MAX_SUBSCRIPTIONS": 1000, "SA_NOTIFY_MAX_REQUESTS": 1e9}
    app.config.update(SECRET_KEY="oracle", **limits)
    return app


def _text(rows: Any, total: Any) -> str:
    """A window so that 1, 1.0 and true differ."""
    shown = [f"{key} {json.dumps(values, sort_keys=True)}" for key, values in rows or ()]
    return f"total {total}: " + (" | ".join(shown) if rows is not None else "nothing yet")
