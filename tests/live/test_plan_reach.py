"""How much plans see: what is right but says less than it could would go unnoticed."""

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import (
    ARRAY,
    CHAR,
    Column,
    Float,
    Integer,
    Interval,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Text,
    Time,
    TypeDecorator,
    Unicode,
    and_,
    bindparam,
    cast,
    exists,
    func,
    literal,
    literal_column,
    not_,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import psycopg2
from sqlalchemy.orm import aliased, with_loader_criteria

from sa_notify.live.dependencies import dependencies
from sa_notify.live.plan import Plan, plan_of
from sa_notify.live.shape import prepare
from tests.live.crew import Badge, Car, Counted, Memo, Paper, Person, Rank, Team, Vehicle

DIALECT: Any = psycopg2.dialect()
A, T = aliased(Person), aliased(Team)
SAMPLE = Person.__table__.tablesample(50)  # type: ignore[attr-defined]
KEYED = select(Person.id, Person.name)


def planned(statement: Any, key: list[str] | None = None) -> Plan:
    prepared = prepare(statement)
    return plan_of(prepared, dependencies(prepared, DIALECT), DIALECT, key=key)


def points(plan: Plan, table: str) -> Mapping[str, frozenset[Any]]:
    return {found.column: found.values for found in plan.tables[(None, table)].condition.points}


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (select(Person).where(Person.age == 3), {"people": {"age": {3}}}),
        (select(A).where(A.age == 3, A.name == "x"), {"people": {"age": {3}, "full name": {"x"}}}),
        (select(Person).where(Person.rank.in_([Rank.LOW])), {"people": {"rank": {"LOW"}}}),
        (select(Person).where(or_(Person.age == 3, Person.age == 4)), {"people": {"age": {3, 4}}}),
        (select(Person).where(or_(Person.age == 3, Person.id == 4)), {"people": {}}),
        (select(Person).join(Team).where(Team.size == 1), {"people": {}, "teams": {"size": {1}}}),
        (
            select(Person).join(Team, and_(Team.id == Person.team_id, Team.size == 1), isouter=True),
            {"people": {}, "teams": {"size": {1}}},
        ),
        # a person without such a team is there too
        (select(Person).join(Team, isouter=True).where(Team.size == 1), {"people": {}, "teams": {}}),
        (
            select(Person).join(Team, isouter=True).where(Person.age == 1),
            {"people": {"age": {1}}, "teams": {}},
        ),
        (
            select(Person).join(Team, and_(Team.id == Person.team_id, Person.age == 1), isouter=True),
            {"people": {}, "teams": {}},
        ),
        (select(Person).join(Team, full=True).where(Person.age == 1), {"people": {}, "teams": {}}),
        (select(Person).where(not_(and_(Person.age == 1, Person.id == 2))), {"people": {}}),
        (select(Person).where(Person.age == 1, Person.id.in_(select(SAMPLE.c.id))), {"people": {}}),
        (select(Person).where(Person.badges.any(Badge.worth == 1)), {"people": {}, "badges": {"worth": {1}}}),
        (select(Team).join(T, Team.above_id == T.id).where(T.size == 1), {"teams": {}}),
        (
            select(Team).join(T, Team.above_id == T.id).where(T.size == 1, Team.size == 2),
            {"teams": {"size": {1, 2}}},
        ),
        (select(Car), {"vehicles": {"kind": {"car"}}}),
        (select(Memo).where(Memo.urgency == 1), {"papers": {}, "memos": {}}),  # and what is read afterwards
        (select(func.count()).where(Person.age == 1), {"people": {"age": {1}}}),
        (
            select(Person.age, func.count()).where(Person.team_id == 1).group_by(Person.age),
            {"people": {"team_id": {1}}},
        ),
        (select(select(Person.id).where(Person.age == 1).limit(3).subquery()), {"people": {"age": {1}}}),
        (
            select(Person.id).where(Person.age == 1).union(select(Team.id).where(Team.size == 2)),
            {"people": {"age": {1}}, "teams": {"size": {2}}},
        ),
        (select(Person).options(with_loader_criteria(Person, Person.age == 1)), {"people": {"age": {1}}}),
        (select(Person).where(Person.age == bindparam("a", callable_=lambda: 1)), {"people": {}}),
        (select(Person).where(Person.age == bindparam("a", 3)).params(a=4), {"people": {"age": {4}}}),
        (select(Person).where(Person.age == 1, text("true or id in (select 1)")), {"people": {}}),
        (select(Person).where(Person.age == 1, func.my_own(Person.id)), {"people": {}}),
        (select(Person).where(Person.age == 1, func.now() > func.now()), {"people": {"age": {1}}}),
    ],
)
def test_points(statement: Any, expected: Any) -> None:
    """What rows are found by, where a statement asks for equality."""
    plan = planned(statement)
    assert {table: points(plan, table) for _, table in plan.tables} == expected


