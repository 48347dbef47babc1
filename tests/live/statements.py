"""Statements of every shape over :mod:`tests.live.crew`, with values that Hypothesis chooses."""

import random
import uuid
from collections.abc import Callable, Iterator, Sequence
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

from tests.live.crew import Badge, Car, Counted, Memo, Paper, Person, Rank, Team, Vehicle

SURE = st.integers(0, 3)
WORDS = [None, "", "a", "A", "ab", "b%", "İ", "i", "I"]
NAMES = st.sampled_from(WORDS)
UUIDS = [uuid.UUID(int=n << 124 | n) for n in range(4)]

Draw = Callable[[Any], Any]


def person(draw: Draw, P: Any = Person) -> Any:
    """A condition on people."""
    n, m = draw(SURE), draw(SURE)
    name = draw(NAMES) or ""
    return draw(
        st.sampled_from(
            [
                P.age == n,
                P.age > n,
                P.age.in_([n, m]),
                P.age.not_in([n, None]),
                P.age.between(n, m),
                P.age.is_(None),
                P.name == name,
                P.name.like(f"%{name}"),
                P.name.ilike(f"{name}%"),
                cast(P.age, Unicode).ilike(f"%{n}%"),
                P.active,
                ~P.active,
                P.active.is_not(True),
                P.score >= Decimal(n) / 2,
                P.rank == Rank.HIGH,
                P.rank != Rank.LOW,
                P.team_id == n,
                or_(P.team_id == n, P.team_id == m),
                not_(and_(P.age == n, P.active)),
                P.double > n,
                P.team.has(Team.size > n),
                P.badges.any(Badge.worth == n),
                P.id.in_([n, m]),
                P.id == n,
                P.age < P.team_id,
                P.team_id.in_(select(Team.id).where(Team.size == n)),
                func.lower(P.name) == name,
                P.secret == name,
                P.id.in_(
                    select(Badge.person_id)
                    .where(Badge.worth > n)
                    .group_by(Badge.person_id)
                    .having(func.count() > 1)
                ),
                P.age == select(func.max(Team.size)).scalar_subquery(),
                exists().where(Team.above_id == P.team_id, Team.size == n),
            ]
        )
    )


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
    for _ in range(draw(st.integers(0, 2))):
        statement = statement.where(person(draw, P))
    return order(draw, P, statement)


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
                ages,
                ages.having(func.count() > 1),
                select(distinct(Person.age)).where(where),
                select(Person.age).where(where).distinct(),
                select(func.count(Person.id)).where(where),
                select(func.count()).select_from(Person).where(where),
                select(func.sum(Person.age), func.max(Person.score)).where(where),
                select(Person.id, func.row_number().over(order_by=[Person.age, Person.id])).where(where),
                select(Person, func.lag(Person.age).over(order_by=Person.id)).where(where),
                union(select(Person.age).where(where), select(Team.size).where(Team.id == n)),
                union_all(select(Person.id).where(where), select(Person.id).where(Person.age == n)),
                select(few.subquery()),
                select(Team).join(few.subquery(), few.selected_columns.team_id == Team.id)
                if False
                else select(Team.id).where(Team.id.in_(select(few.subquery().c.team_id))),
                select(Team).join(young, young.c.team_id == Team.id).order_by(Team.id, young.c.id),
                select(young.c.id, Team.title).join(Team, Team.id == young.c.team_id, isouter=True),
                select(above),
                select(Person.id, inner.c.worth).join(inner, literal(True)).where(where),
                select(Person.id, inner.c.worth).join(inner, literal(True), isouter=True).where(where),
                select(Person.id, U.id.label("other")).join(U, U.age == Person.team_id).where(where),
                select(Person.id, Team.id.label("team"))
                .join(Team, Team.id == Person.team_id, full=True)
                .where(Team.size > n),
                select(Person.id, Team.id.label("team")).join(Team, Team.id == Person.team_id, full=True),
                select(Person.id, Team.id.label("team")).where(
                    where, Team.size == n
                ),  # every one with every one
                select(Team, T2.title)
                .join(T2, Team.above_id == T2.id, isouter=True)
                .where(Team.size == n)
                .order_by(Team.id),
                select(Team).join(Team.people).where(where).order_by(Team.id, Person.id),
                select(Team).where(Team.people.any(where)),
                select(Team).where(~Team.people.any(where)),
                select(
                    Team,
                    select(func.count(Person.id))
                    .where(Person.team_id == Team.id)
                    .scalar_subquery()
                    .label("n"),
                ),
                select(Badge),
                select(Badge)
                .where(Badge.person_id == n)
                .order_by(Badge.person_id, Badge.code.desc())
                .limit(2),
                select(Badge).join(Badge.person).where(where).order_by(Badge.person_id, Badge.code),
                select(Badge.code, Badge.person_id, Badge.worth, Person.name)
                .join(Person)
                .where(Badge.worth >= n),
                select(Badge.worth, Badge.code).where(Badge.worth == n),
                select(Person).join(Person.badges).where(Badge.worth == n),
                select(Vehicle).where(Vehicle.wheels > n).order_by(Vehicle.id),
                select(Car).where(Car.doors == n).order_by(Car.id.desc()),
                select(Car.id, Car.doors),
                select(Vehicle).where(Vehicle.id.in_(UUIDS[:n])),
                select(Vehicle.wheels, Vehicle.id),
                select(Vehicle).options(selectin_polymorphic(Vehicle, [Car])),
                select(with_polymorphic(Vehicle, [Car])),
                select(Paper).where(Paper.title == "a").order_by(Paper.id),
                select(Memo).where(Memo.urgency == n),
                select(with_polymorphic(Paper, [Memo])),
                select(Memo.id, Memo.title).where(Memo.title == "a"),
                select(Counted).where(Counted.n == n),
                select(Counted.id, Counted.n).order_by(Counted.id).limit(1),
                select(Person)
                .options(with_loader_criteria(Person, Person.age > n))
                .where(where)
                .order_by(Person.id),
                select(Team)
                .join(Team.people)
                .options(with_loader_criteria(Person, Person.age > n))
                .order_by(Team.id, Person.id),
                select(Person)
                .options(joinedload(Person.team))
                .where(where)
                .order_by(Person.age, Person.id)
                .limit(2),
                select(Person).options(selectinload(Person.badges)).where(where),
                select(Team).options(joinedload(Team.people)).order_by(Team.id).limit(2),
                select(Person)
                .join(Person.team)
                .options(contains_eager(Person.team))
                .where(Team.size == n)
                .order_by(Person.id),
                select(Person).from_statement(select(Person).where(where)),
                select(Person.id).where(text("age > 1")),
                select(literal_column("*")).select_from(Person.__table__).where(Person.__table__.c.age == n),
                select(Person.id, literal_column("age")).where(where),
                select(Person.id, func.unnest(func.array_remove(func.array_agg(Person.age), None))).group_by(
                    Person.id
                ),
                select(Person.id, func.generate_series(1, Person.age)).where(where),
                select(numbers.c.n, Person.id).join(Person, Person.age == numbers.c.n),
                select(Person).order_by(Person.age, Person.id).limit(literal(2)),
                select(Person).order_by(Person.id).fetch(1, with_ties=True),
                select(Person.id, func.to_jsonb(Team.__table__.table_valued()))
                .join(Person.team)
                .where(where),
                select(Person.id).order_by(Person.age + 0, Person.id).limit(3),
                select(Person.id, (Person.age + 1).label("x")).order_by("x", "id").limit(2),
                select(Person.id, Person.age.label("x")).order_by(Person.id).limit(1).offset(n),
                select(Person.id).where(False),
                select(Person.id).where(where, Person.id == Person.id),
                select(Person.id.label("a"), Person.id.label("b")),
                select(Person.age, Team.id).join(Team),
                select(literal(1)).where(exists().where(where)),
                select(Person).where(Person.id == select(func.max(U.id)).where(U.age == n).scalar_subquery()),
                select(Person).where(
                    Person.age > select(func.avg(U.age)).where(U.team_id == Person.team_id).scalar_subquery()
                ),
                select(Team).where(Team.id == Person.team_id, where).order_by(Team.id, Person.id),
            ]
        )
    )


