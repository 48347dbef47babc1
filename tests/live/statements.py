"""Statements of every shape over :mod:`tests.live.crew`, with values that Hypothesis chooses."""

import datetime as dt
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import (
    Integer,
    Unicode,
    and_,
    cast,
    column,
    distinct,
    exists,
    func,
    lateral,
    literal,
    literal_column,
    not_,
    or_,
    select,
    text,
    union,
    union_all,
    values,
)
from sqlalchemy.orm import (
    aliased,
    contains_eager,
    joinedload,
    selectin_polymorphic,
    selectinload,
    with_loader_criteria,
    with_polymorphic,
)

from tests.live.crew import Badge, Car, Counted, Meeting, Memo, Paper, Person, Rank, Team, Vehicle

SURE = st.integers(0, 3)
WORDS = [None, "", "a", "A", "ab", "a\nb", "b%", "İ", "i", "I"]
NAMES = st.sampled_from(WORDS)
UUIDS = [uuid.UUID(int=n << 124 | n) for n in range(4)]
DAYS = [dt.date(2024, 2, 29), dt.date(2024, 3, 1), dt.date(1, 1, 1)]
MOMENTS = [
    dt.datetime(2024, 1, 1, 12, tzinfo=dt.UTC),
    dt.datetime(2024, 1, 1, 12, 0, 0, 120_000, tzinfo=dt.UTC),
]
SPANS = [dt.timedelta(30), dt.timedelta(-1), dt.timedelta(hours=2), dt.timedelta(hours=-2)]

Draw = Callable[[Any], Any]


def person(draw: Draw, P: Any = Person) -> Any:
    """A condition on people, made of others or not."""
    one, kind = simple(draw, P), draw(st.integers(0, 9))
    made = {
        6: lambda: not_(one),
        7: lambda: or_(one, simple(draw, P)),
        8: lambda: one.is_(None),
        9: lambda: one.is_(True),
    }
    return made.get(kind, lambda: one)()


def simple(draw: Draw, P: Any) -> Any:
    """A condition on people."""
    n, m = draw(SURE), draw(SURE)
    name = draw(NAMES) or ""
    return draw(
        st.sampled_from(
            [
                lambda: P.age == n,
                lambda: P.age != n,
                lambda: P.age > n,
                lambda: P.age <= n,
                lambda: literal(n) > P.age,
                lambda: literal(n) <= P.age,
                lambda: literal(n) < P.age,
                lambda: not_(P.age.between(n, m)),
                lambda: P.age.is_not(None),
                lambda: P.age.is_distinct_from(n),
                lambda: P.age.is_not_distinct_from(n),
                lambda: (P.age > n).is_(None),
                lambda: (P.age > n).is_(False),
                lambda: not_(or_(P.age > n, P.active)),
                lambda: or_(P.age > n, P.name == name),
                lambda: P.age.in_([n, m]),
                lambda: P.age.not_in([n, None]),
                lambda: P.age.between(n, m),
                lambda: P.age.is_(None),
                lambda: P.name == name,
                lambda: P.name.like(f"%{name}"),
                lambda: P.name.not_like(f"{name}_"),
                lambda: P.name.like(f"{name}_%"),
                lambda: P.name.contains(name, autoescape=True),
                lambda: P.name.ilike(f"{name}%"),
                lambda: cast(P.age, Unicode).ilike(f"%{n}%"),
                lambda: P.active,
                lambda: ~P.active,
                lambda: P.active.is_not(True),
                lambda: P.score >= Decimal(n) / 2,
                lambda: P.rank == Rank.HIGH,
                lambda: P.rank != Rank.LOW,
                lambda: P.team_id == n,
                lambda: or_(P.team_id == n, P.team_id == m),
                lambda: not_(and_(P.age == n, P.active)),
                lambda: P.double > n,
                lambda: P.team.has(Team.size > n),
                lambda: P.badges.any(Badge.worth == n),
                lambda: P.id.in_([n, m]),
                lambda: P.id == n,
                lambda: P.age < P.team_id,
                lambda: P.team_id.in_(select(Team.id).where(Team.size == n)),
                lambda: func.lower(P.name) == name,
                lambda: P.secret == name,
                lambda: P.id.in_(
                    select(Badge.person_id)
                    .where(Badge.worth > n)
                    .group_by(Badge.person_id)
                    .having(func.count() > 1)
                ),
                lambda: P.age == select(func.max(Team.size)).scalar_subquery(),
                lambda: exists().where(Team.above_id == P.team_id, Team.size == n),
            ]
        )
    )()


