"""Which columns' old and new values travel when a model says ``carry="all"``."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Column, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import ColumnProperty
from sqlalchemy.orm.exc import UnmappedColumnError

from sa_notify.capture.mapped import mapper_of
from sa_notify.capture.names import stored

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
#: Documents, texts for searching, shapes and vectors: seldom in a condition, and long enough to be stored
#: apart from their row. Arrays count as one.
_LARGE = re.compile(
    r"(BYTEA|JSONB?|JSONPATH|XML|TSVECTOR|HSTORE|GEOMETRY|GEOGRAPHY|RASTER|(HALF|SPARSE)?VEC(TOR)?)\b|.*\]$"
)


def is_large(column: Column[Any]) -> bool:
    """Whether values of the column's type are left out unless they are asked for by name."""
    try:
        name = column.type.compile(dialect=_DIALECT).upper()
    except (SQLAlchemyError, NotImplementedError):
        return True  # reflected from a type that SQLAlchemy doesn't know
    return _LARGE.match(name) is not None


def deferred(target: object, table: Table) -> Iterator[str]:
    """Names of the table's columns that a mapped class loads only when they are asked for."""
    if isinstance(target, Table):
        return
    mapper = mapper_of(target)
    for column in table.columns:
        try:
            attribute = mapper.get_property_by_column(column)
        except UnmappedColumnError:
            continue
        if isinstance(attribute, ColumnProperty) and attribute.deferred:
            yield stored(column.name)


def carried(columns: Iterable[Column[Any]], left_out: Iterable[str]) -> tuple[str, ...]:
    """What ``carry="all"`` means for these captured columns.

    :param left_out: names of deferred and of virtual columns.
    """
    without = frozenset(left_out)
    return tuple(
        stored(column.name)
        for column in columns
        if stored(column.name) not in without and not is_large(column)
    )
