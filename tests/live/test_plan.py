"""Plans are right of every kind of statement: what they call irrelevant, or one row's own, is."""

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, event, given, note, settings, strategies as st
from sqlalchemy import Engine, create_engine, inspect
from sqlalchemy.dialects.postgresql import psycopg2
from sqlalchemy.exc import CompileError, DBAPIError, InvalidRequestError
from sqlalchemy.orm import Session

from sa_notify.change import Change
from sa_notify.errors import QueryError
from sa_notify.live.dependencies import dependencies
from sa_notify.live.images import images
from sa_notify.live.plan import Plan, TablePlan, plan_of
from sa_notify.live.query import Row
from sa_notify.live.rowkey import rowkey
from sa_notify.live.shape import Shape, prepare
from tests.live.crew import metadata
from tests.live.statements import statements
from tests.live.writes import KEYS, Aim, refilled, transactions
from tests.live.written import SIZE, Written, new_database, written

DIALECT: Any = psycopg2.dialect()
FEW: Any = {
    "phases": [Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}


SEEDS = st.integers(0, 10**6)


@pytest.fixture(scope="module")
def crew(pg_server: str) -> Iterator[Engine]:
    """The tables without their foreign keys: more may happen."""
    with new_database(pg_server) as url:
        engine = create_engine(url)
        metadata.create_all(engine)
        with engine.begin() as connection:
            for table in metadata.tables.values():
                for constraint in inspect(connection).get_foreign_keys(table.name):
                    connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT {constraint['name']}")
        yield engine
        engine.dispose()


@pytest.fixture(scope="module")
def outbox(crew: Engine) -> Iterator[Written]:
    """What its triggers write."""
    with written(crew) as found:
        yield found


def planned(statement: Any) -> Plan | None:
    try:
        statement.compile(dialect=DIALECT)
    except (InvalidRequestError, CompileError):
        return None  # Hypothesis has put together what has no FROM
    return plan_of(statement, dependencies(statement, DIALECT), DIALECT)


def read(engine: Engine, statement: Any) -> list[Row] | None:
    try:
        with Session(engine.execution_options(isolation_level="AUTOCOMMIT")) as session:
            return Shape(statement).rows(session.execute(statement))
    except (DBAPIError, InvalidRequestError, QueryError):
        return None  # PostgreSQL refuses it, or we do, or a row says that it is of a class that it is not


def write(engine: Engine, statements: Iterable[str]) -> bool:
    """Whether PostgreSQL takes them."""
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(";".join(statements).replace("%", "%%"))
    except DBAPIError:
        return False
    return True


def plan_for(plan: Plan, change: Change) -> TablePlan | None:
    return plan.tables.get((None, change.table.removeprefix("public.")))


def key_names(change: Change) -> list[str]:
    return list(KEYS[change.table.removeprefix("public.")])


def is_relevant(plan: Plan, change: Change) -> bool:
    """As a hub would decide."""
    table = plan_for(plan, change)
    if table is None:
        return False
    if change.op in ("truncate", "bulk") or change.key is None:
        return True
    changed = change.columns if change.op == "update" else None
    if changed is not None and table.columns is not None and table.columns.isdisjoint(changed):
        return False
    return any(
        image is not None and table.condition.may_hold(image) for image in images(change, key_names(change))
    )


def is_own(plan: Plan, change: Change) -> bool:
    """Whether it concerns the row of its key alone."""
    rows = plan.rows
    if rows is None or change.op != "update" or change.columns is None:
        return False
    return rows.table == (None, change.table.removeprefix("public.")) and rows.placing.isdisjoint(
        change.columns
    )


#: From the eleventh on, Hypothesis mostly alters examples that it has had: of 150 statements 26 were new.
EXAMPLES = 10
#: Transactions that the statements meet, one after the other.
ROUNDS = 10


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")
@pytest.mark.parametrize("turn", range(12 * SIZE))
@settings(max_examples=EXAMPLES, **FEW)
@given(some=st.lists(statements(), min_size=4, max_size=4), seed=SEEDS, data=st.data())
def test_verdicts(crew: Engine, outbox: Written, turn: int, some: list[Any], seed: int, data: Any) -> None:
    """After changes that the plan calls irrelevant or one row's own, no other row differs."""
    write(crew, refilled(seed))
    plans = {statement: plan for statement in map(prepare, some) if (plan := planned(statement)) is not None}
    shown = {statement: read(crew, statement) for statement in plans}
    aim = aim_of(plans)
    outbox.changes()
    for _ in range(ROUNDS):
        write(crew, data.draw(transactions(aim)))
        changes = outbox.changes()
        for statement, plan in plans.items() if changes else ():
            old, shown[statement] = shown[statement], read(crew, statement)
            if old is not None and (new := shown[statement]) is not None:
                note(f"{statement}\n{old}\n{new}\n{changes}\n{plan}")
                check(plan, changes, old, new)


def aim_of(plans: dict[Any, Plan]) -> Aim:
    """At what decides the statements' results."""
    columns: dict[str, set[str]] = {}
    values: list[Any] = []
    for statement, plan in plans.items():
        values += statement.compile(dialect=DIALECT).params.values()
        for (_, name), table in plan.tables.items():
            columns.setdefault(name, set()).update(table.condition.columns or table.columns or ())
    return Aim.at(columns, values)


def check(plan: Plan, changes: list[Change], old: list[Row], new: list[Row]) -> None:
    """What one transaction did to a result is what the plan says that it may do."""
    left = [change for change in changes if is_relevant(plan, change)]
    own = {rowkey(change.key) for change in left if change.key and is_own(plan, change)}
    if not all(is_own(plan, change) for change in left):
        event("relevant")
        return
    event("own" if own else "irrelevant")
    check_same([row for row in old if row[0] not in own], [row for row in new if row[0] not in own], plan)
    if plan.rows is not None:
        assert sorted(key for key, _ in old) == sorted(key for key, _ in new)
        if plan.rows.total:
            assert [key for key, _ in old] == [key for key, _ in new]


def check_same(old: list[Row], new: list[Row], plan: Plan) -> None:
    if plan.rows is not None and plan.rows.total:
        assert old == new
    elif plan.rows is not None:
        assert dict(old) == dict(new)
    else:  # without a key that is sure, rowkeys may count rows
        assert sorted(str(row) for _, row in old) == sorted(str(row) for _, row in new)
