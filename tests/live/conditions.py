"""Conditions of every shape over :mod:`tests.live.things`, made by Hypothesis."""

import operator
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import (
    Boolean,
    Unicode,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    true,
    type_coerce,
)

from tests.live.things import KINDS, TEXTS, things

COMPARE = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]
NAMES = st.sampled_from(sorted(KINDS))
TEXTLIKE = st.sampled_from(["s", "t", "turned", "cs", "e2", "c"])


def bound(name: str) -> st.SearchStrategy[Any]:
    return st.sampled_from(KINDS[name].bound or [None])


@st.composite
def comparisons(draw: Any) -> Any:
    name, compare = draw(NAMES), draw(st.sampled_from(COMPARE))
    column, value = things.c[name], draw(st.one_of(bound(name), st.none()))
    typed = literal(value, column.type)
    if draw(st.booleans()):
        return compare(typed, column)
    # SQLAlchemy takes neither None nor booleans beside <
    takes = value is not None and (not isinstance(value, bool) or compare in COMPARE[:2])
    return compare(column, value if takes else typed)


@st.composite
def memberships(draw: Any) -> Any:
    name = draw(NAMES)
    values = draw(st.lists(st.one_of(bound(name), st.none()), max_size=4))
    column = things.c[name]
    return column.in_(values) if draw(st.booleans()) else column.not_in(values)


@st.composite
def distinctions(draw: Any) -> Any:
    name = draw(NAMES)
    column, value = things.c[name], draw(st.one_of(bound(name), st.just(null())))
    return draw(st.sampled_from([column.is_distinct_from, column.is_not_distinct_from]))(value)


@st.composite
def spans(draw: Any) -> Any:
    name = draw(NAMES)
    low, high = draw(bound(name)), draw(bound(name))
    symmetric = draw(st.integers(0, 5)) == 0
    found = things.c[name].between(low, high, symmetric=symmetric)
    return not_(found) if draw(st.booleans()) else found


@st.composite
def nulls(draw: Any) -> Any:
    column = things.c[draw(NAMES)]
    return draw(st.sampled_from([column.is_(None), column.is_not(None), column == None]))  # noqa: E711


@st.composite
def pairs(draw: Any) -> Any:
    one, other = draw(
        st.sampled_from(
            [
                ("i2", "i8"),
                ("i4", "n"),
                ("n", "n2"),
                ("s", "t"),
                ("t", "turned"),
                ("u", "us"),
                ("ts", "d"),
                ("f", "i4"),
                ("f", "n"),
                ("e2", "s"),
                ("b", "b"),
                ("cs", "t"),
                ("r", "f"),
                ("absent", "i8"),
            ]
        )
    )
    return draw(st.sampled_from(COMPARE))(things.c[one], things.c[other])


@st.composite
def patterns(draw: Any) -> Any:
    column = things.c[draw(TEXTLIKE)]
    text = draw(st.one_of(st.sampled_from(TEXTS), st.text("aAbBiIkK%_\\ä/\n", max_size=5)))
    escape = draw(st.sampled_from([None, None, "/", "a", ""]))
    kind = draw(st.integers(0, 8))
    if kind < 4:
        method = [column.like, column.not_like, column.ilike, column.not_ilike][kind]
        return method(text, escape=escape)
    if kind < 7:
        found = [column.contains, column.startswith, column.endswith][kind - 4](
            text, autoescape=draw(st.booleans())
        )
        return not_(found) if draw(st.booleans()) else found
    if kind == 7:
        return column.icontains(text)
    name = draw(st.sampled_from(["s", "t", "i4", "i8", "n", "u", "b", "e", "d", "f", "c", "iv", "absent"]))
    return cast(things.c[name], Unicode).ilike(f"%{text}%")


@st.composite
def flags(draw: Any) -> Any:
    flag = things.c.b
    return draw(
        st.sampled_from(
            [
                flag,
                ~flag,
                flag.is_(True),
                flag.is_(False),
                flag.is_not(True),
                flag == True,  # noqa: E712
                flag != False,  # noqa: E712
                true(),
                false(),
                null(),
                flag.is_not(False),
            ]
        )
    )


@st.composite
def unknown(draw: Any) -> Any:
    column = things.c[draw(st.sampled_from(["s", "t"]))]
    return draw(
        st.sampled_from(
            [
                func.length(column) > 1,
                func.lower(column) == "a",
                column.collate("C") < "b",
                case((column == "a", True), else_=things.c.b),
                things.c.i4 + 1 > things.c.i2,
                things.c.i4.in_([things.c.i2, 5]),
                things.c.i4.in_(select(things.c.i2)),
                type_coerce(things.c.b, Boolean),
                column.regexp_match("^a"),
                cast(things.c.i4, Unicode(1)) == "1",
                func.coalesce(things.c.b, False),
                (column + "a") == "aa",
            ]
        )
    )


LEAVES = st.one_of(
    comparisons(),
    comparisons(),
    memberships(),
    distinctions(),
    spans(),
    nulls(),
    pairs(),
    patterns(),
    flags(),
    unknown(),
)


def branches(inner: Any) -> Any:
    several = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        several.map(lambda parts: and_(*parts)),
        several.map(lambda parts: or_(*parts)),
        inner.map(not_),
        inner.map(lambda part: part.is_(None)),
        inner.map(lambda part: part.is_(True)),
        inner.map(lambda part: part.is_not(False)),
    )


PREDICATES = st.recursive(LEAVES, branches, max_leaves=6)


@st.composite
def needs(draw: Any) -> Any:
    """Conditions that an index finds rows by, beside others."""
    name = draw(st.sampled_from(["i2", "i4", "n", "b", "d", "u", "absent", "e"]))
    kind, column = KINDS[name], things.c[name]
    low, high = draw(bound(name)), draw(bound(name))
    return draw(
        st.sampled_from(
            [
                column == literal(low, column.type),
                column.in_([low, high, None]),
                column.is_not_distinct_from(low),
                column.between(literal(low, column.type), literal(high, column.type)),
                column > literal(low, column.type),
                literal(high, column.type) >= column,
                column <= literal(kind.bound[0], column.type),
            ]
        )
    )
