"""Statements of many shapes, each with values that are put into it in turn."""

import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, bindparam, case, cast, exists, func, literal, select, tuple_, union
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import (
    Bundle,
    aliased,
    contains_eager,
    joinedload,
    load_only,
    undefer,
    with_expression,
    with_loader_criteria,
)

from tests.live.gadgets import Dog, Group, Heard, Mood, Odd, Pair, Thing

Making = Callable[[Any], Any]
Shapes = dict[str, tuple[Sequence[Any], Making]]

#: Read together whatever the values.
SHARED: Shapes = {}

#: Read together only with equal values, or never.
ALONE: Shapes = {}

THINGS = select(Thing).order_by(Thing.id)
FEW = range(4)


def _into(shapes: Shapes, values: Sequence[Any]) -> Callable[[Making], Making]:
    def register(making: Making) -> Making:
        shapes[making.__name__] = (values, making)
        return making

    return register


def shared(values: Sequence[Any] = FEW) -> Callable[[Making], Making]:
    return _into(SHARED, values)


def alone(values: Sequence[Any] = FEW) -> Callable[[Making], Making]:
    return _into(ALONE, values)


# -- values of every kind


@shared()
def integer(v: int) -> Any:
    return THINGS.where(Thing.group_id == v)


@shared()
def smallint(v: int) -> Any:
    return THINGS.where(Thing.small > v)


@shared([10**12, 4 * 10**12])
def bigint(v: int) -> Any:
    return THINGS.where(Thing.big >= v)


@shared([Decimal("1.50"), Decimal("1.505"), Decimal("2.5")])
def numeric(v: Decimal) -> Any:
    return THINGS.where(Thing.price <= v)


@shared([0.125, 3.5, 1e300])
def floating(v: float) -> Any:
    return THINGS.where(Thing.ratio <= v)


@shared(["ab", "ab ", "abcdefgh", "", "it's", "\\", "%"])
def varchar(v: str) -> Any:
    return THINGS.where(Thing.title == v)


@shared(["ab", "ab   ", "abcdefgh"])
def char(v: str) -> Any:
    return THINGS.where(Thing.code == v)


@shared(["ab%", "ab   ", "ab"])
def char_like(v: str) -> Any:
    return THINGS.where(Thing.code.like(v))


@shared(["x", "X", "x%", "it's", "\\"])
def unlimited(v: str) -> Any:
    return THINGS.where(Thing.body == v)


@shared(["x", "%", "X", "'"])
def contained(v: str) -> Any:
    return THINGS.where(Thing.body.contains(v, autoescape=True))


@shared(["x", "%", "X"])
def ilike(v: str) -> Any:
    return THINGS.where(Thing.body.ilike(f"%{v}"))


@shared(["s0", "s1"])
def of_ones_own(v: str) -> Any:
    return THINGS.where(Thing.secret == v)


@shared(["ab", "ab  ", "c"])
def unknown_to_the_model(v: str) -> Any:
    """The column is of another type than the model says, with equality of its own."""
    return THINGS.where(Thing.padded == v)


@shared(list(Mood))
def enumeration(v: Mood) -> Any:
    return THINGS.where(Thing.mood == v)


@shared([UUID(int=n) for n in FEW])
def uuid(v: UUID) -> Any:
    return THINGS.where(Thing.token == v)


@shared([dt.date(2026, 1, n) for n in (1, 2, 3)])
def date(v: dt.date) -> Any:
    return THINGS.where(Thing.day <= v)


@shared([dt.datetime(2026, 1, 1, n) for n in (1, 2)])  # noqa: DTZ001
def naive(v: dt.datetime) -> Any:
    return THINGS.where(Thing.naive < v)


@shared([dt.datetime(2026, 1, 1, n, tzinfo=dt.UTC) for n in (1, 2)])
def moment(v: dt.datetime) -> Any:
    return THINGS.where(Thing.moment < v)


@shared([dt.time(n) for n in (1, 2)])
def clock(v: dt.time) -> Any:
    return THINGS.where(Thing.clock < v)


@shared([dt.timedelta(hours=n) for n in (1, 2)])
def interval(v: dt.timedelta) -> Any:
    return THINGS.where(Thing.span < v)


@shared([[1, 2], [3, 4], [5, 70]])
def list_of_numbers(v: list[int]) -> Any:
    return THINGS.where(Thing.id.in_(v))


@shared([["x", "X"], ["x%", "nothing"]])
def list_of_strings(v: list[str]) -> Any:
    return THINGS.where(Thing.body.in_(v))


