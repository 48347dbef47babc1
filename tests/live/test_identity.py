"""Subscribers share a query when, and only when, theirs surely is the same."""

import datetime as dt
import enum
import gc
import json
from collections.abc import Hashable
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import given, strategies as st
from sqlalchemy import bindparam, func, literal, select, type_coerce
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.orm import aliased, selectin_polymorphic, undefer, with_loader_criteria

from sa_notify.errors import QueryError
from sa_notify.live.dependencies import dependencies
from sa_notify.live.identity import freeze, identity
from sa_notify.live.shape import Shape, prepare
from tests.live.models import Animal, Cat, Dog, Old, Owner, Place, State, Task

BERLIN = ZoneInfo("Europe/Berlin")
NAIVE = dt.datetime(2026, 1, 1)  # noqa: DTZ001
TWICE = dt.datetime(2026, 10, 25, 2)  # noqa: DTZ001
DIALECT: Any = pg.psycopg2.dialect()


class Other(enum.Enum):
    OPEN = "o"


class Number(enum.IntEnum):
    ONE = 1


class Rounded(sa.types.TypeDecorator[Any]):
    """Says that its instances with equal arguments are alike."""

    impl = sa.Numeric
    cache_ok = True

    def __init__(self, places: int) -> None:
        super().__init__()
        self.places = places


class Opaque(sa.types.TypeDecorator[Any]):
    """Says nothing."""

    impl = sa.Numeric
    cache_ok = False


class Equal:
    """Says that it equals everything."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 1


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([0.0, -0.0, 1.0, float("nan"), float("inf")])
    | st.sampled_from([Decimal(1), Decimal("1.0"), Decimal("NaN")])
    | st.sampled_from(["", "1", "a"])
    | st.sampled_from([b"1", bytearray(b"1")])
    | st.sampled_from([dt.date(2026, 1, 1), NAIVE, dt.datetime(2026, 1, 1, tzinfo=dt.UTC)])
    | st.sampled_from([State.OPEN, State.DONE, Other.OPEN, Number.ONE, UUID(int=1)])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner)
        | st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
    ),
    max_leaves=5,
)


def _exactly(value: Any) -> str:
    """The value with the class of each of its parts, as an oracle."""
    if isinstance(value, (list, tuple)):
        return json.dumps([type(value).__name__, *map(_exactly, value)])
    if isinstance(value, dict):
        return json.dumps([[name, _exactly(item)] for name, item in value.items()]) + "dict"
    return f"{type(value).__qualname__} {value!r}"


@given(VALUES, VALUES)
def test_frozen_values_are_equal_when_they_are_the_same(one: Any, other: Any) -> None:
    """Same class, same value, all the way down: neither more nor less."""
    assert (freeze(one) == freeze(other)) == (_exactly(one) == _exactly(other))
    if _exactly(one) == _exactly(other):
        assert hash(freeze(one)) == hash(freeze(other))


DIFFERENT = [
    (True, 1),
    (1, 1.0),
    (1.0, Decimal(1)),
    (0.0, -0.0),
    (Decimal("1.0"), Decimal("1.00")),
    ([1], (1,)),
    ([True], [1]),
    ({"a": 1}, {"a": True}),
    ({1}, {True}),
    ({1}, frozenset({1})),
    (b"a", "a"),
    (State.OPEN, Other.OPEN),
    (Number.ONE, 1),
    (dt.date(2026, 1, 1), NAIVE),
    (NAIVE.replace(hour=1, tzinfo=dt.UTC), NAIVE.replace(hour=2, tzinfo=dt.timezone(dt.timedelta(hours=1)))),
    (TWICE.replace(tzinfo=BERLIN), TWICE.replace(fold=1, tzinfo=BERLIN)),
    (pg.Range(1, 5), pg.Range(1, 5, bounds="[]")),
    (pg.Range(1, 5), pg.Range(1.0, 5.0)),
    (Equal(), Equal()),
    (object(), object()),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_what_python_takes_for_equal_may_not_be_the_same(one: Any, other: Any) -> None:
    """A shared query would show one subscriber the other's rows."""
    assert freeze(one) != freeze(other)


@pytest.mark.parametrize(
    "value", [float("nan"), pg.Range(1, None), {"a": [1, {"b": None}]}, State.OPEN, memoryview(b"x"), {3, 1}]
)
def test_the_same_is_equal(value: Any) -> None:
    """Frozen twice, in whatever order sets come."""
    assert freeze(value) == freeze(value)
    assert hash(freeze(value)) == hash(freeze(value))


def test_nothing_is_known_of_objects_that_can_change() -> None:
    """Such a value is never shared, and an address that is used again means nothing."""
    value = Equal()
    assert freeze(value) != freeze(value)
    frozen: set[Hashable] = set()
    for _ in range(1000):
        frozen.add(freeze([object()]))
        gc.collect(0)
    assert len(frozen) == 1000


