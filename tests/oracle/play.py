"""Plays a script on a world, and finds what is wrong."""

import contextlib
import traceback
from collections.abc import Iterator
from typing import Any

from sqlalchemy.exc import DBAPIError, OperationalError

from tests.oracle.counting import Seen
from tests.oracle.script import Event
from tests.oracle.stage import Stage
from tests.oracle.variants import applies, differ, variants
from tests.oracle.world import World, run_sql

_WRITING = ("begin", "try", "undo", "bare", "commit", "rollback", "meanwhile")


def play(world: World, script: dict[str, Any]) -> tuple[list[str], Seen]:
    """What was wrong at the first rest at which something was, and what became of the changes."""
    world.reset(script["rows"])
    with Stage(world, script["queries"], script["order"], script["pace"]) as stage:
        player = _Player(world, stage)
        try:
            for event in [*script["events"], ["rest"]]:
                player.do(event)
                if player.found:
                    break
        except Exception as error:
            # of the engine, in what it was told or asked: as wrong as a wrong window
            player.found.append(
                "raised: " + "".join(traceback.format_exception(error.__cause__ or error)[-3:])
            )
        finally:
            player.end()
        return player.found, stage.seen


class _Player:
    """Does what events say; those that make no sense (any more) do nothing."""

    def __init__(self, world: World, stage: Stage) -> None:
        self._world, self._stage = world, stage
        self._waiting: list[list[Any]] = []
        self._varied: list[tuple[str, list[int]]] = []
        #: Writers who let nobody read a table: nobody would end them while the engine waits.
        self._exclusive: set[int] = set()
        self.found: list[str] = []
        stage.between = self._between

    def do(self, event: Event) -> None:
        """One event."""
        if event[0] not in _WRITING:
            self._let_read()
        getattr(self, f"_{event[0]}")(*event[1:])

    def end(self) -> None:
        """Nothing is left open."""
        self._waiting.clear()
        for writer in self._world.writers:
            writer.rollback()

    def _relations(self) -> Iterator[str]:
        for kind, names in self._varied:
            windows = [self._stage.window("variants", number) for number in names]
            if all(window.rows is not None for window in windows):
                shown: Any = [window.rows for window in windows]
                if what := differ(kind, shown):
                    yield f"{self._stage.queries[f'v{names[0]}']}, {kind}: {what}"

    def _between(self, where: str) -> None:
        for entry in list(self._waiting):
            if entry[0] == where:
                entry[1] -= 1
                if entry[1] < 0 and entry in self._waiting:
                    self._waiting.remove(entry)
                    for event in entry[2]:
                        self.do(event)
                    self._let_read()

    def _let_read(self) -> None:
        for writer in sorted(self._exclusive):
            self._commit(writer)

    # -- clients

    def _subscribe(self, sid: str, id_: int, name: str) -> None:
        if name in self._stage.queries:
            self._stage.subscribe(sid, id_, name)

    def _unsubscribe(self, sid: str, id_: int) -> None:
        if id_ in self._stage.wire.windows.get(sid, {}):
            self._stage.unsubscribe(sid, id_)

    def _resync(self, sid: str, id_: int) -> None:
        self._stage.resync(sid, id_)

    def _lag(self, sid: str) -> None:
        if sid in self._stage.wire.windows:
            self._stage.wire.stop_reading(sid)

    def _read(self, sid: str) -> None:
        self._stage.wire.read(sid)
        self._stage.runner.beat()

    def _turn(self, name: str, other: str) -> None:
        if {name, other} <= self._stage.queries.keys():
            # who asks again for clients is failed by no reading of theirs
            waiting, self._waiting = self._waiting, []
            self._stage.turn(name, other)
            self._waiting = waiting

    def _vary(self, name: str, kind: str) -> None:
        """Look at what must show the same as a query."""
        query = self._stage.queries.get(name)
        if query is not None and applies(query):
            made = variants(query, kind)
            first = sum(len(names) for _, names in self._varied)
            names = list(range(first, first + len(made)))
            for number, variant in zip(names, made, strict=True):
                self._stage.add(f"v{number}", variant)
                self._stage.subscribe("variants", number, f"v{number}")
            self._varied.append((kind, names))

    def _leave(self, sid: str) -> None:
        self._stage.leave(sid)

    # -- writers

    def _begin(self, writer: int, level: str) -> None:
        connection = self._world.writers[writer]
        if not connection.in_transaction():
            connection.exec_driver_sql(f"SET TRANSACTION ISOLATION LEVEL {level}")

    def _try(self, writer: int, sql: str) -> None:
        with contextlib.suppress(DBAPIError), self._world.writers[writer].begin_nested():
            self._execute(writer, sql)

    def _undo(self, writer: int, sql: str) -> None:
        savepoint = self._world.writers[writer].begin_nested()
        with contextlib.suppress(DBAPIError):
            self._execute(writer, sql)
        savepoint.rollback()

    def _bare(self, writer: int, sql: str) -> None:
        try:
            self._execute(writer, sql)
        except DBAPIError:
            self._rollback(writer)

    def _execute(self, writer: int, sql: str) -> None:
        self._stage.seen.counts["statements written"] += 1
        try:
            run_sql(self._world.writers[writer], sql)
            if sql.startswith("TRUNCATE"):
                self._exclusive.add(writer)
        except DBAPIError:
            self._stage.seen.counts["statements refused"] += 1
            raise

    def _commit(self, writer: int) -> None:
        connection = self._world.writers[writer]
        self._exclusive.discard(writer)
        if connection.in_transaction():
            try:
                connection.commit()
            except DBAPIError:  # could not be serialised
                connection.rollback()
            self._stage.seen.counts["commits"] += 1
            self._stage.committed()

    def _rollback(self, writer: int) -> None:
        self._exclusive.discard(writer)
        self._world.writers[writer].rollback()

    # -- the engine

    def _meanwhile(self, where: str, skip: int, events: list[Event]) -> None:
        self._waiting.append([where, skip, events])

    def _follow(self) -> None:
        self._stage.follow()

    def _run(self, count: int) -> None:
        for _ in range(count):
            self._stage.runtime.run_one()

    def _wait(self, seconds: float) -> None:
        until = self._stage.runtime.now + seconds
        while self._stage.runtime.run_one() or self._stage.runtime.advance(until):
            pass

    def _prove(self) -> None:
        self._stage.runner.prove()

    def _suspect(self) -> None:
        self._stage.runner.suspect()

    def _keep(self) -> None:
        self._stage.runner.keep()

    def _break(self, events: list[Event]) -> None:
        if not any(writer.in_transaction() for writer in self._world.writers):
            self._stage.break_feed(lambda: [self.do(event) for event in events] and None)

    def _rest(self) -> None:
        self._stage.settle()
        self.found += self._stage.check()
        self.found += self._relations()

    def _same(self, sql: str) -> None:
        """A statement that changes nothing changes no window."""
        self._commit(0)
        self._rest()
        self._waiting.clear()  # what is yet to come between reads would change windows meanwhile
        before = self._versions()
        self._bare(0, sql)
        self._commit(0)
        self._rest()
        after = self._versions()  # without those of clients who were sent away meanwhile
        told = [place for place in after if after[place] != before.get(place)]
        if told and not self.found:
            self.found.append(f"{sql} changes nothing, and made {before} {after}")

    def _versions(self) -> dict[tuple[str, int], int]:
        windows = self._stage.wire.windows
        return {(sid, id_): window.version for sid in windows for id_, window in windows[sid].items()}

    def _fail(self) -> None:
        """The database is away for a moment."""
        raise OperationalError("", {}, RuntimeError("the connection is lost"))
