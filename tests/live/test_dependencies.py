"""What statements of all kinds read, and what else their results depend on."""

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import (
    ARRAY,
    Column,
    Connection,
    Date,
    DateTime,
    Engine,
    Integer,
    Interval,
    MetaData,
    Sequence,
    String,
    Table,
    Text,
    TypeDecorator,
    and_,
    any_,
    bindparam,
    case,
    cast,
    column,
    event,
    exists,
    extract,
    func,
    insert,
    lateral,
    literal,
    literal_column,
    select,
    table,
    tablesample,
    text,
    true,
    tuple_,
    union,
    union_all,
    values,
)
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import (
    Session,
    aliased,
    joinedload,
    selectin_polymorphic,
    with_loader_criteria,
    with_polymorphic,
)
from sqlalchemy.sql.expression import ColumnElement

from sa_notify.live.dependencies import Dependencies, dependencies
from sa_notify.live.functions import CHANCE, CLOCK, COUNTERS, OPERATORS, PURE
from sa_notify.live.shape import prepare
from tests.live.models import Animal, Cat, Dog, Old, Owner, Place, Plain, Puppy, Task, Unheard, plain_table

DIALECT: Any = pg.psycopg2.dialect()


class Day(TypeDecorator[Any]):
    impl = Date
    cache_ok = True


class utcnow(ColumnElement[Any]):
    """The recipe of SQLAlchemy's own documentation."""

    inherit_cache = True


@compiles(utcnow)
def _utcnow(element: Any, compiler: Any, **_: Any) -> str:
    return "timezone('utc', CURRENT_TIMESTAMP)"


def _find(statement: Any) -> Dependencies:
    return dependencies(statement, DIALECT)


def _names(statement: Any) -> set[str]:
    return {str(found) for found in _find(statement).tables}


tree = select(Task.id, literal(0).label("depth")).where(Task.owner_id.is_(None)).cte("tree", recursive=True)
tree = tree.union_all(select(Place.x, tree.c.depth + 1).join(tree, Place.x == tree.c.id))
ANIMALS = with_polymorphic(Animal, [Cat])

TABLES: list[tuple[Any, set[str]]] = [
    (select(Task), {"tasks"}),
    (select(plain_table), {"plain"}),
    (select(Plain), {"plain"}),
    (select(aliased(Task)), {"tasks"}),
    (select(Task.id).join(Task.owner), {"tasks", "owners"}),
    (select(Owner), {"owners", "tasks"}),
    (select(Owner.id), {"owners"}),
    (select(Owner).options(joinedload(Owner.tasks).joinedload(Task.owner)), {"owners", "tasks"}),
    (select(Place).where(exists().where(Task.id == Place.x)), {"places", "tasks"}),
    (select(Place).where(Place.x.in_(select(Task.id))), {"places", "tasks"}),
    (select(Place.x, select(func.count(Task.id)).scalar_subquery()), {"places", "tasks"}),
    (select(Place).order_by(select(func.count(Task.id)).scalar_subquery()), {"places", "tasks"}),
    (select(select(Task).subquery().c.id), {"tasks"}),
    (select(select(Task).cte().c.id), {"tasks"}),
    (select(tree.c.id), {"tasks", "places"}),
    (union(select(Task.id), union_all(select(Place.x), select(Old.id))), {"tasks", "places", "Old Style"}),
    (select(Task).where(Task.owner.has(Owner.name == "x")), {"tasks", "owners"}),
    (select(Cat), {"animals", "cats"}),
    (select(Animal), {"animals", "dogs"}),
    (select(Dog), {"animals", "dogs"}),
    (select(Puppy), {"animals", "dogs"}),
    (select(Animal.id), {"animals"}),
    (select(Animal).options(selectin_polymorphic(Animal, [Cat])), {"animals", "dogs", "cats"}),
    (select(ANIMALS.id).where(ANIMALS.Cat.lives > 1), {"animals", "cats"}),
    (select(table("light", column("x"), schema="other")), {"other.light"}),
    (select(lateral(select(Place.y)).c.y), {"places"}),
    (select(tablesample(plain_table, func.bernoulli(1))), {"plain"}),
    (select(values(column("x", Integer), name="v").data([(1,)])), set()),
    (select(func.generate_series(1, 3)), set()),
    (select(Task).options(with_loader_criteria(Task, Task.id.in_(select(Place.x)))), {"tasks", "places"}),
    (select(Owner).from_statement(select(Owner).join(Task)), {"owners", "tasks"}),
    (select(Plain).from_statement(text("SELECT * FROM plain")), set()),
    (insert(plain_table).from_select(["n"], select(Task.id)), {"plain", "tasks"}),
]


