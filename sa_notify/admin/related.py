"""Rows of another table that a list shows through a relation, by keys that its own rows hold."""

import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Alias, FromClause, Integer, Join, TableClause, Uuid, inspect
from sqlalchemy.sql import operators
from sqlalchemy.sql.selectable import FromGrouping

from sa_notify.capture.coverage import TableKey
from sa_notify.capture.names import stored
from sa_notify.change import Key
from sa_notify.live.bodies import Body, conjuncts, key_of
from sa_notify.live.query import Own
from sa_notify.live.sides import base_column, columns_of
from sa_notify.live.terms import is_plain


def related_keys(
    model: Any, body: Body, own: Own, entities: Sequence[Any], *, complete: bool
) -> frozenset[Key] | None:
    """The rows of a table that alone count; ``None`` where others may.

    The table is joined once, by its whole primary key, to columns of the model's table, which every entity
    has: whatever else is in it or comes into it joins none of them.

    :param body: the only SELECT that reads the table, or the model's.
    :param own: the table.
    :param entities: what the SELECT found.
    :param complete: it found all that it looked for: else the table may be what hides the rest.
    """
    join = _join_of(body, own.table)
    if join is None or not (complete or _hides_nothing(join, body)):
        return None
    columns = _equated(join, inspect(model).local_table)
    if not columns.keys() >= set(own.key):
        return None
    found = [[_value(entity, columns[name]) for name in own.key] for entity in entities]
    if any(value is _UNKNOWN for values in found for value in values):
        return None
    return frozenset(tuple(map(str, values)) for values in found if None not in values)


_UNKNOWN = object()


def _join_of(body: Body, table: TableKey) -> Join | None:
    """Where the table is joined to others, each row of which stays one whatever it holds."""
    joins = [join for node in body.froms for join in _joins(node)]
    found = [join for join in joins if _is(join.right, table)]
    return None if len(found) != 1 or any(join.full for join in joins) else found[0]


def _joins(node: Any) -> Iterator[Join]:
    if isinstance(node, FromGrouping):
        yield from _joins(node.element)
    elif isinstance(node, Join):
        yield node
        yield from _joins(node.left)
        yield from _joins(node.right)


def _is(source: FromClause, table: TableKey) -> bool:
    plain = source.element if isinstance(source, Alias) else source
    return isinstance(plain, TableClause) and key_of(plain) == table


def _hides_nothing(join: Join, body: Body) -> bool:
    """Whether no row is left out for what the table holds."""
    return join.isouter and not columns_of(body.select._where_criteria, join.right)


def _equated(join: Join, root: FromClause) -> dict[str, Any]:
    """Columns of ``root`` by the joined table's columns that must equal them."""
    found = {}
    for condition in conjuncts([join.onclause] if join.onclause is not None else []):
        if getattr(condition, "operator", None) is operators.eq:
            for one, other in ((condition.left, condition.right), (condition.right, condition.left)):
                theirs, ours = base_column(one, join.right), base_column(other, root)
                if theirs is not None and ours is not None and _are_their_text(theirs, ours):
                    found[stored(theirs.name)] = ours
    return found


def _are_their_text(*columns: Any) -> bool:
    """Whether equal values have one text, in Python as in PostgreSQL."""
    return any(all(isinstance(column.type, kind) for column in columns) for kind in (Integer, Uuid)) and all(
        is_plain(column.type) for column in columns
    )


def _value(entity: Any, column: Any) -> Any:
    """What the entity has in a column, as it was read."""
    state: Any = inspect(entity)
    prop = state.mapper.get_property_by_column(column)
    value = state.dict.get(prop.key, _UNKNOWN)
    return value if value is None or type(value) in (int, uuid.UUID) else _UNKNOWN
