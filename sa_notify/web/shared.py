"""Reads queries that differ in bound values alone: one statement and one transaction for them all."""

from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Connection, literal_column
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from sa_notify.change import Key
from sa_notify.errors import NotTogether
from sa_notify.live.flat import Flat, flat
from sa_notify.live.keyed import keyed, keyed_once
from sa_notify.live.query import Asked, Query, Reading, Row, Rows
from sa_notify.live.rowkey import rowkey
from sa_notify.live.snapshot import Snapshot
from sa_notify.live.template import Shareable, shareable, with_values
from sa_notify.live.together import NUMBER
from sa_notify.web.driven import Binds, Driven
from sa_notify.web.failures import sqlstate
from sa_notify.web.joined import CASTS, joined, rebound
from sa_notify.web.reader import Source, StatementReader

#: So many rows are made at a time: what dies young costs the garbage collector nothing.
PART = 200

#: What PostgreSQL refuses in the text of a statement, whatever the values: of SQLSTATEs the class.
_OF_THE_TEXT = ("42", "0A")


def shared_by(source: Source) -> "StatementShared | None":
    """How the statement is read together with others; ``None``: it is read alone."""
    dialect = source.engine.dialect
    if dialect.driver not in CASTS or dialect.paramstyle != "pyformat":
        return None
    rest = (
        source.engine,
        source.cache,
        source.total is not None,
        source.settings,
        source.dependencies.declared,
    )
    found = shareable(source, source.statement, source.dependencies, dialect, source.shape.layout, *rest)
    return None if found is None else StatementShared(source, found)


@dataclass(frozen=True, slots=True)
class _One:
    """One parameter row.

    :param number: of the query among those that are read together.
    """

    number: int
    shared: "StatementShared"
    key: Key = ()


