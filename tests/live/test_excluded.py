"""Columns that ``@realtime`` excludes are never shown, by whatever way."""

from typing import Any

import pytest
from sqlalchemy import (
    String,
    case,
    exists,
    func,
    select,
    type_coerce,
    union,
)
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.orm import (
    Bundle,
    Session,
    aliased,
    with_expression,
)

from sa_notify.errors import QueryError
from sa_notify.live.shape import Shape, prepare
from tests.live.models import (
    Dog,
    Owner,
    Puppy,
    Task,
    plain_table,
)
from tests.live.reading import rows_of

TASKS = select(Task).subquery()
OTHER = aliased(Task, name="other")
SHOWS_SECRET = [
    select(Task.secret),
    select(Task.id, Task.secret.label("s")),
    select(func.lower(Task.secret)),
    select(aliased(Task).secret),
    select(Task.__table__),
    select(Task.spoiler),
    select(TASKS.c.secret),
    select(TASKS),
    select(select(func.upper(Task.secret).label("x")).cte().c.x),
    select(select(func.max(Task.secret)).scalar_subquery()),
    select(case((Task.id == 1, Task.secret), else_="")),
    select(func.array_agg(pg.aggregate_order_by(Task.secret, Task.id))),
    select(func.to_jsonb(Task.__table__.table_valued())),
    select(func.to_jsonb(TASKS.table_valued())),
    select(func.unnest(pg.array([Task.secret])).table_valued("v").c.v),
    select(Bundle("b", Task.id, Task.secret)),
    select(Dog.chip),
    select(Puppy.chip),
    union(select(Task.id, Task.title), select(Task.id, Task.secret)),
    union(select(Task), select(Task)),
    union(select(Task.title), union(select(Task.title), select(Task.secret))),
    select(Task).options(with_expression(Task.extra, Task.secret)),
    select(type_coerce(Task.secret, String)),
    select(Task.secret == "x"),
]


@pytest.mark.parametrize("statement", SHOWS_SECRET, ids=[str(n) for n in range(len(SHOWS_SECRET))])
def test_excluded_columns_are_never_shown(statement: Any) -> None:
    """Neither by name nor inside of an expression, a subquery or a whole row."""
    with pytest.raises(QueryError, match="exclude"):
        Shape(prepare(statement))


HIDES_SECRET = [
    select(Task),
    select(Task.id).where(Task.secret == "x").order_by(Task.secret),
    select(select(func.count(Task.id)).where(Task.secret == "x").scalar_subquery()),
    select(Owner, exists().where(Task.secret == "x").label("any")),
    select(TASKS.c.id),
    select(Task, OTHER).join(OTHER, OTHER.id == Task.id),
    select(Task).options(with_expression(Task.extra, Task.title)),
    select(func.to_jsonb(plain_table.table_valued())),
]


@pytest.mark.parametrize("statement", HIDES_SECRET, ids=[str(n) for n in range(len(HIDES_SECRET))])
def test_excluded_columns_may_be_used(session: Session, statement: Any) -> None:
    """To filter and sort; their values are not in what is sent."""
    assert "s3cret" not in str(rows_of(session, statement))