@pytest.mark.parametrize(("statement", "expected"), TABLES, ids=[str(n) for n in range(len(TABLES))])
def test_every_table_is_seen(statement: Any, expected: set[str]) -> None:
    """Wherever in the statement it stands, and whatever put it there."""
    assert _names(statement) == expected


def test_columns_and_their_expressions_are_seen() -> None:
    """A column property reads tables that the statement does not name."""
    assert _names(select(Owner.task_count)) == {"owners", "tasks"}


def test_prepared_statements_read_no_more_than_is_shown() -> None:
    """Relationships that load eagerly would make every query depend on them."""
    assert _names(prepare(select(Task))) == {"tasks"}


def test_schemas_are_translated() -> None:
    """As the statement's own execution options say."""
    statement = select(Place, table("other", column("x"), schema="a").c.x).execution_options(
        schema_translate_map={None: "tenant", "a": "b"}
    )
    assert {(found.schema, found.name) for found in _find(statement).tables} == {
        ("tenant", "places"),
        ("b", "other"),
    }


CERTAIN: list[Any] = [
    select(Task).where(Task.id == 1).order_by(Task.title.desc()).limit(3),
    select(func.count(), func.lower(Task.title), func.coalesce(Task.notes, "")),
    select(func.max(Task.id).filter(Task.id > 1).over(partition_by=Task.owner_id)),
    select(func.percentile_cont(0.5).within_group(Task.price)),
    select(extract("year", cast("2026-01-01", Date)), cast(Task.id, String)),
    select(func.pg_catalog.lower(Task.title)),
    select(func.age(literal("2026-01-01", Date), literal("2025-01-01", Date))),
    select(func.date_trunc("day", literal("2026-01-01", Date))),
    select(Task.title.op("||")("x"), Task.title.op("IS NOT DISTINCT FROM")("x"), Task.id.op("%")(2)),
    select(cast(Task.notes, pg.JSONB)["a"].astext, cast(Task.notes, pg.JSONB).has_key("a")),
    select(cast(Task.notes, pg.JSONB).contains({"a": 1}), pg.array([1]).overlap([2])),
    select(Task).where(Task.title.ilike("%now%"), Task.title == "today", Task.title.regexp_match("x")),
    select(Task).where(tuple_(Task.title, Task.id) > tuple_("do it now", 3), Task.title.in_(["now"])),
    select(Task).where(Task.title.contains("now", autoescape=True), func.lower(Task.title) == "now"),
    select(Task).where(
        tuple_(Task.title, Task.id).in_([("now", 1)]), Task.title == func.any(pg.array(["now"]))
    ),
    select(case((Task.id == 1, "today"), (Task.id == 2, "yesterday"), else_="older"), Task.title + " now"),
    select(case({"now": 1}, value=Task.title, else_=2), func.coalesce(Task.title, "now") == "now"),
    select(
        literal("now").label("kind"),
        func.string_agg(Task.title, " now "),
        cast(column("due", Date), Text) == "x",
    ),
    select(cast(Task.notes, pg.JSONB)["now"].astext == "today", any_(column("tags", ARRAY(Text))) == "now"),
    select(Task).where(Task.title == func.any(pg.array(["now"]))),
    select(values(column("word", String), name="v").data([("now",)])),
    select(literal_column("1"), literal_column("'x'").label("y"), literal_column("tasks.id")).select_from(
        Task
    ),
    select(text("id")).select_from(Task).order_by(text("id DESC NULLS LAST")),
    select(func.grouping_sets(Task.id), func.unnest(pg.array([1])).column_valued("u")),
    select(Task).where(Task.id == func.any(literal([1], ARRAY(Integer)))),
    select(func.row_number().over(order_by=Task.id), func.string_agg(Task.title, ",")),
    select(and_(true(), Task.id.between(1, 2), Task.id.in_([1, 2]))),
    select(cast(func.date_trunc("day", column("at", DateTime)), Date), func.date(column("at", DateTime))),
    select(cast(func.date_trunc("day", column("at", DateTime)) + timedelta(1), Date), cast(None, Date)),
    select(
        cast(func.coalesce(column("at", DateTime), column("due", Date)), pg.TIMESTAMP), cast(Task.title, Text)
    ),
]


