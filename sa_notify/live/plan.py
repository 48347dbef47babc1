"""What of a change can concern a statement's result: decided once, before there is any change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.engine import Dialect

from sa_notify.capture.coverage import TableKey
from sa_notify.live.bodies import Bodies, Place, Schemas, bodies_of, key_of, looked_at, places_of, translated
from sa_notify.live.conditions import Conditions
from sa_notify.live.dependencies import Dependencies
from sa_notify.live.functions import CLOCK_TEXT, REASONS
from sa_notify.live.interned import interned
from sa_notify.live.listing import Listing, RowsPlan, listing_of, rows_of
from sa_notify.live.polymorphic import later_tables
from sa_notify.live.predicate import ALWAYS, Predicate, any_of

__all__ = ["Listing", "Plan", "RowsPlan", "TablePlan", "plan_of"]

_NO_COLUMNS: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class TablePlan:
    """What of a table a result depends on.

    :param columns: stored names of the columns whose values it may depend on in any way; ``None``: of any.
        Which rows there are it depends on in any case.
    :param condition: what must be true for a row, where the statement names the table, to count for anything.
    """

    columns: frozenset[str] | None = None
    condition: Predicate = ALWAYS


@dataclass(frozen=True, slots=True)
class Plan:
    """How changes of its tables concern a statement's result.

    All of it is about tables as the statement names them. Where two names lead to the same table (by
    ``search_path``, a view, a partition), a change concerns the result if it does by either, and there is
    neither a listing nor rows. Row-level security adds conditions and columns of its own.

    :param tables: for every table of :attr:`Dependencies.tables`.
    :param listing: where the result is a plain list of rows of one table.
    :param rows: where rows of the result can be read again one by one.
    """

    tables: Mapping[TableKey, TablePlan] = field(default_factory=dict)
    listing: Listing | None = None
    rows: RowsPlan | None = None


def plan_of(
    statement: Any,
    found: Dependencies,
    dialect: Dialect,
    *,
    key: Sequence[str] | None = None,
    compiled: Any = None,
) -> Plan:
    """Look through a statement.

    :param statement: as it is run, that is prepared.
    :param found: what :func:`dependencies` says of the same statement.
    :param key: labels that identify a row, where no model is selected, as :class:`Shape` takes them.
    :param compiled: what :func:`looked_at` gave, where it is there already.
    """
    keys = {key_of(table) for table in found.tables}
    if not all(map(_is_harmless, found.doubts)):
        return Plan({key: TablePlan() for key in keys})
    schemas: Schemas | None = found.options.get("schema_translate_map")
    bodies = bodies_of(compiled or looked_at(statement, dialect), schemas)
    later = {translated(key_of(table), schemas) for table in later_tables(statement)}
    conditions = _conditions(bodies, schemas)
    columns = _columns(found)
    tables = {
        key: TablePlan(
            None if columns is None else columns.get(key, _NO_COLUMNS),
            ALWAYS if key in later else conditions.get(key, ALWAYS),
        )
        for key in keys
    }
    if found.doubts or found.names or later:
        return Plan(tables)
    rows = rows_of(statement, bodies, schemas, key)
    if rows is None:
        return Plan(tables)
    condition = conditions.get(rows.table)
    listing = None if condition is None else listing_of(statement, bodies, rows, condition)
    return Plan(tables, listing, rows)


def plan_of_many(found: Dependencies) -> Plan:
    """What is known of a result that several statements make: which columns they read."""
    columns = _columns(found) if all(map(_is_harmless, found.doubts)) else None
    keys = {key_of(table) for table in found.tables}
    return Plan({key: TablePlan(None if columns is None else columns.get(key, _NO_COLUMNS)) for key in keys})


def _is_harmless(doubt: str) -> bool:
    """Whether it hides no table: the clock, chance, the session, a column that is not announced."""
    harmless = (*REASONS.values(), CLOCK_TEXT)
    return any(doubt.endswith(reason) for reason in harmless) or "@realtime excludes" in doubt


def _columns(found: Dependencies) -> Mapping[TableKey, frozenset[str]] | None:
    if found.names:
        return None
    columns: dict[TableKey, set[str]] = {}
    for schema, table, name in found.columns:
        columns.setdefault((schema, table), set()).add(name)
    return {key: interned(frozenset(names)) for key, names in columns.items()}


def _conditions(bodies: Bodies, schemas: Schemas | None) -> Mapping[TableKey, Predicate]:
    """Of each table whose every place is known: that one of their conditions is fulfilled."""
    places: dict[TableKey, list[Place]] = {}
    for body in bodies.selects:
        for place in places_of(body, schemas):
            places.setdefault(place.table, []).append(place)
    return {
        key: any_of([Conditions(place.source).all_of(place.conditions) for place in standing])
        for key, standing in places.items()
        if len(standing) == bodies.rendered[key]
    }
