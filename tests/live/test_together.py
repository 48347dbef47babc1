"""Read together, each query has byte for byte what it has alone."""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import event as hypothesis_event, given, settings, strategies as st
from sqlalchemy import (
    Engine,
    String,
    bindparam,
    case,
    create_engine,
    event,
    func,
    literal,
    or_,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from sa_notify.change import Key
from sa_notify.errors import NotTogether
from sa_notify.live.dependencies import dependencies
from sa_notify.live.flat import flat
from sa_notify.live.query import Asked, Query, Reading, Rows
from sa_notify.live.rowkey import rowkey
from sa_notify.live.shape import Shape, prepare, total_statement
from sa_notify.live.together import Sent, Together
from sa_notify.web.once import READING_ONCE, is_at_rest, reading_once
from sa_notify.web.reader import CoverageCache, Source, StatementReader
from sa_notify.web.shared import shared_by
from tests.databases import fresh_database
from tests.live.gadgets import Base, Dog, Group, Heard, Mood, Odd, Padded, Pair, Short, Thing, Token, things
from tests.live.shapes import ALONE, SHARED, THINGS

CACHE = CoverageCache()


@pytest.fixture(scope="module")
def database(pg_server: str) -> Iterator[Engine]:
    with fresh_database(pg_server) as url:
        made = create_engine(url)
        Base.metadata.create_all(made)
        with Session(made) as session:
            session.execute(text("ALTER TABLE things ALTER padded TYPE char(5)"))
            session.add_all(Group(id=n, name=f"group {n}") for n in range(4))
            session.flush()
            session.add_all(things())
            session.add_all(Odd(x=n % 3, y=f"y{n}", name=f"n{n % 2}", notes="long") for n in range(12))
            session.add_all(Dog(id=n) for n in range(4))
            session.add_all(Heard(id=n, n=n) for n in range(4))
            session.add_all(Pair(x=n % 3, y=f'"{n}"', n=n) for n in range(8))
            for n in range(3):
                session.add_all([Token(id=UUID(int=n), n=n), Short(id=f"s{n}", n=n), Padded(id=f"p{n}", n=n)])
            session.commit()
        yield made
        made.dispose()


@pytest.fixture(scope="module", params=["psycopg2", "psycopg"])
def reading(database: Engine, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An engine on the rows, by each driver."""
    made = create_engine(database.url.set(drivername=f"postgresql+{request.param}"))
    yield made
    made.dispose()


def query(engine: Engine, statement: Any, *, key: Sequence[str] | None = None, total: bool = False) -> Query:
    """As a registered function makes it."""
    statement = prepare(statement)
    shape, found = Shape(statement, key=key), dependencies(statement, engine.dialect)
    counting = total_statement(statement) if total else None
    source = Source(engine, CACHE, statement, shape, found, counting)
    return Query("q", object(), StatementReader(source), shared=shared_by(source))


def told(reading: Any) -> Any:
    assert isinstance(reading, Reading)
    return repr(tuple(reading.rows)), reading.total, reading.tables, reading.doubts


def together(queries: Sequence[Query]) -> list[Any]:
    """They are of one template; anyone of them may be asked."""
    shared = [one.shared for one in queries]
    assert len({one.template for one in shared if one}) == 1
    assert shared[-1] is not None
    return list(shared[-1].together([Asked(one) for one in queries]))


@pytest.mark.parametrize("name", SHARED)
def test_together_is_as_alone(reading: Engine, name: str) -> None:
    """Rows, their order, keys and values, totals, tables."""
    values, make = SHARED[name]
    for total in (False, True):
        queries = [query(reading, make(value), total=total) for value in values]
        found, expected = together(queries), [told(one.read()) for one in queries]
        assert [told(one) for one in found] == expected
        assert [told(one.shared.read()) for one in queries] == expected  # type: ignore[union-attr]
        assert any(one.rows for one in found)
        assert len({repr(tuple(one.rows)) for one in found}) > 1, "the values make no difference"


@pytest.mark.parametrize("name", ALONE)
def test_what_is_not_surely_the_same_is_read_alone(reading: Engine, name: str) -> None:
    """Nothing has the template of another value's."""
    values, make = ALONE[name]
    queries = [query(reading, make(value)) for value in values]
    templates = [one.shared.template if one.shared else object() for one in queries]
    assert len(set(templates)) == len(values)


@pytest.mark.parametrize(
    ("model", "is_flat"), [(Thing, True), (Pair, True), (Group, False), (Odd, False), (Heard, False)]
)
def test_instances_are_made_where_they_may_hold_more_than_columns(
    database: Engine, model: Any, is_flat: bool
) -> None:
    statement = prepare(select(model))
    found = dependencies(statement, database.dialect)
    assert (flat(statement, Shape(statement), found, database.dialect) is not None) is is_flat


# -- whatever comes

FILTERS: list[tuple[Callable[[Any], Any], Sequence[Any]]] = [
    (lambda v: Thing.group_id == v, range(4)),
    (lambda v: Thing.small < v, range(6)),
    (lambda v: Thing.big.between(v, 4 * v), [10**12, 2 * 10**12, 10**13]),
    (lambda v: Thing.price >= v, [Decimal("0.5"), Decimal("1.505"), Decimal("2.0")]),
    (Thing.title.is_distinct_from, ["ab", "ab ", "abcdefgh", ""]),
    (lambda v: Thing.code != v, ["ab", "ab ", "abcde"]),
    (lambda v: Thing.padded == v, ["ab", "ab ", "c"]),
    (lambda v: ~Thing.body.icontains(v), ["x", "%", "'"]),
    (Thing.body.in_, [["x", "X"], ["it's", "x"]]),
    (lambda v: or_(Thing.mood == v, Thing.mood.is_(None)), list(Mood)),
    (lambda v: Thing.day > v, [dt.date(2026, 1, n) for n in (1, 2, 3)]),
    (lambda v: Thing.moment <= v, [dt.datetime(2026, 1, 1, n, tzinfo=dt.UTC) for n in range(3)]),
    (lambda v: func.coalesce(Thing.small, v) % 3 == 1, range(3)),
    (lambda v: Thing.id.in_(select(Group.id + v)), range(3)),
    (lambda v: case((Thing.done, v), else_="none") != Thing.body, ["x", "X"]),
]
ORDERS = [
    Thing.price.desc().nulls_last(), Thing.small, Thing.body, Thing.moment.desc(), Thing.title.nulls_first(),
]  # fmt: skip
SELECTED = [
    (Thing,), (Thing.id, Thing.title, Thing.price), (Thing, Group.name), (Thing.body, Thing.small + 1),
]  # fmt: skip


@st.composite
def alike(draw: st.DrawFn) -> list[Any]:
    """A few statements with other values in the same places."""
    filters = draw(st.lists(st.sampled_from(FILTERS), max_size=3))
    orders = draw(st.lists(st.sampled_from(ORDERS), max_size=2))
    base = select(*draw(st.sampled_from(SELECTED))).select_from(Thing).outerjoin(Group)
    places = [st.sampled_from(values) for _, values in filters]
    limit, offset = draw(st.none() | st.just(st.integers(0, 9))), draw(st.none() | st.just(st.integers(0, 9)))
    made = []
    for _ in range(draw(st.integers(2, 4))):
        wheres = [make(draw(place)) for (make, _), place in zip(filters, places, strict=True)]
        statement = base.where(*wheres).order_by(*orders, Thing.id)
        statement = statement if limit is None else statement.limit(draw(limit))
        made.append(statement if offset is None else statement.offset(draw(offset)))
    return made


@settings(max_examples=40, deadline=None)
@given(alike(), st.booleans())
def test_random_statements_together_are_as_alone(reading: Engine, statements: list[Any], total: bool) -> None:
    """Any filters, orders and pages, in any places."""
    queries = [query(reading, statement, total=total) for statement in statements]
    if len({one.shared.template for one in queries if one.shared}) != 1:
        hypothesis_event("given up before")
        return
    try:
        found = together(queries)
    except NotTogether:  # then each is read alone
        hypothesis_event("given up")
        return
    assert [told(one) for one in found] == [told(one.read()) for one in queries]


# -- rows by key


def rows_of(query: Query, *keys: Key) -> Any:
    assert query.shared is not None
    (found,) = query.shared.together([Asked(query, keys)])
    assert isinstance(found, Rows)
    return found.rows


KEYED = [
    (select(Odd).where(Odd.x >= 1), [("0", "y0"), ("1", "y1"), ("1", "y2"), ("2", "y2"), ("9", "it's")]),
    (select(Odd.y, Odd.x, Odd.name).where(Odd.x >= 1), [("0", "y0"), ("1", "y1")]),
    (select(Thing, Group).join(Group, isouter=True), [("7",), ("8",), ("100",)]),
    (select(Token), [(str(UUID(int=1)),), (str(UUID(int=9)),)]),
    (select(Short), [("s1",), ("s1 ",), ("s12",)]),
    (select(Group), [("1",)]),
]


@pytest.mark.parametrize(("statement", "keys"), KEYED)
def test_rows_by_key_are_those_of_the_whole_result(reading: Engine, statement: Any, keys: list[Key]) -> None:
    """Of the result without LIMIT and OFFSET, and none that its WHERE leaves out."""
    whole = dict(query(reading, statement).read().rows)
    wanted = {rowkey(key) for key in keys}
    expected = {key: row for key, row in whole.items() if key in wanted}
    assert rows_of(query(reading, statement.limit(1).offset(1)), *keys) == expected
    assert expected


def test_rows_by_key_are_read_together_too(reading: Engine) -> None:
    """Of several queries, and beside whole results, each sees its own rows alone."""
    queries = [query(reading, THINGS.where(Thing.small == n).limit(2)) for n in range(5)]
    shared = queries[0].shared
    assert shared is not None
    keys: tuple[Key, ...] = (("0",), ("1",), ("2",), ("21",), ("500",))
    asked = [Asked(one, None if n == 2 else keys) for n, one in enumerate(queries)]
    found = shared.together(asked)
    rows = [sorted(one.rows) if isinstance(one, Rows) else [key for key, _ in one.rows] for one in found]
    assert rows == [["0"], ["1", "21"], ["2", "7"], [], []]


@pytest.mark.parametrize(
    "statement",
    [
        select(Thing.mood).distinct().order_by(Thing.mood),  # PostgreSQL 15 has them in any order otherwise
        select(Thing.id, func.count().label("n")).group_by(Thing.id),
        select(Thing.id, func.row_number().over(order_by=Thing.id).label("n")),
        select(Thing.title),
        select(Group).join(Thing),
        select(Padded),
    ],
    ids=["distinct", "grouped", "window", "no key", "repeated", "padded"],
)
def test_rows_that_no_key_tells_are_not_read_by_it(reading: Engine, statement: Any) -> None:
    """That is known from then on; whole results are read together all the same."""
    one = query(reading, statement.where(Thing.id != 1) if "things" in str(statement) else statement)
    for _ in range(2):
        with pytest.raises(NotTogether):
            rows_of(one, ("1",))
    assert one.shared is not None
    assert told(one.shared.together([Asked(one)])[0]) == told(one.read())


# -- what can't be read together after all


def refused(queries: Sequence[Query]) -> None:
    """Their template is given up; each is read alone."""
    assert queries[0].shared is not None
    with pytest.raises(NotTogether):
        queries[0].shared.together([Asked(one) for one in queries])
    assert len({one.shared.template for one in queries if one.shared}) == len(queries)
    assert all(one.read().rows for one in queries)


def test_what_postgresql_refuses_together_is_read_alone(reading: Engine) -> None:
    """An aggregate of nothing but parameters belongs to the statement around."""
    refused([query(reading, select(func.max(literal(v)).label("m"))) for v in (1, 2)])


def test_a_string_of_two_types_is_read_alone(database: Engine) -> None:
    """As a literal it is of another type in each place; as a column it can be of one only."""

    def either(v: str) -> Any:
        value = bindparam("v", v, String)
        return select(Thing.id).where(or_(Thing.body == value, Thing.token == value))

    refused([query(database, either(str(UUID(int=n)))) for n in (1, 2)])


def test_listeners_see_what_is_executed(reading: Engine) -> None:
    """Whoever adds comments to statements for the server's log still does."""
    queries = [query(reading, THINGS.where(Thing.body == v)) for v in ("x", "X")]
    expected = [told(one.read()) for one in queries]

    def commented(*arguments: Any) -> tuple[str, Any]:
        return f"/* seen */ {arguments[2]}", arguments[3]

    event.listen(reading, "before_cursor_execute", commented, retval=True)
    try:
        assert [told(one) for one in together(queries)] == expected
    finally:
        event.remove(reading, "before_cursor_execute", commented)


def test_errors_of_a_value_are_the_database_s(reading: Engine) -> None:
    """They are raised as such: it may be another query's."""
    queries = [query(reading, select((1 / (Thing.id - v)).label("q"))) for v in (1, 1000)]
    assert queries[0].shared is not None
    with pytest.raises(DBAPIError, match="division by zero"):
        queries[0].shared.together([Asked(one) for one in queries])
    assert queries[0].shared.template == queries[1].shared.template  # type: ignore[union-attr]


def test_few_statements_for_many(reading: Engine) -> None:
    """A snapshot and the rows; the totals are one more."""
    executed: list[str] = []
    queries = [query(reading, THINGS.where(Thing.id == n), total=True) for n in range(60)]
    together(queries)  # looks at the catalog, which every query does once

    def listen(*arguments: Any) -> None:
        executed.append(arguments[2])

    event.listen(reading, "before_cursor_execute", listen)
    together(queries)
    event.remove(reading, "before_cursor_execute", listen)
    assert len(executed) == 3


@pytest.mark.parametrize(
    ("one", "other"), [(1, True), (Decimal("1.0"), Decimal("1.00")), (0.0, -0.0), ("1", 1)], ids=repr
)
def test_values_that_python_takes_for_equal_are_told_apart(one: Any, other: Any) -> None:
    """By a column of the parameter rows, or the two are not read together."""
    sent = [Sent("SELECT %(a)s", {"a": value}) for value in (one, other)]
    try:
        together = Together(sent, [0, 1], 1, [], cast=False)
    except NotTogether:
        return
    assert repr([one, other]) in map(repr, together.statement()[1].values())


# -- one row at a time


@pytest.mark.parametrize(("statement", "keys"), KEYED)
def test_a_single_row_is_as_among_others(reading: Engine, statement: Any, keys: list[Key]) -> None:
    """Also where SQLAlchemy has made the statement already, and is not asked again."""
    whole = dict(query(reading, statement).read().rows)
    for key in keys * 3:
        expected = {rowkey(key): whole[rowkey(key)]} if rowkey(key) in whole else {}
        assert rows_of(query(reading, statement.limit(1).offset(1)), key) == expected


def test_each_query_sees_its_own_single_rows(reading: Engine) -> None:
    """Of one template: with its own values, in every kind of column."""
    queries = [query(reading, THINGS.where(Thing.small == n, Thing.secret != f"s{n}")) for n in range(3)]
    assert len({one.shared.template for one in queries if one.shared}) == 1
    wholes = [dict(one.read().rows) for one in queries]
    assert all(wholes)
    for key in {key for whole in wholes for key in whole}:
        for one, whole in zip(queries, wholes, strict=True):
            assert rows_of(one, (key,)) == ({key: whole[key]} if key in whole else {})


def test_a_single_row_is_one_statement(database: Engine) -> None:
    """Without BEGIN and ROLLBACK, each of which would be a round trip of its own."""
    made, executed = create_engine(database.url), list[tuple[str, bool]]()

    def listen(cursor: Any, statement: str, *_: Any) -> None:
        executed.append((statement, cursor.connection.autocommit))

    one = query(made, select(Short).where(Short.n >= 0))
    made.connect().close()
    event.listen(made, "do_execute", listen)
    for number in range(3):
        assert rows_of(one, (f"s{number}",)).keys() == {f"s{number}"}
    assert [(text.startswith(READING_ONCE), alone) for text, alone in executed] == [(True, True)] * 3
    made.dispose()


def test_what_is_read_at_once_is_a_transaction_that_reads(database: Engine) -> None:
    """One snapshot, and no writes by mistake; afterwards the connection is as it was."""
    asked = "SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')"
    for _ in range(2):
        with database.connect() as connection:
            assert is_at_rest(connection)
            with reading_once(connection) as before:
                assert tuple(connection.exec_driver_sql(before + asked).one()) == ("repeatable read", "on")
                with pytest.raises(DBAPIError, match="read-only transaction"):
                    connection.exec_driver_sql(f"{before}DELETE FROM shorts")
        with database.begin() as connection:
            assert tuple(connection.exec_driver_sql(asked).one()) == ("read committed", "off")
            assert not is_at_rest(connection)


@pytest.mark.parametrize("level", ["SERIALIZABLE", "AUTOCOMMIT"])
def test_an_engine_keeps_its_isolation(database: Engine, level: str) -> None:
    """Single rows are read in between."""
    made = create_engine(database.url, isolation_level=level, pool_size=1, max_overflow=0)

    def characteristics() -> tuple[Any, ...]:
        with made.connect() as connection:
            raw: Any = connection.connection.driver_connection
            return connection.get_isolation_level(), raw.autocommit

    before = characteristics()
    for _ in range(3):
        assert rows_of(query(made, select(Short)), ("s1",)).keys() == {"s1"}
        assert characteristics() == before
    made.dispose()


def test_what_transactions_begin_with_holds_for_single_rows(database: Engine) -> None:
    """Whoever listens for a transaction's begin may set who reads in it."""
    with database.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA aside")
        connection.exec_driver_sql("CREATE TABLE aside.shorts AS SELECT id, n + 100 AS n FROM shorts")
    made = create_engine(database.url)
    event.listen(made, "begin", lambda begun: begun.exec_driver_sql("SET LOCAL search_path TO aside, public"))
    assert rows_of(query(made, select(Short)), ("s1",)) == {"s1": {"id": "s1", "n": 101}}
    made.dispose()