@pytest.mark.parametrize("statement", CERTAIN, ids=[str(n) for n in range(len(CERTAIN))])
def test_what_depends_on_rows_alone_raises_no_doubt(statement: Any) -> None:
    """A doubt costs a query every two seconds: none without a reason."""
    assert _find(statement).doubts == ()


DOUBTFUL: list[tuple[Any, str]] = [
    (select(func.now()), r"now\(\) depends on the clock.*refresh="),
    (select(Task).where(func.current_date() > literal("2026-01-01", Date)), "clock"),
    (select(func.current_timestamp()), "clock"),
    (select(func.localtime()), "clock"),
    (select(func.clock_timestamp()), "clock"),
    (select(func.age(literal("2026-01-01", Date))), "clock"),
    (select(func.date("today")), "clock"),
    (select(cast("now", Date)), "clock"),
    (select(cast(" Tomorrow 04:00", pg.TIMESTAMP)), "clock"),
    (select(column("due", Date)).where(column("due", Date) == "today"), "clock"),
    (select(column("due", Date)).where(column("due", Date).in_(["today", "2026-01-01"])), "clock"),
    (select(cast(Task.notes, Date)), "text.*clock.*refresh="),
    (
        select(Task).where(cast(func.lower(Task.notes).label("x"), Day) == literal("2026-01-01", Date)),
        "clock",
    ),
    (select(cast(func.split_part(Task.notes, "/", 1), pg.TIMESTAMP)), "clock"),
    (select(cast(cast(Task.notes, pg.JSONB)["due"].astext, Date)), "clock"),
    (select(cast(column("days", ARRAY(String)), ARRAY(Date))), "clock"),
    (select(cast(Task.notes, pg.TSTZRANGE)), "clock"),
    (
        select(
            func.jsonb_to_recordset(cast(Task.notes, pg.JSONB))
            .table_valued(column("due", Date), name="x")
            .render_derived(with_types=True)
        ),
        "text.*clock",
    ),
    (select(func.date(Task.notes)), "clock"),
    (select(cast(column("days"), Date)), "clock"),
    (select(Task).order_by(func.random()), "chance"),
    (select(func.gen_random_uuid()), "chance"),
    (select(tablesample(plain_table, func.bernoulli(1))), "TABLESAMPLE.*chance"),
    (select(Sequence("s").next_value()), "moves"),
    (select(func.nextval("s")), "moves"),
    (select(func.current_setting("app.user")), "session"),
    (select(func.current_user()), "session"),
    (select(func.my_function(Task.id)), r"my_function\(\).*refresh="),
    (select(func.mine.lower(Task.title)), r"mine\.lower\(\)"),
    (select(func.query_to_xml("SELECT 1")), "query_to_xml"),
    (select(func.dblink("x").table_valued("y")), "dblink"),
    (select(Task.id.op("&&&")(1)), "&&&"),
    (select(Task).where(text("price > (SELECT 1)")), "text hides"),
    (select(column("id")).select_from(text("tasks")), "text hides"),
    (select(text("now()")), "text hides"),
    (select(literal_column("current_date")), "text hides"),
    (select(literal_column("'now'", Date)), "text hides"),
    (select(literal_column("f(x)")), "text hides"),
    (select(Task.id).prefix_with("ALL (SELECT 1)"), "text hides"),
    (select(Plain).from_statement(text("SELECT 1")), "text hides"),
    (select(text("SELECT 1 AS x").columns(column("x")).subquery().c.x), "text hides"),
    (select(utcnow()), "utcnow.*@compiles"),
    (select(Task).where(Task.id == select(utcnow()).scalar_subquery()), "utcnow"),
    (select(Task.id).where(Task.secret == "x"), "exclude"),
    (select(Task.id).order_by(Task.secret), "exclude"),
    (select(select(Task).subquery().c.id), "exclude"),
    (select(Place).join(Task, Task.secret == Place.y), "exclude"),
    (select(Task.id).group_by(aliased(Task).secret), "exclude"),
    (select(Task.id).where(Task.spoiler == 1), "exclude"),
]