@st.composite
def statements(draw: Any) -> Any:
    """Any."""
    return people(draw) if draw(st.integers(0, 2)) else odd(draw)


# -- writes


def refilled(seed: int) -> Iterator[str]:
    """Statements that leave other rows than those that are there."""
    chance = random.Random(seed)
    yield f"TRUNCATE {', '.join(KEYS)}"
    for table, key in KEYS.items():
        names = ", ".join([*key, *(f'"{name}"' for name in COLUMNS[table])])
        parts = [*key.values(), *COLUMNS[table].values()]
        found = [tuple(chance.choice(pool) for pool in parts) for _ in range(8)]
        rows = {row[: len(key)]: row for row in found}.values()
        lines = ", ".join("(" + ", ".join(row) + ")" for row in rows)
        yield f"INSERT INTO {table} ({names}) VALUES {lines}"


@st.composite
def transactions(draw: Any, tables: Sequence[str]) -> list[str]:
    """Statements of which each changes a row or several, mostly of these tables."""
    pool = [table for table in tables if table in KEYS] * 3 + sorted(KEYS)
    return [_write(draw, draw(st.sampled_from(pool))) for _ in range(draw(st.integers(1, 3)))]


def _write(draw: Draw, table: str) -> str:
    key, columns = KEYS[table], COLUMNS[table]
    chosen = draw(st.lists(st.sampled_from(sorted(columns)), min_size=1, max_size=2, unique=True))
    sets = ", ".join(f'"{name}" = {draw(st.sampled_from(columns[name]))}' for name in chosen)
    which = " AND ".join(f"{name} = {draw(st.sampled_from(pool))}" for name, pool in key.items())
    if draw(st.integers(0, 3)) == 0:
        name = draw(st.sampled_from(sorted(columns)))
        which = f'"{name}" IS NOT DISTINCT FROM {draw(st.sampled_from(columns[name]))}'
    kind = draw(st.integers(0, 19))
    if kind < 11:
        return f"UPDATE {table} SET {sets} WHERE {which}"
    if kind < 14:
        return f"DELETE FROM {table} WHERE {which}"
    if kind == 14:
        return f"TRUNCATE {table}"
    names = ", ".join([*key, *(f'"{name}"' for name in columns)])
    row = ", ".join(draw(st.sampled_from(pool)) for pool in [*key.values(), *columns.values()])
    insert = f"INSERT INTO {table} ({names}) VALUES ({row}) ON CONFLICT ({', '.join(key)})"
    return f"{insert} DO {'NOTHING' if kind < 18 else 'UPDATE SET ' + sets}"


