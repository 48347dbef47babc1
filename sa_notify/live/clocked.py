"""Which expressions PostgreSQL reads as a moment that may be the time of reading: texts that say 'today'."""

import re
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BinaryExpression, BindParameter, Grouping, Label, Null
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import ARRAY, NullType, String, TypeEngine

from sa_notify.live.functions import MOMENT_TYPES
from sa_notify.live.resolve import POSTGRESQL, resolved

_FIRST_WORD = re.compile(r"[a-z]+")
#: What SQLAlchemy knows no type of, though it is never text.
_NEVER_TEXT = MOMENT_TYPES | frozenset(
    """
    age date_add date_bin date_subtract date_trunc justify_days justify_hours justify_interval make_date
    make_time make_timestamp make_timestamptz timezone to_date to_timestamp
    """.split()
)


def is_moment(type_: TypeEngine[Any]) -> bool:
    """Whether values of the type, or of its items, are made of text by more than the text."""
    plain = resolved(type_)
    if isinstance(plain, ARRAY):
        return is_moment(plain.item_type)
    try:
        name = _FIRST_WORD.match(plain.compile(dialect=POSTGRESQL).lower())
    except (SQLAlchemyError, NotImplementedError, AttributeError):
        return False  # of what has no SQL: a key of JSON
    return name is not None and name[0] in MOMENT_TYPES


def may_be_text(element: Any) -> bool:
    """Whether an expression may be text that is not written in the statement."""
    if isinstance(element, (Grouping, Label)):
        return may_be_text(element.element)
    if isinstance(element, (BindParameter, Null)):
        return False
    plain = resolved(element.type)
    if isinstance(plain, ARRAY):
        plain = plain.item_type
    if not isinstance(plain, NullType):
        return isinstance(plain, String)
    if isinstance(element, FunctionElement):
        return str(getattr(element, "name", "")).lower() not in _NEVER_TEXT
    if isinstance(element, BinaryExpression) and element.operator in (operators.add, operators.sub):
        return may_be_text(element.left) or may_be_text(element.right)
    return True