@pytest.mark.parametrize(
    ("statement", "columns"),
    [
        (KEYED, {"id", "full name"}),
        (KEYED.where(Person.age > 1).order_by(Person.score), {"id", "full name", "age", "score"}),
        (select(func.count()).select_from(Person), set()),
        (select(func.to_jsonb(Person.__table__.table_valued())), None),
        (select(text("age")).select_from(Person), None),
        (select(Person.id).where(func.my_own(Person.id)), None),
    ],
)
def test_columns(statement: Any, columns: Any) -> None:
    """All that it names; any where that is not known."""
    assert planned(statement).tables[(None, "people")].columns == columns


TOTAL = select(Person).order_by(Person.age, Person.id)


@pytest.mark.parametrize(
    ("statement", "order"),
    [
        (TOTAL, [("age", False, False), ("id", False, False)]),
        (
            select(A).order_by(A.age.desc(), A.id.desc().nulls_last()),
            [("age", True, True), ("id", True, False)],
        ),
        (select(Person).order_by(Person.id, Person.name), [("id", False, False)]),
        (KEYED.order_by(Person.id), [("id", False, False)]),
        (select(Person).order_by(Person.name, Person.id), None),  # only PostgreSQL sorts texts
        (select(Person).order_by(Person.age), None),
        (KEYED.order_by(Person.age, Person.id), None),  # rows on the wire have no age
        (select(Badge).order_by(Badge.person_id), None),
        (select(Vehicle).order_by(Vehicle.id), [("id", False, False)]),
        (
            TOTAL.where(Person.name.ilike("%a%"), cast(Person.age, Unicode).ilike("%1%")),
            [("age", False, False), ("id", False, False)],
        ),
    ],
)
def test_listings(statement: Any, order: Any) -> None:
    """Plain lists, and their order where Python can tell it."""
    listing = planned(statement.limit(5).offset(2)).listing
    assert listing is not None
    assert listing.exact
    assert (listing.limit, listing.offset) == (5, 2)
    found = listing.order
    assert (
        None if found is None else [(one.column, one.descending, one.nulls_first) for one in found]
    ) == order


@pytest.mark.parametrize(
    "statement",
    [
        TOTAL.distinct(),
        TOTAL.limit(literal(2) + 1),
        TOTAL.fetch(2),
        TOTAL.join(Team),
        select(Counted),
        select(Memo),
        select(Paper),
        select(Person.id, func.count()).group_by(Person.id),
        select(func.max(Person.id)),
        TOTAL.limit(bindparam("n", callable_=lambda: 1)),
        select(Person.id, func.row_number().over()),
        select(Person.id, func.unnest(literal([1]))),
        select(Person.name),
        select(Person.id).union(select(Team.id)),
        select(Person).from_statement(TOTAL),
        TOTAL.where(func.random() > 0),
        TOTAL.where(Person.secret == "x"),
        TOTAL.order_by(text("age")),
        TOTAL.where(text("age > 1")),
        TOTAL.where(exists().where(A.age == Person.id)),
        select(TOTAL.subquery()),
        select(Person, Team),
        select(literal(1)),
    ],
)
def test_no_listings(statement: Any) -> None:
    """Whatever is more than a list of rows of one table."""
    assert planned(statement).listing is None