def order(draw: Draw, P: Any, statement: Any) -> Any:
    """Perhaps an order, perhaps a total one, perhaps a page of it."""
    column = draw(
        st.sampled_from([P.age, P.score, P.team_id, P.name, P.active, P.rank, P.id, func.abs(P.age)])
    )
    column = draw(st.sampled_from([column, column.desc(), column.nulls_first(), column.desc().nulls_last()]))
    kind = draw(st.integers(0, 5))
    if kind == 0:
        return statement
    if kind == 1:
        return statement.order_by(column)
    statement = statement.order_by(column, draw(st.sampled_from([P.id, P.id.desc()])))
    if kind == 2:
        return statement
    offset = draw(st.sampled_from([None, 0, 1, 2]))
    return statement.limit(draw(st.sampled_from([None, 0, 1, 3]))).offset(offset)


def people(draw: Draw) -> Any:
    """The usual kind."""
    P = draw(st.sampled_from([Person, aliased(Person), aliased(Person, name="odd %")]))
    shape = draw(st.integers(0, 4))
    T = draw(st.sampled_from([Team, aliased(Team)]))
    if shape == 0:
        statement = select(P)
    elif shape == 1:
        statement = select(P.id, P.name, P.age, P.score)
    elif shape == 2:
        statement = (
            select(P).join(T, P.team_id == T.id).where(draw(st.sampled_from([T.size > 1, T.title == "a"])))
        )
    elif shape == 3:
        on = draw(st.sampled_from([P.team_id == T.id, and_(T.id == P.team_id, T.size > draw(SURE))]))
        statement = select(P, T.title).join(T, on, isouter=True)
        if draw(st.booleans()):
            statement = statement.where(draw(st.sampled_from([T.size > 1, T.size.is_(None)])))
    else:
        statement = select(P.id, P.age, T.title.label("team")).join(T, T.id == P.team_id, isouter=True)
    for _ in range(draw(st.sampled_from([0, 1, 1, 1, 2, 2]))):
        statement = statement.where(person(draw, P))
    return order(draw, P, statement)


def meetings(draw: Draw) -> Any:
    """Keys alone: drivers can't read all dates that PostgreSQL has."""
    statement = select(Meeting.id)
    for _ in range(draw(st.integers(1, 2))):
        statement = statement.where(
            draw(st.sampled_from([when, when, lambda draw: or_(when(draw), when(draw))]))(draw)
        )
    return statement.order_by(Meeting.id)


def when(draw: Draw) -> Any:
    """A condition on a date or a length of time."""
    column, pool = draw(st.sampled_from([(Meeting.day, DAYS), (Meeting.at, MOMENTS), (Meeting.lasts, SPANS)]))
    value, other = draw(st.sampled_from(pool)), draw(st.sampled_from(pool))
    return draw(
        st.sampled_from(
            [
                column == value, column != value, column < value, column <= value, column > value,
                column >= value, column.between(value, other), column.in_([value, other]),
            ]
        )
    )  # fmt: skip


