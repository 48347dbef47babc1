"""The SELECTs that a statement is compiled into, and where its tables stand in them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import Alias, FromClause, Join, TableClause
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import operators
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import BooleanClauseList, Grouping
from sqlalchemy.sql.selectable import FromGrouping, Select

from sa_notify.capture.coverage import TableKey
from sa_notify.capture.names import stored
from sa_notify.live.recording import recording

Schemas = Mapping[str | None, str | None]


@dataclass(frozen=True, slots=True)
class Place:
    """A table where it stands in a FROM.

    :param source: the table or its alias, whose columns expressions name.
    :param conditions: expressions of which each must be true for a row at this place to count for
        anything, whatever the other tables hold.
    """

    table: TableKey
    source: FromClause
    conditions: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Body:
    """One SELECT as it is rendered: an ORM's criteria are in it.

    :param outermost: it is the statement itself.
    """

    select: Select[Any]
    froms: tuple[Any, ...]
    outermost: bool


@dataclass(slots=True)
class Bodies:
    """What compiling a statement showed.

    :param rendered: how often each table is written into a FROM.
    :param placing: columns that are used elsewhere than in the list of what the statement itself selects.
    """

    selects: list[Body] = field(default_factory=list)
    rendered: Counter[TableKey] = field(default_factory=Counter)
    placing: set[tuple[TableKey, str]] = field(default_factory=set)

    def outermost(self) -> Body | None:
        """The statement itself; ``None`` when it is no plain SELECT."""
        return next((body for body in self.selects if body.outermost), None)


def looked_at(statement: Any, dialect: Dialect, *, settings: frozenset[str] = frozenset()) -> Any:
    """The statement compiled once, for all that is seen on the way (:mod:`sa_notify.live.recording`).

    :param settings: names of settings that the result may depend on.
    :raises sqlalchemy.exc.CompileError: the statement makes no SQL.
    """
    return _looking(recording(dialect))(dialect, statement, settings=settings)


def bodies_of(compiled: Any, schemas: Schemas | None = None) -> Bodies:
    """The SELECTs of what :func:`looked_at` gave.

    :param schemas: the statement's ``schema_translate_map``.
    """
    found: Bodies = compiled.bodies
    if not schemas:
        return found
    rendered: Counter[TableKey] = Counter()
    for key, count in found.rendered.items():
        rendered[translated(key, schemas)] += count
    placing = {(translated(key, schemas), name) for key, name in found.placing}
    return Bodies(found.selects, rendered, placing)


def translated(key: TableKey, schemas: Schemas | None) -> TableKey:
    """The table that the key leads to under a ``schema_translate_map``."""
    schema, name = key
    return (schemas.get(schema, schema), name) if schemas else key


def key_of(table: TableClause) -> TableKey:
    """The table's key; not yet translated."""
    return (getattr(table, "schema", None), str(table.name))


@lru_cache
def _looking(compiler: Any) -> Any:
    return type("LookingCompiler", (_Looking, compiler), {})


_Compiler: Any = SQLCompiler


class _Looking(_Compiler):  # type: ignore[misc]
    """Notes each SELECT where the list of its tables is final."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.bodies = Bodies()
        super().__init__(*args, **kwargs)

    def visit_table(self, table: Any, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("asfrom") or any(args):
            self.bodies.rendered[key_of(table)] += 1
        return super().visit_table(table, *args, **kwargs)

    def _compose_select_body(
        self,
        text: Any,
        select: Any,
        state: Any,
        columns: Any,
        froms: Any,
        byfrom: Any,
        toplevel: Any,
        kw: Any,
    ) -> Any:
        self.bodies.selects.append(Body(select, tuple(froms), bool(toplevel)))
        return super()._compose_select_body(text, select, state, columns, froms, byfrom, toplevel, kw)

    def _used(self, column: Any, *, shown: bool) -> None:
        super()._used(column, shown=shown)
        if shown:
            return
        for base in column.base_columns:
            if isinstance(getattr(base, "table", None), TableClause):
                self.bodies.placing.add((key_of(base.table), stored(base.name)))


# -- where tables stand


def places_of(body: Body, schemas: Schemas | None) -> Iterator[Place]:
    """Every table of the SELECT's own FROM, not of subqueries in it."""
    where = conjuncts(body.select._where_criteria)  # noqa: SLF001
    for node in body.froms:
        yield from _places(node, where, schemas)


def _places(node: Any, conditions: tuple[Any, ...], schemas: Schemas | None) -> Iterator[Place]:
    if isinstance(node, FromGrouping):
        yield from _places(node.element, conditions, schemas)
    elif isinstance(node, Join):
        yield from _joined(node, conditions, schemas)
    else:
        table = node.element if isinstance(node, Alias) else node
        if isinstance(table, TableClause):
            yield Place(translated(key_of(table), schemas), node, conditions)


def _joined(join: Join, conditions: tuple[Any, ...], schemas: Schemas | None) -> Iterator[Place]:
    own = conjuncts([join.onclause] if join.onclause is not None else [])
    if join.full:
        left = right = ()
    elif join.isouter:
        # a row on the right that fails joins nothing; what WHERE says of it, a row of NULLs may fulfil
        left, right = conditions, own
    else:
        left = right = (*conditions, *own)
    yield from _places(join.left, left, schemas)
    yield from _places(join.right, right, schemas)


def conjuncts(clauses: Sequence[Any]) -> tuple[Any, ...]:
    """The expressions that AND joins."""
    found: list[Any] = []
    for clause in clauses:
        inner: Any = clause.element if isinstance(clause, Grouping) else clause
        if isinstance(inner, BooleanClauseList) and inner.operator is operators.and_:
            found += conjuncts(list(inner.clauses))
        else:
            found.append(inner)
    return tuple(found)
