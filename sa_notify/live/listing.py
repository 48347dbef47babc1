"""Statements whose rows are rows of one table: which they are, and where one stands among them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Alias,
    BindParameter,
    Column,
    ColumnClause,
    FromClause,
    Join,
    Select,
    TableClause,
    TextClause,
)
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.elements import Label, _textual_label_reference

from sa_notify.capture.coverage import TableKey
from sa_notify.capture.names import stored
from sa_notify.capture.spec import is_virtual
from sa_notify.live.bodies import Bodies, Body, Schemas, conjuncts, key_of, translated
from sa_notify.live.identifying import Identity, identity_of, wire_name
from sa_notify.live.interned import interned
from sa_notify.live.ordering import OrderColumn, direction_of
from sa_notify.live.predicate import Predicate
from sa_notify.live.rowwise import is_rowwise
from sa_notify.live.sides import base_column, columns_of
from sa_notify.live.terms import is_plain, terms_of

_PLAIN_PARTS = (
    "_group_by_clauses", "_having_criteria", "_distinct", "_distinct_on", "_for_update_arg", "_fetch_clause",
    "_prefixes", "_suffixes", "_pre_columns_clause", "_post_select_clause", "_post_criteria_clause",
    "_post_body_clause", "_independent_ctes",
)  # fmt: skip
#: Texts, and names of what is selected.
_HIDING = (TextClause, ColumnClause, _textual_label_reference)


@dataclass(frozen=True, slots=True)
class RowsPlan:
    """Rows of a result that can be read again one by one, each the only one of its key.

    :param table: whose primary key names the rows: their rowkeys are those of its changes' keys.
    :param placing: columns of the table that decide whether a row is in the result and where. A change of
        others concerns the row of its key alone.
    :param total: the statement's order leaves no two rows equal; else a row that is written may stand
        elsewhere when all are read again.
    :param key: stored names of the primary key's columns, in its order.
    :param limit: of the rows that it gives; ``None``: it gives all, ``0``: nobody knows.
    :param begins: no rows come before the first one that it gives.
    """

    table: TableKey
    placing: frozenset[str]
    total: bool
    key: tuple[str, ...]
    limit: int | None
    begins: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """A result that lists rows of one table, each at most once, and of no other.

    :param condition: what the statement's WHERE says of a row.
    :param exact: it says nothing else: a row is in the result, LIMIT and OFFSET aside, where it is true.
    :param order: columns that decide each row's place; ``None`` where that is not certain.
    :param placing: as :attr:`RowsPlan.placing`.
    """

    table: TableKey
    condition: Predicate
    exact: bool
    order: tuple[OrderColumn, ...] | None
    limit: int | None
    offset: int
    placing: frozenset[str]


def rows_of(
    statement: Any, bodies: Bodies, schemas: Schemas | None, key: Sequence[str] | None
) -> RowsPlan | None:
    """How its rows are read one by one; ``None`` where they can't."""
    body = bodies.outermost()
    # of a FromStatement the SELECT is another's
    if not isinstance(statement, Select) or body is None or not _is_plain(body):
        return None
    if (identity := identity_of(statement, key)) is None:
        return None
    table = translated(key_of(identity.table), schemas)
    if bodies.rendered[table] != 1 or not all(_repeats_nothing(node, identity) for node in body.froms):
        return None
    if len(body.froms) != 1:
        return None
    ordered = [direction_of(element).element for element in body.select._order_by_clauses]  # noqa: SLF001
    if not all(map(_is_told, ordered)):
        return None
    placing = {name for owner, name in bodies.placing if owner == table}
    placing |= columns_of(ordered, identity.source) | identity.columns
    total = identity.columns <= _named(ordered, identity.source)
    names = tuple(stored(column.name) for column in identity.key)
    limit, offset = _page(body)
    limit, begins = 0 if limit is False else limit, offset is not False and not offset
    return interned(RowsPlan(table, interned(frozenset(placing)), total, names, limit, begins))


def listing_of(statement: Any, bodies: Bodies, rows: RowsPlan, condition: Predicate) -> Listing | None:
    """The statement as a list of rows of the table of ``rows``; ``None`` where there is more to it.

    :param condition: that of the only place where it names the table.
    """
    body = bodies.outermost()
    if body is None or len(body.froms) != 1 or isinstance(body.froms[0], Join):
        return None
    limit, offset = _page(body)
    if limit is False or offset is False:
        return None
    order = _order(statement, body, body.froms[0]) if rows.total else None
    return Listing(rows.table, condition, condition.exact, order, limit, offset or 0, rows.placing)