def odd(draw: Draw) -> Any:
    """Whatever else there is."""
    n, m = draw(SURE), draw(SURE)
    where = person(draw)
    U, T2 = aliased(Person), aliased(Team)
    ages = select(Person.age, func.count().label("many")).where(where).group_by(Person.age)
    few = select(Person.id, Person.team_id).where(where).order_by(Person.id).limit(2)
    young = select(Person.id, Person.team_id).where(Person.age < n).cte("young")
    above = select(Team.id, Team.above_id).where(Team.size == n).cte("above", recursive=True)
    above = above.union(  # not UNION ALL: teams may stand above each other for ever
        select(Team.id, Team.above_id).join(above, Team.above_id == above.c.id).where(Team.size > 0)
    )
    inner = lateral(select(Badge.worth).where(Badge.person_id == Person.id, Badge.worth > n).limit(1))
    numbers = values(column("n", Integer), name="v").data([(n,), (m,)])
    return draw(
        st.sampled_from(
            [
                lambda: ages,
                lambda: ages.having(func.count() > 1),
                lambda: select(distinct(Person.age)).where(where),
                lambda: select(Person.age).where(where).distinct(),
                lambda: select(func.count(Person.id)).where(where),
                lambda: select(func.count()).select_from(Person).where(where),
                lambda: select(func.sum(Person.age), func.max(Person.score)).where(where),
                lambda: select(Person.id, func.row_number().over(order_by=[Person.age, Person.id])).where(
                    where
                ),
                lambda: select(Person, func.lag(Person.age).over(order_by=Person.id)).where(where),
                lambda: union(select(Person.age).where(where), select(Team.size).where(Team.id == n)),
                lambda: union_all(select(Person.id).where(where), select(Person.id).where(Person.age == n)),
                lambda: select(few.subquery()),
                lambda: select(Team.id).where(Team.id.in_(select(few.subquery().c.team_id))),
                lambda: select(Team).join(young, young.c.team_id == Team.id).order_by(Team.id, young.c.id),
                lambda: select(young.c.id, Team.title).join(Team, Team.id == young.c.team_id, isouter=True),
                lambda: select(above),
                lambda: select(Person.id, inner.c.worth).join(inner, literal(True)).where(where),
                lambda: (
                    select(Person.id, inner.c.worth).join(inner, literal(True), isouter=True).where(where)
                ),
                lambda: select(Person.id, U.id.label("other")).join(U, U.age == Person.team_id).where(where),
                lambda: (
                    select(Person.id, Team.id.label("team"))
                    .join(Team, Team.id == Person.team_id, full=True)
                    .where(Team.size > n)
                ),
                lambda: select(Person.id, Team.id.label("team")).join(
                    Team, Team.id == Person.team_id, full=True
                ),
                lambda: select(Person.id, Team.id.label("team")).where(
                    where, Team.size == n
                ),  # every one with every one
                lambda: (
                    select(Team, T2.title)
                    .join(T2, Team.above_id == T2.id, isouter=True)
                    .where(Team.size == n)
                    .order_by(Team.id)
                ),
                lambda: select(Team).join(Team.people).where(where).order_by(Team.id, Person.id),
                lambda: select(Team).where(Team.people.any(where)),
                lambda: select(Team).where(~Team.people.any(where)),
                lambda: select(
                    Team,
                    select(func.count(Person.id))
                    .where(Person.team_id == Team.id)
                    .scalar_subquery()
                    .label("n"),
                ),
                lambda: select(Badge),
                lambda: (
                    select(Badge)
                    .where(Badge.person_id == n)
                    .order_by(Badge.person_id, Badge.code.desc())
                    .limit(2)
                ),
                lambda: select(Badge).join(Badge.person).where(where).order_by(Badge.person_id, Badge.code),
                lambda: (
                    select(Badge.code, Badge.person_id, Badge.worth, Person.name)
                    .join(Person)
                    .where(Badge.worth >= n)
                ),
                lambda: select(Badge.worth, Badge.code).where(Badge.worth == n),
                lambda: select(Person).join(Person.badges).where(Badge.worth == n),
                lambda: select(Vehicle).where(Vehicle.wheels > n).order_by(Vehicle.id),
                lambda: select(Car).where(Car.doors == n).order_by(Car.id.desc()),
                lambda: select(Car.id, Car.doors),
                lambda: select(Vehicle).where(Vehicle.id.in_(UUIDS[:n])),
                lambda: select(Vehicle.wheels, Vehicle.id),
                lambda: select(Vehicle).options(selectin_polymorphic(Vehicle, [Car])),
                lambda: select(with_polymorphic(Vehicle, [Car])),
                lambda: select(Paper).where(Paper.title == "a").order_by(Paper.id),
                lambda: select(Memo).where(Memo.urgency == n),
                lambda: select(with_polymorphic(Paper, [Memo])),
                lambda: select(Memo.id, Memo.title).where(Memo.title == "a"),
                lambda: select(Counted).where(Counted.n == n),
                lambda: select(Counted.id, Counted.n).order_by(Counted.id).limit(1),
                lambda: (
                    select(Person)
                    .options(with_loader_criteria(Person, Person.age > n))
                    .where(where)
                    .order_by(Person.id)
                ),
                lambda: (
                    select(Team)
                    .join(Team.people)
                    .options(with_loader_criteria(Person, Person.age > n))
                    .order_by(Team.id, Person.id)
                ),
                lambda: (
                    select(Person)
                    .options(joinedload(Person.team))
                    .where(where)
                    .order_by(Person.age, Person.id)
                    .limit(2)
                ),
                lambda: select(Person).options(selectinload(Person.badges)).where(where),
                lambda: select(Team).options(joinedload(Team.people)).order_by(Team.id).limit(2),
                lambda: (
                    select(Person)
                    .join(Person.team)
                    .options(contains_eager(Person.team))
                    .where(Team.size == n)
                    .order_by(Person.id)
                ),
                lambda: select(Person).from_statement(select(Person).where(where)),
                lambda: select(Person.id).where(text("age > 1")),
                lambda: (
                    select(literal_column("*"))
                    .select_from(Person.__table__)
                    .where(Person.__table__.c.age == n)
                ),
                lambda: select(Person.id, literal_column("age")).where(where),
                lambda: select(
                    Person.id, func.unnest(func.array_remove(func.array_agg(Person.age), None))
                ).group_by(Person.id),
                lambda: select(Person.id, func.generate_series(1, Person.age)).where(where),
                lambda: select(numbers.c.n, Person.id).join(Person, Person.age == numbers.c.n),
                lambda: select(Person).order_by(Person.age, Person.id).limit(literal(2)),
                lambda: select(Person).order_by(Person.id).fetch(1, with_ties=True),
                lambda: (
                    select(Person.id, func.to_jsonb(Team.__table__.table_valued()))
                    .join(Person.team)
                    .where(where)
                ),
                lambda: select(Person.id).order_by(Person.age + 0, Person.id).limit(3),
                lambda: select(Person.id, (Person.age + 1).label("x")).order_by("x", "id").limit(2),
                lambda: select(Person.id, Person.age.label("x")).order_by(Person.id).limit(1).offset(n),
                lambda: select(Person.id).where(False),
                lambda: select(Person.id).where(where, Person.id == Person.id),
                lambda: select(Person.id.label("a"), Person.id.label("b")),
                lambda: select(Person.age, Team.id).join(Team),
                lambda: select(literal(1)).where(exists().where(where)),
                lambda: select(Person).where(
                    Person.id == select(func.max(U.id)).where(U.age == n).scalar_subquery()
                ),
                lambda: select(Person).where(
                    Person.age > select(func.avg(U.age)).where(U.team_id == Person.team_id).scalar_subquery()
                ),
                lambda: select(Team).where(Team.id == Person.team_id, where).order_by(Team.id, Person.id),
            ]
        )
    )()


@st.composite
def statements(draw: Any) -> Any:
    """Any."""
    return draw(st.sampled_from([people, people, people, odd, odd, odd, meetings]))(draw)