class StatementShared:
    """One statement among those of its template."""

    __slots__ = ("_own", "_template", "values")

    def __init__(self, source: Source, found: Shareable) -> None:
        self._template = found.template
        #: Its bound values, in the template's order.
        self.values = found.values
        # a statement takes ten times the memory of its values
        self._own = None if found.template.rebinds else source

    @property
    def template(self) -> Hashable:
        """Equal for queries that can be read together."""
        return id(self) if self._template.barred else self._template

    def read(self) -> Reading:
        """Read it alone.

        :raises sqlalchemy.exc.SQLAlchemyError: when the database refuses or is away.
        """
        template = self._template
        if self._own is None and not template.made_anew:
            try:
                return _Rebound(self._source, Binds.of(template.binds), self.values)()
            except NotTogether:
                template.made_anew = True
        return StatementReader(self._own or self._made())()

    def _made(self) -> Source:
        """What it is read from, made of the first statement's."""
        source, binds = self._source, self._template.binds
        total = None if source.total is None else with_values(source.total, binds, self.values)
        return replace(source, statement=with_values(source.statement, binds, self.values), total=total)

    @property
    def _source(self) -> Source:
        source: Source = self._template.source
        return source

    def together(self, asked: Sequence[Asked]) -> list[Reading | Rows]:
        """Read queries of this template at once; the answers in the same order.

        :raises NotTogether: each of them must be read alone.
        :raises sqlalchemy.exc.SQLAlchemyError: when the database refuses or is away.
        """
        template, keyed_too = self._template, any(item.keys is not None for item in asked)
        if (template.unkeyed and keyed_too) or (template.barred and len(asked) > 1):
            raise NotTogether("the database has refused these statements together")
        whole = [_One(number, _of(item.query)) for number, item in enumerate(asked) if item.keys is None]
        single = [
            _One(number, _of(item.query), key) for number, item in enumerate(asked) for key in item.keys or ()
        ]
        read, rows = self._read(whole, single)
        return [
            read[number] if item.keys is None else Rows(rows.get(number, {}))
            for number, item in enumerate(asked)
        ]

    def _read(
        self, whole: Sequence[_One], single: Sequence[_One]
    ) -> tuple[dict[int, Reading], dict[int, dict[str, Any]]]:
        if not whole and len(single) == 1 and (plan := self._flat()) is not None and not _is_heard():
            return {}, {single[0].number: self._row(single[0], plan)}
        if not whole:
            with self._source.reading_rows() as connection:
                return {}, self._by_key(connection, single)
        with self._source.reading() as (connection, snapshot):
            read = self._readings(connection, snapshot, whole)
            return read, self._by_key(connection, single) if single else {}

    def _readings(
        self, connection: Connection, snapshot: Snapshot, asked: Sequence[_One]
    ) -> dict[int, Reading]:
        source = self._source
        tables, doubts, own = source.cache.judge(connection, source.dependencies)
        with self._barring("barred"):
            rows = self._rows(connection, "whole", lambda: source.statement, asked)
            totals = self._totals(connection, asked)
        return {
            one.number: Reading(
                rows.get(one.number, ()), totals.get(one.number), snapshot, tables, doubts, own
            )
            for one in asked
        }

    def _totals(self, connection: Connection, asked: Sequence[_One]) -> dict[int, int]:
        total = self._source.total
        if total is None:
            return {}
        with self._executed(connection, self._numbered("total", lambda: total), asked) as counted:
            return {int(number): int(count or 0) for count, number in counted}

    def _by_key(self, connection: Connection, asked: Sequence[_One]) -> dict[int, dict[str, Any]]:
        source = self._source
        places = [replace(one, number=place) for place, one in enumerate(asked)]
        found: dict[int, dict[str, Any]] = {one.number: {} for one in asked}
        with self._barring("unkeyed"):
            rows = self._rows(connection, "keyed", lambda: keyed(source.statement, source.shape), places)
            for place, (row, *more) in rows.items():
                if more or row[0] != rowkey(asked[place].key):
                    raise NotTogether("a key of the root table has other rows than its own")
                found[asked[place].number].update([row])
        return found

    def _row(self, one: _One, plan: Flat) -> dict[str, Any]:
        """One row by its key, if the result has it: most changes concern one."""
        with self._barring("unkeyed"), self._source.reading_row() as (connection, before):
            found = self._found(connection, before, (*one.shared.values, *one.key), plan)
        rows = dict(plan.by_number([found] if found else []).get(0, ()))
        if not rows.keys() <= {rowkey(one.key)}:
            self._template.unkeyed = True
            raise NotTogether("a key of the root table has other rows than its own")
        return rows

    def _found(
        self, connection: Connection, before: str, values: Sequence[Any], plan: Flat
    ) -> Sequence[Sequence[Any]]:
        made = self._template.made
        driven: Driven | None = made.get("driven") if before else None
        if driven is not None:
            return driven.rows(connection, before, values)
        statement, keys = self._made_once("once", lambda: self._keyed_once(plan))
        binds = Binds.of((*self._template.binds, *keys))
        with rebound(connection, statement, binds, values, before=before):
            result = connection.execute(statement)
        made["driven"] = Driven.of(result, binds)
        return result.all()

    def _keyed_once(self, plan: Flat) -> tuple[Any, Any]:
        statement, keys = keyed_once(self._source.statement, self._source.shape)
        return plan.statement(statement, self._source.shape).add_columns(literal_column("0")), keys

    def _rows(
        self, connection: Connection, kind: str, make: Callable[[], Any], asked: Sequence[_One]
    ) -> dict[int, Collection[Row]]:
        """Each query's rows by its number; nothing of those that have none."""
        shape, plan = self._source.shape, self._flat()
        numbered = self._numbered(kind, lambda: make() if plan is None else plan.statement(make(), shape))
        with self._executed(connection, numbered, asked, plain=plan is not None) as result:
            if getattr(result, "_unique_filter_state", None) is not None:
                raise NotTogether("a relationship is loaded by a join")
            if plan is not None:
                return plan.by_number(result.partitions(PART))
            groups = groupby(result, itemgetter(-1))
            return {int(number): shape.made_of(list(rows)) for number, rows in groups}

    def _flat(self) -> Flat | None:
        template = self._template
        if template.flat is None:
            source = self._source
            dialect = source.engine.dialect
            template.flat = (flat(source.statement, source.shape, source.dependencies, dialect),)
        return template.flat[0]

    def _numbered(self, kind: str, make: Callable[[], Any]) -> Any:
        """A statement with its query's number as the last column."""
        return self._made_once(kind, lambda: make().add_columns(literal_column(NUMBER)))

    def _made_once(self, kind: str, make: Callable[[], Any]) -> Any:
        """What is made of the template's statement; for all of the template."""
        found = self._template.made.get(kind)
        if found is None:
            found = self._template.made[kind] = make()
        return found

    @contextmanager
    def _executed(
        self, connection: Connection, numbered: Any, asked: Sequence[_One], *, plain: bool = False
    ) -> Iterator[Any]:
        """The rows of all, query by query.

        :param numbered: selects nothing else than the template's statements do, and the number.
        :param plain: they are nothing but columns.
        """
        binds, values = Binds.of(self._template.binds), [one.shared.values for one in asked]
        numbers, keys = [one.number for one in asked], [one.key for one in asked]
        with Session(connection) as session, joined(connection, numbered, binds, values, numbers, keys):
            plain = plain and not _is_heard()
            yield connection.execute(numbered) if plain else session.execute(numbered)

    @contextmanager
    def _barring(self, flag: str) -> Iterator[None]:
        """Remember of the template that its statements can't be read together."""
        try:
            yield
        except NotTogether:
            setattr(self._template, flag, True)
            raise
        except DBAPIError as error:
            if not (sqlstate(error) or "").startswith(_OF_THE_TEXT):
                raise
            setattr(self._template, flag, True)
            raise NotTogether(f"PostgreSQL refuses them together: SQLSTATE {sqlstate(error)}") from error


class _Rebound(StatementReader):
    """Reads a statement with other values than its own."""

    def __init__(self, source: Source, binds: Binds, values: Sequence[Any]) -> None:
        super().__init__(source)
        self._binds = binds
        self._values = values

    def _execute(self, session: Session, statement: Any) -> Any:
        with rebound(session.connection(), statement, self._binds, self._values):
            return super()._execute(session, statement)


#: Shows whom sessions are heard by.
_NOBODYS: Final = Session()


def _is_heard() -> bool:
    """Whether sessions are listened to by who may change what they execute; they have nothing to add else."""
    return bool(_NOBODYS.dispatch.do_orm_execute)


def _of(query: Query) -> StatementShared:
    if not isinstance(query.shared, StatementShared):
        raise NotTogether(f"{query.name} is of another kind")
    return query.shared
