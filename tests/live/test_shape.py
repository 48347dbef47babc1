"""Results of all kinds of statements become the rows of the wire."""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import (
    Text,
    cast,
    event,
    func,
    literal,
    literal_column,
    null,
    select,
    text,
    type_coerce,
    union,
    union_all,
)
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.orm import (
    Bundle,
    Session,
    aliased,
    contains_eager,
    defer,
    joinedload,
    load_only,
    selectin_polymorphic,
    selectinload,
    undefer,
    undefer_group,
    with_expression,
    with_polymorphic,
)

from sa_notify.errors import QueryError
from sa_notify.live.shape import Shape, prepare
from tests.live.models import (
    Animal,
    Cat,
    Old,
    Owner,
    Place,
    Plain,
    Task,
    plain_table,
)
from tests.live.reading import rows_of

TASK = {
    "id": 1,
    "title": "a",
    "owner_id": 1,
    "price": "1.50",
    "state": "OPEN",
    "low": 1,
    "high": 2,
    "loud": "A",
}
EXTRA = {"extra": None}


def test_a_model_gives_its_column_attributes_by_name(session: Session) -> None:
    """No relationship, composite or deferred column, nothing excluded or computed from what is excluded."""
    rows = rows_of(session, select(Task).where(Task.id == 1))

    assert rows in ([("1", TASK)], [("1", TASK | EXTRA)])


def test_nothing_is_loaded_for_the_purpose(session: Session) -> None:
    """One statement in all: no lazy load, no relationship, no deferred column."""
    statements: list[str] = []
    event.listen(
        session.connection(), "before_cursor_execute", lambda *arguments: statements.append(arguments[2])
    )
    tasks = rows_of(session, select(Task))
    owners = rows_of(session, select(Owner).order_by(Owner.id))

    assert len(tasks) == 4
    assert owners[0] == ("1", {"id": 1, "name": "Ann", "task_count": 2})
    assert len(statements) == 2
    assert "JOIN" not in statements[1]


@pytest.mark.parametrize(
    "option",
    [
        joinedload(Owner.tasks),
        selectinload(Owner.tasks),
        joinedload(Owner.tasks).selectinload(Task.owner),
    ],
)
def test_relationships_that_are_asked_for_are_not_sent(session: Session, option: Any) -> None:
    """Options of the statement's own neither repeat rows nor show anything."""
    rows = rows_of(session, select(Owner).options(option).order_by(Owner.id).limit(2))

    assert [(key, set(row)) for key, row in rows] == [
        ("1", {"id", "name", "task_count"}),
        ("2", {"id", "name", "task_count"}),
    ]


def test_contains_eager_gives_each_parent_once(session: Session) -> None:
    """As SQLAlchemy itself gives them."""
    statement = select(Owner).join(Owner.tasks).options(contains_eager(Owner.tasks)).order_by(Owner.id)

    assert [key for key, _ in rows_of(session, statement)] == ["1", "2"]


def test_deferred_columns_are_sent_when_loaded(session: Session) -> None:
    """undefer() is how a query asks for them; defer() and load_only() take others away."""
    ((_, undeferred),) = rows_of(session, select(Task).where(Task.id == 1).options(undefer(Task.notes)))
    ((_, fewer),) = rows_of(session, select(Task).where(Task.id == 2).options(load_only(Task.title)))
    ((_, without),) = rows_of(session, select(Task).where(Task.id == 3).options(defer(Task.price)))
    ((_, group),) = rows_of(session, select(Old).options(undefer_group("big")))

    assert undeferred["notes"] == "long"
    assert set(fewer) - {"extra"} == {"id", "title"}
    assert "price" not in without
    assert group == {"id": 1, "body": "b"}


def test_every_style_of_mapping(session: Session) -> None:
    """Classic declarative, dataclasses with composite keys, imperative, and plain tables."""
    assert rows_of(session, select(Old)) == [("1", {"id": 1})]
    assert rows_of(session, select(Place).order_by(Place.y)) == [
        ('["1","a"]', {"x": 1, "y": "a", "label": "here"}),
        ('["1","q\\""]', {"x": 1, "y": 'q"', "label": "here"}),
    ]
    plain = [("k", {"code": "k", "n": 1}), ("l", {"code": "l", "n": None})]
    assert rows_of(session, select(Plain).order_by(Plain.code)) == plain
    assert rows_of(session, select(plain_table).order_by(plain_table.c.code)) == plain


