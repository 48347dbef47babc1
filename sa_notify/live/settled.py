"""Which strings of a statement PostgreSQL surely reads as text, where 'today' is a word and no moment.

A string that a driver writes without a type gets it from the place where it stands: beside a date it is
one. So each is taken for a moment but for those whose place says otherwise.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import BindParameter, Case, Cast, Tuple
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import (
    BinaryExpression,
    ClauseList,
    ExpressionClauseList,
    Grouping,
    Label,
    Null,
    UnaryExpression,
)
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Enum, NullType, String, TupleType

from sa_notify.live.clocked import is_moment
from sa_notify.live.resolve import resolved

#: Functions to which every string is text, or JSON.
_OF_TEXTS = frozenset(
    """
    lower upper initcap casefold length char_length character_length octet_length bit_length concat concat_ws
    substring substr left right trim ltrim rtrim btrim lpad rpad repeat replace reverse position strpos
    split_part starts_with translate overlay ascii md5 sha224 sha256 sha384 sha512 encode decode format
    quote_ident quote_literal quote_nullable to_number to_date to_ascii unistr parse_ident normalize
    is_normalized string_agg string_to_array string_to_table array_to_string current_setting
    regexp_match regexp_matches regexp_replace regexp_split_to_array regexp_split_to_table regexp_count
    regexp_instr regexp_like regexp_substr unaccent similarity word_similarity strict_word_similarity
    levenshtein soundex metaphone to_tsvector to_tsquery plainto_tsquery phraseto_tsquery
    websearch_to_tsquery ts_headline
    json_build_object jsonb_build_object json_build_array jsonb_build_array json_extract_path
    jsonb_extract_path json_extract_path_text jsonb_extract_path_text jsonb_set jsonb_set_lax jsonb_insert
    jsonb_path_exists jsonb_path_match jsonb_path_query jsonb_path_query_array jsonb_path_query_first
    json_object_agg jsonb_object_agg
    """.split()
)
#: Functions whose arguments have one type.
_ALIKE = frozenset("coalesce nullif greatest least lag lead".split())
_SPREADING = (operators.any_op, operators.all_op)
_SPREADING_NAMES = frozenset({"any", "all", "some"})
_SEVERAL = (ClauseList, ExpressionClauseList, Tuple)

Strings = Iterator[BindParameter[Any]]


def may_be_moment(type_: Any) -> bool:
    """Whether a string of the type may be read as a date or a time, if its place says so."""
    plain = resolved(type_)
    if isinstance(plain, (NullType, TupleType)):
        return True
    return is_moment(type_) or (isinstance(plain, String) and not isinstance(plain, Enum))


def settled_by_binary(binary: Any) -> Strings:
    """Of an operator's two sides: PostgreSQL takes a string for what the other side is."""
    if binary.operator is operators.collate:
        yield from _strings(binary.left)
    yield from _beside(binary.left, binary.right)
    yield from _beside(binary.right, binary.left)


def settled_by_function(name: str, arguments: Iterable[Any]) -> Strings:
    """Of a call of one of PostgreSQL's own functions."""
    found = list(arguments)
    if name in _OF_TEXTS or (name in _ALIKE and _are_alike(found)):
        for argument in found:
            yield from _strings(argument)


def settled_by_case(clause: Case[Any]) -> Strings:
    """Of what it may give, which has one type, and of what its value is compared with."""
    results = [result for _, result in clause.whens]
    results += [] if clause.else_ is None else [clause.else_]
    if all(_settles(result) or isinstance(result, (BindParameter, Null)) for result in results):
        for result in results:
            yield from _strings(result)
    if clause.value is not None:
        for compared, _ in clause.whens:
            yield from _beside(clause.value, compared)


def settled_by_cast(cast: Cast[Any]) -> Strings:
    """Of what it makes something else of; not where that is a date or a time."""
    if not is_moment(cast.type):
        yield from _strings(cast.clause)


def settled_as_selected(columns: Iterable[Any]) -> Strings:
    """Of strings that a statement selects: they are text where nothing else says what they are."""
    for column in columns:
        if not is_moment(column.type):
            yield from _strings(column)


def _beside(one: Any, other: Any) -> Strings:
    first, second = _parts(one), _parts(other)
    if first and len(first) == len(second) and isinstance(_bare(other), Tuple):
        for pair in zip(first, second, strict=True):
            yield from _beside(*pair)
    elif _settles(one):
        yield from _strings(other)


def _parts(element: Any) -> list[Any]:
    inner = _bare(element)
    return list(inner.clauses) if isinstance(inner, Tuple) else []


def _bare(element: Any) -> Any:
    while isinstance(element, (Grouping, Label)):
        element = element.element
    return element


def _name(element: Any) -> str:
    return str(getattr(element, "name", "")).lower() if isinstance(element, FunctionElement) else ""


def _are_alike(arguments: list[Any]) -> bool:
    """Whether they are surely no moments, though strings among them don't say what they are."""
    others = [argument for argument in arguments if not isinstance(_bare(argument), (BindParameter, Null))]
    return bool(others) and all(map(_settles, others))


def _settles(element: Any) -> bool:
    """Whether a string beside it is surely no moment."""
    inner = _bare(element)
    if isinstance(inner, UnaryExpression) and inner.operator in _SPREADING:
        return _settles(inner.element)
    if isinstance(inner, _SEVERAL):
        return all(_settles(part) for part in inner.clauses)
    if _name(inner) in _OF_TEXTS | _ALIKE:
        # lower() of a range of dates is a date
        return _name(inner) != "to_date" and _are_alike(list(inner.clauses))
    if isinstance(inner, (BindParameter, Null)) or isinstance(resolved(inner.type), NullType):
        return False
    return not is_moment(inner.type)


def _strings(element: Any) -> Strings:
    inner = _bare(element)
    if isinstance(inner, BindParameter):
        yield inner
    elif isinstance(inner, _SEVERAL):
        for part in inner.clauses:
            yield from _strings(part)
    elif isinstance(inner, UnaryExpression) and inner.operator in _SPREADING:
        yield from _strings(inner.element)
    elif _name(inner) in _SPREADING_NAMES:
        for part in inner.clauses:
            yield from _strings(part)
    elif isinstance(inner, BinaryExpression) and inner.operator is operators.concat_op:
        yield from _strings(inner.left)
        yield from _strings(inner.right)
