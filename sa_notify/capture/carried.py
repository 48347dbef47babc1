"""Which columns' old and new values travel when a model says ``carry="all"``."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Literal

from sqlalchemy import Column, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import ColumnProperty
from sqlalchemy.orm.exc import UnmappedColumnError
from sqlalchemy.types import TypeDecorator, TypeEngine

from sa_notify.capture.mapped import mapper_of
from sa_notify.capture.names import stored

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
#: Documents, texts for searching, shapes and vectors: seldom in a condition, and long enough to be stored
#: apart from their row. Arrays count as one.
_LARGE = re.compile(
    r"(BYTEA|JSONB?|JSONPATH|XML|TSVECTOR|HSTORE|GEOMETRY|GEOGRAPHY|RASTER|(HALF|SPARSE)?VEC(TOR)?)\b|.*\]$"
)
#: Not float, whose -0 equals 0, nor interval, whose month equals 30 days.
_FIXED = re.compile(r"(SMALLINT|INTEGER|BOOLEAN|DATE|TIMESTAMP|UUID)\b[^\[]*$")
_TEXTS = re.compile(r"(VARCHAR|TEXT|BIGINT|NUMERIC|INTERVAL|TIME)\b[^\[]*$")


def kind_of(column: Column[Any]) -> Literal["fixed", "texts"] | None:
    """How values of the column are told and compared: the parameters of a trigger that have it."""
    if getattr(_base(column.type), "native_enum", False):
        # no operator of enums takes a domain over one
        return "fixed" if getattr(column.type, "native_enum", False) else None
    name = _type_name(column)
    if _FIXED.match(name):
        return "fixed"
    return "texts" if _TEXTS.match(name) else None


def is_large(column: Column[Any]) -> bool:
    """Whether values of the column's type are left out unless they are asked for by name."""
    return _LARGE.match(_type_name(column)) is not None


def _type_name(column: Column[Any]) -> str:
    """As in DDL; ``[]``, as of an array, where SQLAlchemy knows none."""
    try:
        return _base(column.type).compile(dialect=_DIALECT).upper()
    except (SQLAlchemyError, NotImplementedError):
        return "[]"


def _base(type_: TypeEngine[Any]) -> TypeEngine[Any]:
    """What PostgreSQL stores: behind decorators, variants and domains."""
    impl: Any = type_.dialect_impl(_DIALECT)
    while isinstance(impl, (TypeDecorator, postgresql.DOMAIN)):
        inner = impl.data_type if isinstance(impl, postgresql.DOMAIN) else impl.impl_instance
        impl = inner.dialect_impl(_DIALECT)
    return impl  # type: ignore[no-any-return]


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
