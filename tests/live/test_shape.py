"""Results of all kinds of statements become the rows of the wire."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import (
    Engine,
    String,
    Text,
    case,
    cast,
    delete,
    event,
    exists,
    func,
    insert,
    literal,
    literal_column,
    null,
    select,
    text,
    type_coerce,
    union,
    union_all,
    update,
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
    with_loader_criteria,
    with_polymorphic,
)

from sa_notify.errors import QueryError
from sa_notify.live.query import Row
from sa_notify.live.shape import Shape, prepare, total_statement
from tests.live.models import (
    Animal,
    Cat,
    Dog,
    Old,
    Owner,
    Place,
    Plain,
    Puppy,
    State,
    Task,
    metadata,
    plain_table,
)


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A few rows of everything."""
    metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([Owner(id=1, name="Ann"), Owner(id=2, name="Bob"), Owner(id=3, name="Cy")])
        session.add_all([Task(id=1, title="a", owner_id=1), Task(id=2, title="b", owner_id=1)])
        session.add_all([Task(id=3, title="c", owner_id=2, state=State.DONE), Task(id=4, title="d")])
        session.add_all([Place(1, "a"), Place(1, 'q"')])
        session.add_all([Old(id=1), Animal(id=1, kind="animal", name="x"), Dog(id=2, kind="dog", name="y")])
        session.add_all([Cat(id=3, kind="cat", name="z"), Puppy(id=4, kind="puppy", name="p", age=1)])
        session.flush()
        session.execute(insert(plain_table), [{"code": "k", "n": 1}, {"code": "l", "n": None}])
        session.commit()
    with Session(engine) as session:
        yield session


def _rows(session: Session, statement: Any, key: list[str] | None = None) -> list[Row]:
    prepared = prepare(statement)
    return Shape(prepared, key=key).rows(session.execute(prepared))


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
    rows = _rows(session, select(Task).where(Task.id == 1))

    assert rows in ([("1", TASK)], [("1", TASK | EXTRA)])


def test_nothing_is_loaded_for_the_purpose(session: Session) -> None:
    """One statement in all: no lazy load, no relationship, no deferred column."""
    statements: list[str] = []
    event.listen(
        session.connection(), "before_cursor_execute", lambda *arguments: statements.append(arguments[2])
    )
    tasks = _rows(session, select(Task))
    owners = _rows(session, select(Owner).order_by(Owner.id))

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
    rows = _rows(session, select(Owner).options(option).order_by(Owner.id).limit(2))

    assert [(key, set(row)) for key, row in rows] == [
        ("1", {"id", "name", "task_count"}),
        ("2", {"id", "name", "task_count"}),
    ]


def test_contains_eager_gives_each_parent_once(session: Session) -> None:
    """As SQLAlchemy itself gives them."""
    statement = select(Owner).join(Owner.tasks).options(contains_eager(Owner.tasks)).order_by(Owner.id)

    assert [key for key, _ in _rows(session, statement)] == ["1", "2"]


def test_deferred_columns_are_sent_when_loaded(session: Session) -> None:
    """undefer() is how a query asks for them; defer() and load_only() take others away."""
    ((_, undeferred),) = _rows(session, select(Task).where(Task.id == 1).options(undefer(Task.notes)))
    ((_, fewer),) = _rows(session, select(Task).where(Task.id == 2).options(load_only(Task.title)))
    ((_, without),) = _rows(session, select(Task).where(Task.id == 3).options(defer(Task.price)))
    ((_, group),) = _rows(session, select(Old).options(undefer_group("big")))

    assert undeferred["notes"] == "long"
    assert set(fewer) - {"extra"} == {"id", "title"}
    assert "price" not in without
    assert group == {"id": 1, "body": "b"}


def test_every_style_of_mapping(session: Session) -> None:
    """Classic declarative, dataclasses with composite keys, imperative, and plain tables."""
    assert _rows(session, select(Old)) == [("1", {"id": 1})]
    assert _rows(session, select(Place).order_by(Place.y)) == [
        ('["1","a"]', {"x": 1, "y": "a", "label": "here"}),
        ('["1","q\\""]', {"x": 1, "y": 'q"', "label": "here"}),
    ]
    plain = [("k", {"code": "k", "n": 1}), ("l", {"code": "l", "n": None})]
    assert _rows(session, select(Plain).order_by(Plain.code)) == plain
    assert _rows(session, select(plain_table).order_by(plain_table.c.code)) == plain


def test_subclasses_give_what_is_loaded(session: Session) -> None:
    """Each row the columns of its class as far as they were read; excluded ones of a subclass neither."""
    everyone = _rows(session, select(Animal).order_by(Animal.id))
    cats = _rows(session, select(Cat))
    all_ = with_polymorphic(Animal, "*")
    known = _rows(session, select(all_).order_by(all_.id))
    asked = _rows(session, select(Animal).options(selectin_polymorphic(Animal, [Cat])).order_by(Animal.id))

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
    first, second = _rows(session, statement)

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
    ((_, row),) = _rows(session, select(Owner.id, Owner.task_count, count).where(Owner.id == 1))
    ((_, other),) = _rows(session, select(Task.id, Task.cost, Task.loud, Task.span).where(Task.id == 1))

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
        assert [found for found, _ in _rows(session, statement, key)] == expected


def test_an_unknown_key_is_refused() -> None:
    """With the names there are."""
    with pytest.raises(QueryError, match=r"'nope'.*id, title"):
        Shape(select(Task.id, Task.title), key=["nope"])


def test_unions_give_rows_by_label(session: Session) -> None:
    """Of models too, which a union takes apart into columns."""
    owners = union(select(Owner).where(Owner.id == 1), select(Owner).where(Owner.id == 2))
    rows = _rows(session, owners.order_by("id"))
    models = _rows(session, select(Owner).from_statement(owners.order_by("id")))

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

    assert _rows(session, statement) == [("k", {"code": "k", "n": 1})]


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
    assert "s3cret" not in str(_rows(session, statement))


def test_with_expression_is_sent(session: Session) -> None:
    """An attribute that the query computes is a column attribute."""
    statement = select(Task).where(Task.id == 1).options(with_expression(Task.extra, Task.title + "!"))

    assert _rows(session, statement) == [("1", TASK | {"extra": "a!"})]


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
    ((_, whole),) = _rows(session, select(Task).where(Task.id == 3))
    ((_, alone),) = _rows(session, select(Task.price, Task.state).where(Task.id == 3))

    assert (whole["price"], whole["state"]) == (alone["price"], alone["state"]) == ("1.50", "DONE")
    assert _rows(session, select(func.sum(Task.price).label("s")))[0][1] == {"s": str(Decimal("6.00"))}