@pytest.mark.parametrize(
    ("statement", "placing"),
    [
        (TOTAL, {"id", "age"}),
        (TOTAL.where(Person.active), {"id", "age", "active"}),
        (TOTAL.join(Team), {"id", "age", "team_id"}),
        (select(Person, Team.title).join(Team, isouter=True), {"id", "team_id"}),
        (TOTAL.where(exists().where(Badge.person_id == Person.score)), {"id", "age", "score"}),
        (select(Person.id, Person.age.label("x")).order_by("x"), None),
        (select(Person.id, Person.age).order_by(text("2"), Person.id), None),
        (select(Person.id, Person.age).order_by(literal_column("2"), Person.id), None),
        (select(Person.id, Person.age).order_by(literal(2).desc(), Person.id), None),  # psycopg2 writes 2
        (select(Person.id, (Person.age + 1).label("x")).order_by(func.abs(Person.score)), {"id", "score"}),
        (TOTAL.join(Person.badges), None),  # a row for each badge
        (TOTAL.join(Badge, and_(Badge.person_id == Person.id, Badge.code == "a")), {"id", "age"}),
        (select(Team).join(Team.people), None),
        (select(Person, Team), None),
        (TOTAL.join(Team, Team.id == Team.size), None),
        (TOTAL.join(Team, Team.id == Person.score), {"id", "age", "score"}),
        (TOTAL.join(Team, Team.id == cast(Person.score, Float)), None),  # as floats, large numbers are one
        (TOTAL.join(Team, or_(Team.id == Person.team_id, Team.size == 1)), None),
        (TOTAL.join(T, T.id == Person.team_id).where(Person.id.in_(select(A.id))), None),
        (select(Team).join(T, Team.above_id == T.id), None),
    ],
)
def test_rows(statement: Any, placing: Any) -> None:
    """Where each row is the only one of its key, which columns place it."""
    rows = planned(statement).rows
    assert (None if rows is None else rows.placing) == placing


def test_keys_that_are_given() -> None:
    """key= names rows of columns; only a primary key tells rows of which change."""
    statement = select(Badge.worth, Badge.code.label("c"), Badge.person_id.label("p"))
    assert planned(statement, key=["p", "c"]).rows is not None
    assert planned(statement, key=["c", "p"]).rows is None  # in another order it is another text
    assert planned(statement, key=["c"]).rows is None
    both = statement.add_columns(Person.id.label("id")).join(Person)
    assert planned(both, key=["p", "c"]).rows is not None
    assert planned(both, key=["id", "c"]).rows is None
    assert planned(both, key=["p", "id"]).rows is None
    assert planned(statement).rows is not None


class Doubled(TypeDecorator[str]):
    """Its values have another text than PostgreSQL's."""

    impl, cache_ok = Text, True


@pytest.mark.parametrize(
    ("type_", "known"),
    [
        (Integer(), True),
        (Numeric(), True),
        (LargeBinary(), True),
        (Float(), False),
        (Numeric(asdecimal=False), False),
        (Interval(), False),
        (Time(), False),
        (CHAR(4), False),
        (Text(collation="x"), False),
        (ARRAY(Integer), False),
        (Doubled(), False),
    ],
)
def test_keys_whose_text_is_certain(type_: Any, known: bool) -> None:
    """A change names its row by PostgreSQL's text of the key, a window by the driver's."""
    table = Table("t", MetaData(), Column("k", type_, primary_key=True), Column("n", Integer))
    assert (planned(select(table).where(table.c.n > 1)).rows is not None) is known


def test_schemas_that_are_chosen_later() -> None:
    """Plans know tables as dependencies do."""
    statement = select(Person).where(Person.age == 1).execution_options(schema_translate_map={None: "other"})
    plan = planned(statement)
    assert plan.tables.keys() == {("other", "people")}
    assert plan.rows is not None
    assert plan.rows.table == ("other", "people")
    assert plan.tables[("other", "people")].condition.points