def _identity(statement: Any, *rest: Hashable, key: Any = None) -> Hashable:
    prepared = prepare(statement)
    return identity(dependencies(prepared, DIALECT), Shape(prepared, key=key).layout, *rest)


BUILDERS: list[Any] = [
    lambda: select(Task).where(Task.id == 1),
    lambda: select(Task).where(Task.id == 2),
    lambda: select(Task).where(Task.id.in_([1, 2])),
    lambda: select(Task).where(Task.id.in_([1, 2, 3])),
    lambda: select(Task).where(Task.title == "a").limit(1),
    lambda: select(Task).where(Task.title == "a").limit(2),
    lambda: select(aliased(Task, name="x")),
    lambda: select(Task.id, Task.title),
    lambda: select(Task.id, Task.title.label("t")),
    lambda: select(literal(1, sa.Integer).label("x")),
    lambda: select(literal(1, sa.String).label("x")),
    lambda: select(literal(True, sa.Integer).label("x")),
    lambda: select(type_coerce(Task.price, Rounded(1)).label("p")),
    lambda: select(type_coerce(Task.price, Rounded(2)).label("p")),
    lambda: select(type_coerce(pg.array([1]), pg.ARRAY(Rounded(1))).label("p")),
    lambda: select(type_coerce(pg.array([1]), pg.ARRAY(Rounded(2))).label("p")),
    lambda: select(Task).where(Task.price == literal(1, Rounded(1))),
    lambda: select(Task).where(Task.price == literal(1, Rounded(2))),
    lambda: select(Place).execution_options(schema_translate_map={None: "one"}),
    lambda: select(Place).execution_options(schema_translate_map={None: "two"}),
    lambda: select(Owner, aliased(Owner, name="boss")).where(Owner.name == "x"),
    lambda: select(func.count(Old.id)),
    lambda: select(Task).where(Task.state == State.OPEN),
    lambda: select(Task).where(Task.state == State.DONE),
    lambda: select(Animal),
    lambda: select(Animal).options(selectin_polymorphic(Animal, [Cat])),
    lambda: select(Animal).options(selectin_polymorphic(Animal, [Cat, Dog])),
    lambda: select(Animal).options(undefer(Dog.chip)),
]


def test_equal_statements_share_and_others_do_not() -> None:
    """Built anew for each subscriber, as a query's function does."""
    first, second = ([_identity(build()) for build in BUILDERS] for _ in range(2))

    assert first == second
    assert [hash(found) for found in first] == [hash(found) for found in second]
    assert len(set(first)) == len(BUILDERS)


def test_key_and_whatever_else_is_given_belong_to_it() -> None:
    """The same rows under other names, or read at another pace, are another query."""
    statement = select(Task.id, Task.title)
    found = [
        _identity(statement),
        _identity(statement, key=["title"]),
        _identity(statement, 2.0),
        _identity(statement, 2.0, "tenant"),
    ]
    assert len(set(found)) == 4


def test_a_type_that_says_nothing_is_known_by_its_object() -> None:
    """Columns keep theirs, so that statements still share; one made on the spot is its own."""
    kept = Opaque()

    def with_type(type_: Any) -> Any:
        return _identity(select(type_coerce(Task.price, type_).label("p")))

    assert with_type(kept) == with_type(kept)
    assert with_type(Opaque()) != with_type(Opaque())


def test_values_that_are_made_at_each_execution_are_never_shared() -> None:
    """Nobody knows what they will be."""
    statement = select(Task).where(Task.id == bindparam("x", callable_=lambda: 1))

    assert _identity(statement) != _identity(statement)


def test_a_missing_value_is_refused() -> None:
    """When the query is built, not when it is read."""
    with pytest.raises(QueryError, match="'which' has no value"):
        _identity(select(Task).where(Task.id == bindparam("which")))


PARAM = bindparam("given", 1)


@pytest.mark.parametrize(
    "statement",
    [
        select(Task).where(Task.id == PARAM),
        select(Task.id).where(Task.id.in_(select(Owner.id).where(Owner.id == PARAM))),
        select(Task.id).where(Task.id == PARAM).union(select(Owner.id)),
        select(Task).where(Task.id == bindparam("given", callable_=lambda: 1)),
        select(Task).where(Task.id == bindparam("given", required=True)),
        select(Task).where(Task.id == PARAM).options(with_loader_criteria(Task, Task.title.is_not(None))),
    ],
)
def test_params(statement: Any) -> None:
    """What params() gives is part of it, though SQLAlchemy 2.1 keeps it beside the parameters."""
    one, same, other = (prepare(statement.params(given=value)) for value in (2, 2, 3))

    assert set(dependencies(one, DIALECT).params.values()) == {2}
    assert one.compile(dialect=DIALECT).params == {"given": 2}
    assert _identity(one) == _identity(same)
    assert _identity(one) != _identity(other)
