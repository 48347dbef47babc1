"""What is no live query is refused, and totals count what the window leaves out."""

from typing import Any

import pytest
from sqlalchemy import (
    String,
    delete,
    func,
    insert,
    literal,
    literal_column,
    select,
    text,
    union,
    union_all,
    update,
)
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.orm import (
    Session,
    joinedload,
    with_loader_criteria,
)

from sa_notify.errors import QueryError
from sa_notify.live.shape import prepare, total_statement
from tests.live.models import (
    Dog,
    Owner,
    Plain,
    Task,
    plain_table,
)

REFUSED: list[tuple[Any, str]] = [
    (None, "return"),
    ("SELECT 1", "text"),
    (text("SELECT 1"), "from_statement"),
    (text("SELECT 1 AS x").columns(x=String), "select"),
    (insert(Plain).values(code="x"), "select"),
    (insert(Plain).values(code="x").returning(Plain), "select"),
    (update(Plain).values(n=1), "select"),
    (delete(Plain), "select"),
    (Plain, "select"),
    (plain_table, "select"),
    ([1], "list"),
    (select(Plain).with_for_update(), "for_update"),
    (select(select(Plain.n).with_for_update().subquery()), "for_update"),
    (select(insert(Plain).values(code="x").returning(Plain.n).cte().c.n), "only reads"),
    (select(Plain).from_statement(insert(Plain).values(code="x").returning(Plain)), "only reads"),
    (Session().query(Plain), r"\.statement"),
    (select(text("*")).select_from(Task), "literal_column"),
]


@pytest.mark.parametrize(("statement", "message"), REFUSED, ids=[str(n) for n in range(len(REFUSED))])
def test_what_is_no_select_is_refused(statement: Any, message: str) -> None:
    """At once, and with what to write instead."""
    with pytest.raises(QueryError, match=message):
        prepare(statement)


def _distinct_on(statement: Any, *columns: Any) -> Any:
    """As SQLAlchemy 2.1 has it, or 2.0."""
    if hasattr(pg, "distinct_on"):
        return statement.ext(pg.distinct_on(*columns))
    return statement.distinct(*columns)


TOTALS: list[tuple[Any, int]] = [
    (select(Task), 4),
    (select(Task).order_by(Task.title).limit(2).offset(1), 4),
    (select(Task.id).fetch(1), 4),
    (select(Task.id).order_by(Task.owner_id).fetch(1, with_ties=True), 4),
    (select(Task.owner_id).distinct(), 3),
    (_distinct_on(select(Task), Task.owner_id).order_by(Task.owner_id, Task.id), 3),
    (select(Task.owner_id, func.count()).group_by(Task.owner_id).having(func.count() > 1), 1),
    (select(Owner, Task).join(Owner.tasks).limit(1), 3),
    (select(Owner.id, Task.id).join(Owner.tasks), 3),
    (select(Owner).options(joinedload(Owner.tasks)).limit(1), 3),
    (union(select(Task.id), select(Owner.id)).limit(1), 4),
    (union_all(select(Task.id), select(Owner.id)).order_by("id").offset(1), 7),
    (select(Task).from_statement(select(Task).where(Task.id < 3).order_by(Task.id)), 2),
    (select(Dog), 2),
    (select(func.count(Task.id)), 1),
    (select(Task).where(literal(False)), 0),
    (select(Owner).options(with_loader_criteria(Owner, Owner.id > 1)), 2),
    (select(func.generate_series(1, 5)), 5),
    (select(Task.id + 1, literal_column("1")), 4),
]


@pytest.mark.parametrize(("statement", "expected"), TOTALS, ids=[str(n) for n in range(len(TOTALS))])
def test_totals_count_all_rows(session: Session, statement: Any, expected: int) -> None:
    """What the statement would give without its window, of whatever kind it is."""
    prepared = prepare(statement)

    assert session.scalar(total_statement(prepared)) == expected


def test_rows_of_text_have_no_total() -> None:
    """And the refusal says so when the query is built."""
    with pytest.raises(QueryError, match="total"):
        total_statement(select(Plain).from_statement(text("SELECT 1")))