@pytest.mark.parametrize(("statement", "message"), DOUBTFUL, ids=[str(n) for n in range(len(DOUBTFUL))])
def test_whatever_else_a_result_depends_on_is_named(statement: Any, message: str) -> None:
    """With the mend; such a query is read again by the clock."""
    doubts = _find(statement).doubts

    assert len(doubts) == 1
    assert re.search(message, doubts[0])


def test_excluded_columns_in_what_a_model_selects_raise_no_doubt() -> None:
    """They are not shown, so that their changes change nothing."""
    assert _find(select(Task)).doubts == ()
    assert _find(select(Dog)).doubts == ()


def test_compiled_twice_is_the_same() -> None:
    """A query's identity rests on it."""

    def build() -> Dependencies:
        boss = aliased(Owner)
        return _find(select(Task, boss).join(boss, Task.owner).where(Task.id.in_([1, 2]), boss.name == "x"))

    assert build() == build()
    assert list(build().params.values()) == [[1, 2], "x"]


def test_missing_values_are_told() -> None:
    """They would fail only when the statement runs."""
    statement = select(Task).where(Task.id == bindparam("which"), Task.title == bindparam("t", "x"))

    assert _find(statement).unbound == ("which",)


def test_lazy_loads_can_be_asked(engine: Engine) -> None:
    """What a session executes by itself is a statement as well, whose values come later."""
    seen: list[Any] = []
    metadata = Owner.metadata
    metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Task(id=1, title="a", owner=Owner(id=1, name="x")))
        session.add(Dog(id=1, kind="dog", name="y"))
        session.commit()
        session.expunge_all()

        def executing(
            connection: Connection, cursor: Any, sql: str, values: Any, context: Any, many: bool
        ) -> None:
            seen.append(dependencies(context.compiled.statement, context.compiled.dialect))

        event.listen(session.connection(), "before_cursor_execute", executing)
        assert len(session.scalars(select(Task)).one().owner.tasks) == 1
        session.scalars(select(Animal)).one()
        session.get(Place, (1, "a"))
    names = [{str(found) for found in item.tables} for item in seen]
    assert {"tasks"} in names and {"places"} in names and {"animals", "dogs"} in names
    assert set().union(*names) == {"tasks", "owners", "animals", "dogs", "places"}


def test_unknown_tables_are_left_to_the_catalog() -> None:
    """Whether a table is announced is not the statement's to say."""
    assert _find(select(Unheard)).doubts == ()
    assert _names(select(Table("x", MetaData(), Column("id", Integer)))) == {"x"}


def _volatility(engine: Engine, sql: str) -> dict[str, str]:
    with engine.connect() as connection:
        return {str(name): str(kinds) for name, kinds in connection.execute(text(sql))}


# constructs of the grammar, and of contrib modules
NOT_IN_CATALOG = set(
    "all any array cast coalesce cube greatest grouping grouping_sets json_arrayagg json_objectagg least"
    " nullif rollup row some trim akeys avals defined exist hstore hstore_to_json levenshtein metaphone"
    " similarity soundex strict_word_similarity unaccent word_similarity".split()
)


def test_pure_functions_are_what_the_catalog_says(engine: Engine) -> None:
    """No function that counts as decided by its arguments is volatile, and each exists."""
    kinds = _volatility(
        engine,
        "SELECT proname, string_agg(DISTINCT provolatile::text, '') FROM pg_proc"
        " WHERE pronamespace = 'pg_catalog'::regnamespace GROUP BY 1",
    )
    newer = {"casefold", "crc32", "crc32c", "gamma", "any_value", "to_bin", "to_oct", "date_add"}
    newer |= {"date_subtract", "array_to_tsvector", "multirange", "unistr", "bit_count", "trim_array"}
    newer |= {name for name in PURE if "_strict" in name or "_unique" in name or name.startswith("regexp_")}

    assert {name for name in PURE if "v" in kinds.get(name, "")} == set()
    assert PURE - kinds.keys() - NOT_IN_CATALOG - newer == set()
    assert PURE.isdisjoint(CLOCK | CHANCE | COUNTERS)


def test_operators_are_what_the_catalog_says(engine: Engine) -> None:
    """Every operator that counts as PostgreSQL's own is one, and reads nothing else."""
    kinds = _volatility(
        engine,
        "SELECT oprname, string_agg(DISTINCT provolatile::text, '') FROM pg_operator"
        " JOIN pg_proc p ON p.oid = oprcode WHERE oprnamespace = 'pg_catalog'::regnamespace GROUP BY 1",
    )
    symbols = {word for word in OPERATORS if not word.isalpha()}

    assert symbols - kinds.keys() <= {"!=", "<^", ">^"}
    assert {word for word in symbols if "v" in kinds.get(word, "")} == set()