def test_subclasses_give_what_is_loaded(session: Session) -> None:
    """Each row the columns of its class as far as they were read; excluded ones of a subclass neither."""
    everyone = rows_of(session, select(Animal).order_by(Animal.id))
    cats = rows_of(session, select(Cat))
    all_ = with_polymorphic(Animal, "*")
    known = rows_of(session, select(all_).order_by(all_.id))
    asked = rows_of(session, select(Animal).options(selectin_polymorphic(Animal, [Cat])).order_by(Animal.id))

    assert everyone[0] == ("1", {"id": 1, "kind": "animal", "name": "x"})
    assert everyone[1] == ("2", {"id": 2, "kind": "dog", "name": "y", "tricks": 0})
    assert everyone[2] == ("3", {"id": 3, "kind": "cat", "name": "z"})
    assert everyone[3] == ("4", {"id": 4, "kind": "puppy", "name": "p", "tricks": 0, "age": 1})
    assert cats == [("3", {"id": 3, "kind": "cat", "name": "z", "lives": 9})]
    assert known[2] == asked[2] == cats[0]


def test_items_have_their_labels(session: Session) -> None:
    """Columns by attribute, expressions by SQLAlchemy's name or number, models by class or alias."""
    boss = aliased(Owner, name="boss")
    statement = (
        select(
            Task.title,
            Owner,
            boss,
            (Task.price * 2).label("double"),
            func.count().over(),
            Task.id + 1,
            literal(1),
            Bundle("pair", Task.id, Task.state),
            cast(Task.price, Text),
            null().label("nothing"),
        )
        .outerjoin(Owner, Task.owner_id == Owner.id)
        .outerjoin(boss, literal(False))
        .where(Task.id.in_([1, 4]))
        .order_by(Task.id)
    )
    # a cast is named like its column
    with pytest.raises(QueryError, match=r"label"):
        Shape(prepare(statement.add_columns(Task.price)))
    first, second = rows_of(session, statement)

    owner = {"id": 1, "name": "Ann", "task_count": 2}
    assert first == (
        "1",
        {
            "title": "a",
            "Owner": owner,
            "boss": None,
            "double": "3.00",
            "column_5": 2,
            "column_6": 2,
            "column_7": 1,
            "pair": {"id": 1, "state": "OPEN"},
            "price": "1.50",
            "nothing": None,
        },
    )
    assert (second[0], second[1]["Owner"], second[1]["title"]) == ("null", None, "d")


def test_selected_attributes_of_all_kinds(session: Session) -> None:
    """Hybrids, column properties, composites and subqueries, alone and beside others."""
    count = select(func.count(Task.id)).where(Task.owner_id == Owner.id).scalar_subquery().label("n")
    ((_, row),) = rows_of(session, select(Owner.id, Owner.task_count, count).where(Owner.id == 1))
    ((_, other),) = rows_of(session, select(Task.id, Task.cost, Task.loud, Task.span).where(Task.id == 1))

    assert row == {"id": 1, "task_count": 2, "n": 2}
    assert other == {"id": 1, "cost": "3.00", "loud": "A", "span": {"low": 1, "high": 2}}


def test_equal_names_are_refused() -> None:
    """A row is an object: one of two would be lost."""
    with pytest.raises(QueryError, match=r"'id'.*\.label\(\)"):
        Shape(select(Task.id, Owner.id))
    with pytest.raises(QueryError, match=r"aliased"):
        Shape(select(Task, aliased(Task)))
    with pytest.raises(QueryError, match="count"):
        Shape(select(func.count(Task.id), func.count(Owner.id)))