@shared([["x", "X"], ["x%", "it's"]])
def not_in_list(v: list[str]) -> Any:
    return THINGS.where(Thing.body.not_in(v))


@alone([[(1, "x"), (2, "x")], [(3, "it's"), (4, "\\")]])
def list_of_tuples(v: list[Any]) -> Any:
    return THINGS.where(tuple_(Thing.id, Thing.body).in_(v))


# -- places


@shared([3, 1, 0, 100])
def limit(v: int) -> Any:
    return THINGS.limit(v)


@shared([3, 0, 58, 100])
def offset(v: int) -> Any:
    return THINGS.limit(3).offset(v)


@shared([(1, 2), (3, 1)])
def page(v: tuple[int, int]) -> Any:
    statement = select(Thing.id, Thing.title).where(Thing.group_id == v[0])
    return statement.order_by(Thing.price.desc().nulls_first(), Thing.id.desc()).limit(v[1] + 5)


@shared(["group 1", "group 2", "nothing"])
def joined(v: str) -> Any:
    return select(Thing.id, Group.name).join(Group).where(Group.name == v).order_by(Thing.id)


@shared()
def outer_join(v: int) -> Any:
    """Most rows hold no model at all."""
    on = (Group.id == Thing.group_id) & (Thing.small == v)
    return select(Group).select_from(Thing).join(Group, on, isouter=True).order_by(Thing.id)


@shared()
def outer_join_of_columns(v: int) -> Any:
    """Of a model of nothing but columns."""
    on = (Pair.x == Thing.id) & (Thing.small == v)
    return select(Pair).select_from(Thing).join(Pair, on, isouter=True).order_by(Thing.id, Pair.y)


@shared()
def composite_key(v: int) -> Any:
    return select(Pair).where(Pair.n >= v).order_by(Pair.n)


@shared()
def heard(v: int) -> Any:
    return select(Heard).where(Heard.n == v)


@shared()
def repeated_rows(v: int) -> Any:
    return select(Group).join(Thing).where(Thing.small == v).order_by(Group.id)


@shared()
def two_models(v: int) -> Any:
    return select(Thing, Group).join(Group).where(Thing.small == v).order_by(Thing.id)


@shared()
def alias(v: int) -> Any:
    other = aliased(Thing, name="other")
    return select(other).where(other.small == v).order_by(other.id)


@shared()
def selected(v: int) -> Any:
    return select(Thing.id, (Thing.small + v).label("n"), literal(v).label("v")).order_by(Thing.id).limit(3)


@shared(["a", "b"])
def selected_string(v: str) -> Any:
    return select(Thing.id, literal(v).label("v")).order_by(Thing.id).limit(3)


@shared(["a", "b"])
def concatenated(v: str) -> Any:
    return select(Thing.id, (literal(v) + Thing.body + literal(v)).label("t")).order_by(Thing.id)


@shared(["x", "X"])
def in_case(v: str) -> Any:
    return select(Thing.id, case((Thing.body == v, "yes"), else_="no").label("c")).order_by(Thing.id)


@shared(["x", "it's"])
def in_function(v: str) -> Any:
    return THINGS.where(func.lower(Thing.body) == func.lower(v))


@shared(["1", "2"])
def in_cast(v: str) -> Any:
    return THINGS.where(Thing.id == cast(v, Integer))


@shared()
def in_exists(v: int) -> Any:
    found = exists().where((Thing.group_id == Group.id) & (Thing.id == v))
    return select(Group).where(found).order_by(Group.id)


@shared()
def in_subquery(v: int) -> Any:
    few = select(Thing.id, Thing.title).where(Thing.small == v).limit(5).order_by(Thing.id).subquery()
    return select(few.c.id, few.c.title).order_by(few.c.id)


@shared()
def in_cte(v: int) -> Any:
    few = select(Thing.id).where(Thing.small == v).cte()
    return select(Thing).join(few, few.c.id == Thing.id).order_by(Thing.id)


@shared()
def in_scalar_subquery(v: int) -> Any:
    counted = select(func.count(Thing.id)).where(Thing.group_id == Group.id, Thing.small > v)
    return select(Group.id, counted.scalar_subquery().label("n")).order_by(Group.id)


@shared()
def aggregate(v: int) -> Any:
    return select(func.count().label("n"), func.max(Thing.id).label("m")).where(Thing.small == v)


@shared()
def grouped(v: int) -> Any:
    statement = select(Thing.mood, func.sum(Thing.price).label("s")).where(Thing.small > v)
    return statement.group_by(Thing.mood).having(func.count() > v).order_by(Thing.mood)