def _sql(values: Sequence[Any]) -> list[str]:
    return ["NULL" if v is None else str(v) if isinstance(v, int) else f"'{v}'" for v in values]


NUMBER, SURE_NUMBER, NAME = _sql([None, 0, 1, 2, 3]), _sql([0, 1, 2, 3]), _sql(WORDS)
UUID = _sql(UUIDS)
KEYS: dict[str, dict[str, list[str]]] = {
    "teams": {"id": SURE_NUMBER},
    "people": {"id": SURE_NUMBER},
    "badges": {"person_id": SURE_NUMBER, "code": _sql(["", "a", 'q"', "b,", "ä\\"])},
    "vehicles": {"id": UUID},
    "papers": {"id": SURE_NUMBER},
    "memos": {"id": SURE_NUMBER},
    "counted": {"id": SURE_NUMBER},
}
COLUMNS: dict[str, dict[str, list[str]]] = {
    "teams": {"title": NAME, "size": NUMBER, "above_id": NUMBER},
    "people": {
        "full name": NAME,
        "age": NUMBER,
        "score": _sql([None, "0.50", "1", "NaN"]),
        "active": _sql([None, "t", "f"]),
        "rank": _sql([None, "LOW", "HIGH"]),
        "secret": NAME,
        "notes": NAME,
        "team_id": NUMBER,
    },
    "badges": {"worth": NUMBER},
    "vehicles": {"kind": _sql(["any", "car", "van"]), "wheels": NUMBER, "owner_id": NUMBER, "doors": NUMBER},
    "papers": {"kind": _sql(["paper", "memo"]), "title": NAME},
    "memos": {"urgency": NUMBER},
    "counted": {"n": NUMBER},
}
