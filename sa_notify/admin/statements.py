"""Which tables a list page is made of: those of the statements that really ran for it."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, TableClause, TextClause, event
from sqlalchemy.engine.interfaces import Compiled
from sqlalchemy.orm import Session

from sa_notify.admin.excluded import doubts_of
from sa_notify.capture.coverage import TableKey
from sa_notify.live.bodies import Bodies, Body, bodies_of, key_of, looked_at
from sa_notify.live.dependencies import Dependencies, dependencies
from sa_notify.live.words import Name

_TEXT = (
    "the view executes SQL written as text: name the tables that it reads in realtime_tables, or write it "
    "with SQLAlchemy's constructs"
)

# SQLAlchemy's own compiled cache gives one Compiled per shape of statement and keeps it alive
_KNOWN: "WeakKeyDictionary[Compiled, Dependencies]" = WeakKeyDictionary()
_BODIES: "WeakKeyDictionary[Compiled, Bodies]" = WeakKeyDictionary()


class Statements:
    """Follows what a session executes while ``recording``.

    Formatters and relations that load lazily execute statements of their own, so that the page's
    statement alone does not tell what the page depends on.
    """

    def __init__(self) -> None:
        self.recording = False
        self.connections = 0
        self._engine: Engine | None = None
        self._compiled: Counter[Compiled] = Counter()
        self._has_text = False
        self._doubts: set[str] = set()

    @contextmanager
    def of(self, session: Session) -> Iterator["Statements"]:
        """Follow the connections that the session begins to use."""
        event.listen(session, "after_begin", self._begun)
        try:
            yield self
        finally:
            event.remove(session, "after_begin", self._begun)

    def dependencies(self, *, declared: bool) -> Dependencies:
        """Tables and doubts of everything recorded.

        :param declared: the view names what statements written as text read.
        """
        found = [_of(compiled) for compiled in self._compiled if not (declared and _is_text(compiled))]
        tables: frozenset[TableClause] = frozenset().union(*(item.tables for item in found))
        doubts = self._doubts.union(*(item.doubts for item in found))
        if self._has_text and not declared:
            doubts.add(_TEXT)
        columns = frozenset[tuple[str | None, str, str]]().union(*(item.columns for item in found))
        names = frozenset[str]().union(*(item.names for item in found))
        return Dependencies(
            tables,
            tuple(sorted(doubts)),
            columns=columns,
            names=names,
            askable=frozenset[str]().union(*(item.askable for item in found)),
            texts=frozenset[str]().union(*(item.texts for item in found)),
            calls=frozenset[Name]().union(*(item.calls for item in found)),
            known=frozenset[str]().union(*(item.known for item in found)),
            attributes=frozenset[str]().union(*(item.attributes for item in found)),
        )

    def places(self, table: TableKey) -> int | None:
        """In how many places of how many statements a table was read; ``None`` where that is not known."""
        if self._has_text or any(map(_is_text, self._compiled)):
            return None
        return sum(times * _bodies(compiled).rendered[table] for compiled, times in self._compiled.items())

    def body(self, table: TableClause) -> Body | None:
        """The SELECT that alone reads a table, once; ``None`` where there is no such."""
        if self.places(key_of(table)) != 1:
            return None
        found = (
            bodies for compiled in self._compiled if (bodies := _bodies(compiled)).rendered[key_of(table)]
        )
        return next(found).outermost()

    def _begun(self, session: Session, transaction: Any, connection: Connection) -> None:
        self.connections += 1
        self._engine = self._engine or connection.engine
        if self.recording and connection.engine is self._engine:
            self._doubts.add("the view ends its transaction while it is read")
        event.listen(connection, "before_cursor_execute", self._executing)

    def _executing(
        self, connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
    ) -> None:
        if not self.recording:
            return
        if connection.engine is not self._engine:
            self._doubts.add("the view reads a second database, whose changes are not announced here")
        elif context is None or context.compiled is None:
            self._has_text = True
        else:
            self._compiled[context.compiled] += 1


def _is_text(compiled: Compiled) -> bool:
    return isinstance(compiled.statement, TextClause)


def _bodies(compiled: Compiled) -> Bodies:
    found = _BODIES.get(compiled)
    if found is None:
        statement: Any = compiled.statement
        found = _BODIES[compiled] = bodies_of(looked_at(statement, compiled.dialect))
    return found


def _of(compiled: Compiled) -> Dependencies:
    found = _KNOWN.get(compiled)
    if found is None:
        statement: Any = compiled.statement
        found = dependencies(statement, compiled.dialect)
        doubts = doubts_of(statement).union(found.doubts)
        found = _KNOWN[compiled] = replace(found, doubts=tuple(sorted(doubts)))
    return found
