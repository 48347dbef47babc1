"""Selected expressions that each row of a FROM makes by itself, one for one."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import BindParameter, Case, Cast, Column, Extract, Label, TypeCoerce
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import (
    AsBoolean,
    BinaryExpression,
    BooleanClauseList,
    ClauseList,
    False_,
    Grouping,
    Null,
    True_,
    TypeClause,
    UnaryExpression,
)
from sqlalchemy.sql.functions import FunctionElement

_KINDS = (
    AsBoolean, BinaryExpression, BindParameter, BooleanClauseList, Case, Cast, ClauseList, Extract, False_,
    Grouping, Label, Null, True_, TypeClause, TypeCoerce, UnaryExpression,
)  # fmt: skip
#: Neither aggregates nor anything that gives several rows.
_FUNCTIONS = frozenset(
    """
    coalesce nullif greatest least abs ceil ceiling floor round trunc sign sqrt power mod
    lower upper initcap length char_length character_length octet_length concat concat_ws substr substring
    left right trim ltrim rtrim btrim lpad rpad repeat replace reverse position strpos split_part md5
    to_char to_date to_number to_timestamp date_part date_trunc make_date extract
    cardinality array_length array_to_string jsonb_array_length json_array_length jsonb_typeof json_typeof
    """.split()
)


def is_rowwise(element: Any, sources: Collection[int]) -> bool:
    """Whether it is decided by one row of each table alone, and neither drops nor repeats rows.

    :param sources: hashes of the tables and aliases that rows come from.
    """
    return all(_is_known(part, sources) for part in visitors.iterate(element))


def _is_known(part: Any, sources: Collection[int]) -> bool:
    if isinstance(part, Column):
        return hash(part.table) in sources
    if isinstance(part, FunctionElement):
        name, packages = str(getattr(part, "name", "")).lower(), getattr(part, "packagenames", ())
        return name in _FUNCTIONS and not packages
    return isinstance(part, _KINDS)