@shared()
def distinct(v: int) -> Any:
    return select(Thing.small).where(Thing.small > v).distinct().order_by(Thing.small)


@shared()
def distinct_models(v: int) -> Any:
    return select(Odd).where(Odd.x >= v).distinct().order_by(Odd.x, Odd.y)


@shared()
def distinct_on(v: int) -> Any:
    statement = select(Thing).where(Thing.small > v).order_by(Thing.mood, Thing.id)
    on = getattr(postgresql, "distinct_on", None)  # from 2.1 on
    return statement.ext(on(Thing.mood)) if on else statement.distinct(Thing.mood)


@shared()
def window_function(v: int) -> Any:
    place = func.row_number().over(order_by=Thing.id.desc())
    return select(Thing.id, place.label("r")).where(Thing.small > v).order_by(Thing.id)


@shared()
def without_key(v: int) -> Any:
    return select(Thing.title).where(Thing.small == v).order_by(Thing.id)


@shared(range(900, 903))
def mostly_nothing(v: int) -> Any:
    return THINGS.where((Thing.id == v) | (Thing.id == v - 901))


@shared()
def column_property(v: int) -> Any:
    return select(Group).where(Group.id >= v).order_by(Group.id)


@shared(range(3))
def instances(v: int) -> Any:
    return select(Odd).where(Odd.x == v).order_by(Odd.y)


@shared(range(3))
def options(v: int) -> Any:
    return select(Odd).options(undefer(Odd.notes), load_only(Odd.name)).where(Odd.x == v).order_by(Odd.y)


@shared()
def bundle(v: int) -> Any:
    return select(Bundle("b", Thing.id, Thing.title)).where(Thing.small == v).order_by(Thing.id)


@shared(range(3))
def criteria(v: int) -> Any:
    return THINGS.options(with_loader_criteria(Thing, Thing.small == v))


@shared()
def explicit_name(v: int) -> Any:
    return THINGS.where(Thing.small == bindparam("it's (100%)", v))


@shared(["x", "X"])
def percent(v: str) -> Any:
    labelled = (Thing.id % 5).label("per%cent")
    return select(Thing.id, labelled).where(Thing.body == v).order_by(Thing.id)


@shared([(1, "x"), (2, "x"), (3, "X")])
def several(v: tuple[int, str]) -> Any:
    return THINGS.where(Thing.small >= v[0], Thing.body == v[1], Thing.group_id != v[0])


# -- what is not read together


@alone()
def union_of_two(v: int) -> Any:
    return union(select(Thing.id).where(Thing.id == v), select(Group.id).where(Group.id == v)).order_by("id")


@alone()
def inheritance(v: int) -> Any:
    return select(Dog).where(Dog.id == v)


@alone([1, 2])
def sorted_by_number(v: int) -> Any:
    """A number written there is a column's place."""
    return select(Thing.title, Thing.id).order_by(literal(v), Thing.id)


@alone([1, 2])
def grouped_by_number(v: int) -> Any:
    return select(Thing.title, Thing.mood).group_by(Thing.title, Thing.mood, literal(v))


@alone(["x", "y"])
def put_into_instances(v: str) -> Any:
    """The session keeps what it loaded first."""
    return select(Odd).options(with_expression(Odd.extra, literal(v) + Odd.name)).order_by(Odd.x, Odd.y)


@alone()
def loaded_by_join(v: int) -> Any:
    return THINGS.where(Thing.small == v).options(joinedload(Thing.group))


@alone()
def contained_eagerly(v: int) -> Any:
    return THINGS.join(Thing.group).options(contains_eager(Thing.group)).where(Thing.small == v)


@alone(range(1, 3))
def criteria_of_column_property(v: int) -> Any:
    """They reach into what is counted for each instance."""
    return select(Group).order_by(Group.id).options(with_loader_criteria(Thing, Thing.small == v))


@alone(["now", "tomorrow"])
def by_the_clock(v: str) -> Any:
    return THINGS.where(Thing.moment < v)


@alone([[1], [1, 2]])
def lists_of_other_lengths(v: list[int]) -> Any:
    return THINGS.where(Thing.id.in_(v))


@alone([1, None, 2**40, 2**70])
def numbers_of_other_types(v: int | None) -> Any:
    return select(Thing.id, literal(v, Integer).label("v"))


@alone([[1], [2]])
def arrays(v: list[int]) -> Any:
    return THINGS.where(Thing.tags.contains(v))


@alone([float("inf"), float("-inf")])
def infinities(v: float) -> Any:
    return THINGS.where(Thing.ratio < v)