def _is_plain(body: Body) -> bool:
    select = body.select
    if any(_is_given(getattr(select, part, None)) for part in _PLAIN_PARTS):
        return False
    sources = {hash(source) for node in body.froms for source in _sources(node)}
    return all(is_rowwise(column, sources) for column in select.inner_columns)


def _is_told(element: Any) -> bool:
    """Whether it is seen what an ORDER BY sorts by: a number may be that of a selected column."""
    if isinstance(element, BindParameter):
        return False
    return not any(
        isinstance(part, _HIDING) and not isinstance(part, Column) for part in visitors.iterate(element)
    )


def _is_given(part: Any) -> bool:
    return part is not None and part is not False and (not isinstance(part, (tuple, list)) or bool(part))


def _sources(node: Any) -> Iterator[FromClause]:
    if isinstance(node, Join):
        yield from _sources(node.left)
        yield from _sources(node.right)
    else:
        yield node


def _repeats_nothing(node: Any, identity: Identity) -> bool:
    """Whether joins find at most one partner for each row of the table that names the rows."""
    if not isinstance(node, Join):
        return hash(node) == hash(identity.source)
    if node.full or not _repeats_nothing(node.left, identity):
        return False
    return _is_partner(node)


def _is_partner(join: Join) -> bool:
    """Whether what is joined is told by its whole primary key."""
    table = join.right.element if isinstance(join.right, Alias) else join.right
    if not isinstance(table, TableClause) or not (key := {stored(c.name) for c in table.primary_key}):
        return False
    equated: set[str] = set()
    for condition in conjuncts([join.onclause] if join.onclause is not None else []):
        equated |= _equated(condition, join.right)
    return key <= equated


def _equated(condition: Any, source: FromClause) -> set[str]:
    """The column of ``source`` that the condition says to equal what other tables have."""
    if getattr(condition, "operator", None) is not operators.eq:
        return set()
    for one, other in ((condition.left, condition.right), (condition.right, condition.left)):
        column = base_column(one, source)
        if column is not None and not columns_of([other], source) and _compare_alike(column, other):
            return {stored(column.name)}
    return set()


def _compare_alike(column: Any, other: Any) -> bool:
    """Whether equality with it is that of the key: two keys may equal one float, or under a collation."""
    terms = terms_of(column.type)
    plain = isinstance(other, (Column, BindParameter))
    other_terms = terms_of(other.type) if plain else None
    return terms is not None and other_terms is not None and terms.name == other_terms.name


def _page(body: Body) -> tuple[Any, Any]:
    """LIMIT and OFFSET."""
    return _number(body.select._limit_clause), _number(body.select._offset_clause)  # noqa: SLF001


def _number(clause: Any) -> Any:
    """A LIMIT's or OFFSET's number; ``None`` where there is none, ``False`` where it is not plain."""
    if clause is None:
        return None
    plain = isinstance(clause, BindParameter) and clause.callable is None and type(clause.value) is int
    return clause.value if plain and clause.value >= 0 else False


# -- order


def _named(elements: Sequence[Any], source: FromClause) -> frozenset[str]:
    columns = (base_column(element, source) for element in elements)
    return frozenset(stored(column.name) for column in columns if column is not None)


def _order(statement: Any, body: Body, source: FromClause) -> tuple[OrderColumn, ...] | None:
    """Up to where the primary key is complete: nothing after it can decide."""
    table: Any = source.element if isinstance(source, Alias) else source
    missing = {stored(column.name) for column in table.primary_key}
    found: list[OrderColumn] = []
    for element in body.select._order_by_clauses:  # noqa: SLF001
        if not missing:
            break
        direction = direction_of(element)
        column = base_column(direction.element, source)
        terms = None if column is None or is_virtual(column) else terms_of(column.type)
        attribute = None if column is None else _attribute(statement, body, source, column)
        if column is None or terms is None or attribute is None or not terms.ordered:
            return None
        name = stored(column.name)
        found.append(OrderColumn(name, direction.descending, direction.nulls_first, terms, attribute))
        missing.discard(name)
    return interned(tuple(found))


def _attribute(statement: Any, body: Body, source: FromClause, column: Any) -> str | None:
    """The name under which rows on the wire have the column, if they have it as it is stored."""
    if not is_plain(column.type):
        return None
    plain = (
        element.element if isinstance(element, Label) else element for element in body.select.inner_columns
    )
    selected = (base_column(element, source) for element in plain)
    return wire_name(statement, column) if any(one is column for one in selected) else None
