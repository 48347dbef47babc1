"""What a statement reads, found by compiling it: whatever is rendered is seen."""

import re
import sys
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import TableClause
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

from sa_notify.capture.coverage import TableKey
from sa_notify.capture.names import stored
from sa_notify.live.bodies import looked_at
from sa_notify.live.declared import Declared
from sa_notify.live.excluded import sent_columns
from sa_notify.live.polymorphic import later_tables, loaded_later
from sa_notify.live.terms import terms_of
from sa_notify.live.words import Name

_EXPECTED: "WeakKeyDictionary[TableClause, Mapping[str, frozenset[str]]]" = WeakKeyDictionary()

# what stands in compiled SQL for a value, a list of values and a schema that is chosen later
_PLACEHOLDERS = (
    (re.compile(r"__\[SCHEMA_(\w+)\]"), r"\1"),
    (re.compile(r"__\[POSTCOMPILE_(\w+)[^\]]*\]|%\((\w+)\)s|%s"), ":value"),
    (re.compile("%%"), "%"),
)


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What a statement reads.

    :param tables: every table it names, views included; of a ``schema_translate_map`` in its execution
        options the schemas that it leads to.
    :param columns: schema, table and name of every column that the result may depend on.
    :param doubts: why its result may change without an announced change of these tables, each with the
        mend. Whether a table is announced at all is the catalog's to say (:mod:`sa_notify.capture`).
    :param sql: the statement as PostgreSQL gets it, lists of values (``IN``) not yet spelled out.
    :param params: its bound values, by name.
    :param types: their types, by name.
    :param options: its execution options.
    :param unbound: names of parameters that have no value.
    :param expected: by table, the types that its columns may have for a plan to be right, by column.
    :param names: names of columns that may be in any of the tables; ``*`` is each table's whole row.
    :param askable: those of the doubts that PostgreSQL may take away (:mod:`sa_notify.live.hidden`).
    :param texts: what is written as text in it, which hides what it reads.
    :param calls: functions that are not known here.
    :param known: names of PostgreSQL's own functions that it calls, which somebody else's may have too.
    :param attributes: columns, as far as that is known, that are written as text after their table.
    :param settings: settings of the session whose values are part of the query's identity.
    :param loaded: equal for statements whose rows hold the same of tables that are read afterwards.
    :param declared: what its hidden parts read, if the query says so.
    """

    tables: frozenset[TableClause]
    doubts: tuple[str, ...] = ()
    sql: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    types: Mapping[str, TypeEngine[Any]] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    unbound: tuple[str, ...] = ()
    columns: frozenset[tuple[str | None, str, str]] = frozenset()
    names: frozenset[str] = frozenset()
    expected: Mapping[TableKey, Mapping[str, frozenset[str]]] = field(default_factory=dict)
    askable: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()
    calls: frozenset[Name] = frozenset()
    known: frozenset[str] = frozenset()
    attributes: frozenset[str] = frozenset()
    settings: frozenset[str] = frozenset()
    loaded: Hashable = ()
    declared: Declared | None = None


def dependencies(
    statement: Any,
    dialect: Dialect,
    *,
    settings: frozenset[str] = frozenset(),
    declared: Declared | None = None,
    compiled: Any = None,
) -> Dependencies:
    """What ``statement`` reads when ``dialect`` compiles it.

    Joins, aliases, subqueries, CTEs, inheritance and the expressions behind column properties and
    hybrids are all seen, because they all are rendered. So are the tables of subclasses that are
    loaded by statements of their own.

    :param settings: names of settings that the result may depend on, as ``scope=`` gives their values.
    :param declared: what ``tables=`` says.
    :param compiled: what :func:`looked_at` gave for these settings, where it is there already.
    :raises sqlalchemy.exc.CompileError: the statement makes no SQL.
    """
    compiled = compiled or looked_at(statement, dialect, settings=settings)
    options = dict(statement.get_execution_options())
    schemas = options.get("schema_translate_map")
    later = later_tables(statement)
    later_columns = {(table, stored(column.name)) for table in later for column in sent_columns(table)}
    tables = compiled.tables | later
    used = {(_translated(table, schemas), name) for table, name in compiled.columns | later_columns}
    binds = {name: bind for bind, name in compiled.bind_names.items()}
    return Dependencies(
        tables=frozenset(_translated(table, schemas) for table in tables),
        doubts=tuple(sorted(compiled.doubts)),
        sql=sys.intern(str(compiled)),  # in the identity of every query of the kind
        # a callable's value is another one each time
        params={name: bind.callable or bind.value for name, bind in binds.items()},
        types={name: bind.type for name, bind in binds.items()},
        options=options,
        unbound=tuple(name for name, bind in binds.items() if bind.required),
        columns=frozenset((table.schema, str(table.name), name) for table, name in used),
        names=compiled.names,
        expected={table_key(_translated(table, schemas)): _expected(table) for table in compiled.tables},
        askable=frozenset(compiled.askable),
        texts=frozenset(compiled.texts | ({_readable(str(compiled))} if compiled.opaque else set())),
        calls=frozenset(compiled.calls),
        known=frozenset(compiled.known),
        attributes=frozenset(compiled.attributes),
        settings=settings,
        loaded=loaded_later(statement) if later else (),
        declared=declared,
    )


def table_key(table: TableClause) -> TableKey:
    """Schema and name of a table, or of what stands for one."""
    return None if table.schema is None else str(table.schema), str(table.name)


def _expected(table: TableClause) -> Mapping[str, frozenset[str]]:
    found = _EXPECTED.get(table)
    if found is None:
        terms = ((stored(column.name), terms_of(column.type)) for column in table.c)
        found = {name: one.stored for name, one in terms if one is not None}
        _EXPECTED[table] = found
    return found


def _readable(sql: str) -> str:
    for placeholder, text in _PLACEHOLDERS:
        sql = placeholder.sub(text, sql)
    return sql


def _translated(table: TableClause, schemas: Mapping[str | None, str | None] | None) -> TableClause:
    if not schemas or table.schema not in schemas:
        return table
    return TableClause(table.name, schema=schemas[table.schema])