KEYS: list[tuple[Any, list[str] | None, list[str]]] = [
    (select(Task.title, Task.id).order_by(Task.id), None, ["1", "2", "3", "4"]),
    (select(Task.id.label("x")).order_by(Task.id), None, ["1", "2", "3", "4"]),
    (select(Task.title).order_by(Task.id), None, ["0", "1", "2", "3"]),
    (select(Task.title).order_by(Task.id), ["title"], ["a", "b", "c", "d"]),
    (select(Task.title, Task.price).order_by(Task.id).limit(1), ["price", "title"], ['["1.50","a"]']),
    (select(Task.state, func.count()).group_by(Task.state).order_by(Task.state), ["state"], ["OPEN", "DONE"]),
    (select(Task).order_by(Task.id), ["Task"], ["refused"]),
    (select(Owner, Task).join(Owner.tasks).order_by(Task.id), None, ["1", "1#2", "2"]),
    (select(Owner.id, Task.title).join(Owner.tasks).order_by(Task.id), None, ["1", "1#2", "2"]),
    (select(Owner.id, Task.title).join(Owner.tasks).order_by(Task.id), ["title"], ["a", "b", "c"]),
    (select(Place.label, Place.y, Place.x).order_by(Place.y), None, ['["1","a"]', '["1","q\\""]']),
    (select(Place.label, Place.y).order_by(Place.y), None, ["0", "1"]),
    (select(func.count(Task.id)), None, ["0"]),
    (select(Owner.name, Task.id).join(Owner.tasks).order_by(Task.id), None, ["0", "1", "2"]),
    (select(Task.owner_id).order_by(Task.id), ["owner_id"], ["1", "1#2", "2", "null"]),
    (select(plain_table.alias("p").c.code), None, ["k", "l"]),
    (select(aliased(Task).id.label("i")).limit(1), None, ["1"]),
    (select(select(Task).where(Task.id == 2).subquery().c.id), None, ["2"]),
    (
        union(
            select(Task.id, Task.title).where(Task.id < 3), select(Owner.id, Owner.name).where(Owner.id == 3)
        ).order_by("id"),
        ["title"],
        ["a", "b", "Cy"],
    ),
    (union_all(select(Task.id), select(Task.id)).order_by("id").limit(3), None, ["1", "1#2", "2"]),
]


@pytest.mark.parametrize(("statement", "key", "expected"), KEYS, ids=[str(n) for n in range(len(KEYS))])
def test_rows_are_named(session: Session, statement: Any, key: list[str] | None, expected: list[str]) -> None:
    """By the first model's primary key, what the query names, the first table's key, or their ordinal."""
    if expected == ["refused"]:
        with pytest.raises(QueryError, match="no column"):
            Shape(prepare(statement), key=key)
    else:
        assert [found for found, _ in rows_of(session, statement, key)] == expected


def test_a_star_has_no_names(session: Session) -> None:
    """Rows would have their first column alone."""
    with pytest.raises(QueryError, match="names 1 columns and gives"):
        rows_of(session, select(literal_column("*")).select_from(Task.__table__))


def test_an_unknown_key_is_refused() -> None:
    """With the names there are."""
    with pytest.raises(QueryError, match=r"'nope'.*id, title"):
        Shape(select(Task.id, Task.title), key=["nope"])


def test_unions_give_rows_by_label(session: Session) -> None:
    """Of models too, which a union takes apart into columns."""
    owners = union(select(Owner).where(Owner.id == 1), select(Owner).where(Owner.id == 2))
    rows = rows_of(session, owners.order_by("id"))
    models = rows_of(session, select(Owner).from_statement(owners.order_by("id")))

    assert (
        rows
        == models
        == [
            ("1", {"id": 1, "name": "Ann", "task_count": 2}),
            ("2", {"id": 2, "name": "Bob", "task_count": 1}),
        ]
    )


def test_models_may_be_read_from_text(session: Session) -> None:
    """The mend for SQL that select() can't write."""
    statement = select(Plain).from_statement(text("SELECT code, n FROM plain ORDER BY code LIMIT 1"))

    assert rows_of(session, statement) == [("k", {"code": "k", "n": 1})]


def test_with_expression_is_sent(session: Session) -> None:
    """An attribute that the query computes is a column attribute."""
    statement = select(Task).where(Task.id == 1).options(with_expression(Task.extra, Task.title + "!"))

    assert rows_of(session, statement) == [("1", TASK | {"extra": "a!"})]


def test_layouts_tell_shapes_apart() -> None:
    """Statements with the same SQL may still make other rows."""
    same = Shape(select(Task.id, Task.title)).layout
    assert same == Shape(select(Task.id, Task.title)).layout
    assert hash(same) == hash(Shape(select(Task.id, Task.title)).layout)
    others = [
        Shape(select(Task.id, Task.title), key=["id"]),
        Shape(select(Task.id, Task.title.label("t"))),
        Shape(select(Task.id, type_coerce(Task.title, pg.INET))),
        Shape(select(Task)),
        Shape(select(aliased(Task, name="x"))),
    ]
    assert len({same, *(shape.layout for shape in others)}) == 6


def test_values_have_the_types_of_their_columns(session: Session) -> None:
    """One encoding path, whatever way a column is selected."""
    ((_, whole),) = rows_of(session, select(Task).where(Task.id == 3))
    ((_, alone),) = rows_of(session, select(Task.price, Task.state).where(Task.id == 3))

    assert (whole["price"], whole["state"]) == (alone["price"], alone["state"]) == ("1.50", "DONE")
    assert rows_of(session, select(func.sum(Task.price).label("s")))[0][1] == {"s": str(Decimal("6.00"))}