def test_columns_that_a_result_depends_on() -> None:
    """Selected, filtered, sorted and joined columns are named with their tables; no others are."""
    metadata = MetaData()
    one = Table("one", metadata, *(Column(name, Integer) for name in "abcd"), schema="s")
    two = Table("two", metadata, Column("e", Integer), Column("f", Integer))
    inner = select(two.c.e.label("x")).subquery()
    statement = select(one.alias().c.a, inner.c.x).where(exists().where(two.c.f == one.c.b)).order_by(one.c.c)

    found = _find(statement)

    assert found.columns == {("s", "one", name) for name in "abc"} | {(None, "two", name) for name in "ef"}


def test_columns_that_are_read_later_or_as_a_whole_row() -> None:
    """A subclass's own table, and a row that a function takes whole."""
    dogs = _find(select(Animal)).columns
    rows = _find(select(func.to_jsonb(plain_table.table_valued()))).columns

    assert {(None, "dogs", "tricks"), (None, "animals", "name")} <= dogs
    assert (None, "dogs", "chip") not in dogs
    assert rows == {(None, "plain", "code"), (None, "plain", "n")}


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        (select(Task.id).order_by(text('tasks."Secret" DESC'), text("OWNER_ID")), {"Secret", "owner_id"}),
        (select(literal_column("hidden").label("x")).select_from(Task), {"hidden"}),
        (select(Task.id).where(column("hidden") == "x"), {"hidden"}),
        (select(literal_column("tasks")).select_from(Task), {"tasks", "*"}),
        (select(func.to_jsonb(literal_column("t"))).select_from(aliased(Task, name="t")), {"t", "*"}),
        (select(text("*")).select_from(Task), {"*"}),
        (select(func.count()).select_from(Task).where(exists().where(Owner.id == Task.owner_id)), set()),
        (select(literal_column("1"), literal_column("'x'")), set()),
    ],
)
def test_names_written_as_text_are_left_to_the_catalog(statement: Any, names: set[str]) -> None:
    """Only PostgreSQL knows which table has a column so called; a star that means no column is none."""
    assert _find(statement).names == names


def test_columns_of_tables_without_a_definition() -> None:
    """They are named all the same: whether they are announced is the catalog's to say."""
    light = table("tasks", column("id"), column("hidden"))

    assert _find(select(light.alias().c.hidden)).columns == {(None, "tasks", "hidden")}


@pytest.mark.parametrize(
    "statement",
    [
        select(literal("today").cast(Date)),
        select(func.to_char(literal("now").cast(pg.TIMESTAMP), "SS")),
        select(func.greatest(column("due", Date), "today")),
        select(case((Task.id == 1, "today"), else_=column("due", Date))),
        select(case((Task.id == 1, column("due", Date)), else_="tomorrow")),
        select(func.age("now", column("at", DateTime))),
        select(func.date_bin("1 hour", "now", "2001-01-01")),
        select(func.generate_series("2001-01-01", "today", cast("1 day", Interval))),
        select(Task.id).where(column("days", pg.DATERANGE) == "[today,infinity)"),
        select(Task.id).where(column("days", pg.DATERANGE).op("&&")("[today,infinity)")),
        select(Task.id).where(any_(column("days", ARRAY(Date))) == "today"),
        select(Task.id).where(tuple_(column("due", Date), Task.id) > tuple_("today", 0)),
        select(Task.id).where(tuple_(column("due", Date), Task.id).in_([("today", 2)])),
        select(Task.id).where(func.lower(column("days", pg.DATERANGE)) == "today"),
        select(Task.id).where(func.coalesce("2026-01-01", column("due", Date)) == "today"),
        union_all(select(literal("today").label("due")), select(column("due", Date))),
        select(values(column("due", Date), name="v").data([("today",)])),
        select(func.lag(column("due", Date), 1, "today").over(order_by=Task.id)),
    ],
)
def test_a_string_that_becomes_a_moment_is_one(statement: Any) -> None:
    """Wherever PostgreSQL may read it as a date or a time, whatever SQLAlchemy takes it for."""
    (doubt,) = _find(statement).doubts
    assert "depends on the clock" in doubt
