"""What views, text, functions and policies hide is found out: such a query is live if all it reads is."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import (
    Engine,
    column,
    create_engine,
    event,
    func,
    literal,
    literal_column,
    select,
    table,
    text,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import ColumnElement
from sqlalchemy.types import NullType

from sa_notify import Dispatcher
from sa_notify.errors import QueryError
from sa_notify.live.declared import declared
from sa_notify.live.dependencies import dependencies
from sa_notify.live.query import Reading
from sa_notify.live.shape import Shape, prepare
from sa_notify.web.reader import READING, CoverageCache, Source, StatementReader
from tests.apps.items import Item, Owner, Unheard

DDL = """
CREATE VIEW titles AS SELECT id, title, owner_id FROM items WHERE NOT done;
CREATE VIEW named AS SELECT t.id, t.title, o.name FROM titles t LEFT JOIN owners o ON o.id = t.owner_id;
CREATE VIEW everything AS SELECT * FROM items;
CREATE VIEW rows AS SELECT i.id, to_jsonb(i) AS row FROM items i;
CREATE VIEW unheard_too AS SELECT i.id FROM items i WHERE EXISTS (SELECT 1 FROM unheard u WHERE u.n = i.id);
CREATE VIEW barred WITH (security_barrier) AS SELECT id, title FROM items WHERE price > 1;
CREATE VIEW clocked AS SELECT id FROM items WHERE price < extract(hour FROM now());
CREATE VIEW dated AS SELECT id, current_date AS today FROM items;
CREATE VIEW limited AS SELECT id FROM items ORDER BY id LIMIT extract(hour FROM clock_timestamp())::int;
CREATE VIEW fixed AS SELECT id, 'today'::date AS made FROM items;
CREATE VIEW text_dated AS SELECT id FROM items WHERE id = -1 AND title::date = '2026-01-01';
CREATE VIEW listed AS SELECT i.id, v.x FROM items i, (VALUES (random()), (1)) AS v(x);
CREATE VIEW framed AS SELECT id, sum(id) OVER (ORDER BY id ROWS (random() * 3)::int PRECEDING) FROM items;
CREATE VIEW whoami AS SELECT id FROM items WHERE title = current_user;
CREATE VIEW tenants AS SELECT id FROM items WHERE owner_id::text = current_setting('app.owner', true);
CREATE VIEW sampled AS SELECT id FROM items TABLESAMPLE bernoulli (50);
CREATE VIEW busy AS SELECT i.id, (SELECT count(*) FROM pg_stat_activity) AS n FROM items i;
CREATE VIEW stored AS SELECT i.id, 'items'::regclass::text AS t, i.ctid FROM items i;
CREATE VIEW joined_away AS SELECT i.id FROM items i LEFT JOIN unheard u ON u.id = i.id;
CREATE VIEW never AS SELECT i.id FROM items i WHERE false AND EXISTS (SELECT 1 FROM unheard);
CREATE MATERIALIZED VIEW kept AS SELECT id FROM items;
CREATE VIEW over_kept AS SELECT * FROM kept;
CREATE SEQUENCE numbers;
CREATE VIEW counted AS SELECT i.id, (SELECT last_value FROM numbers) AS n FROM items i;
CREATE VIEW deep AS WITH RECURSIVE up(id) AS (
    SELECT id FROM owners WHERE id = 1 UNION ALL SELECT o.id FROM owners o JOIN up ON o.id = up.id + 1
) SELECT up.id, count(*) FILTER (WHERE i.done) OVER w, CASE WHEN i.done THEN 'x' ELSE lower(i.title) END AS t,
    ROW(i.id, 1) < ROW(2, i.id) AS less, i.id IN (1, 2) AS some, NULLIF(i.id, 1), greatest(i.id, 2),
    ARRAY[i.id] AS ids, i.title COLLATE "C" AS c, i.price::text AS p,
    string_agg(i.title, ',') OVER w AS all_of
  FROM up JOIN items i ON i.owner_id = up.id WINDOW w AS (PARTITION BY up.id) ORDER BY 1;

CREATE FUNCTION pure(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1 + 1; END';
CREATE FUNCTION doubled(int) RETURNS int LANGUAGE sql AS 'SELECT $1 * 2';
CREATE FUNCTION items_of(owner int) RETURNS TABLE (id int, title text) LANGUAGE sql STABLE
    AS $$ SELECT id, title::text FROM items WHERE owner_id = owner $$;
CREATE FUNCTION unheard_of() RETURNS SETOF int LANGUAGE sql STABLE AS 'SELECT n FROM unheard -- a remark';
CREATE FUNCTION standard(owner int) RETURNS bigint LANGUAGE sql
    BEGIN ATOMIC SELECT count(*) FROM items WHERE owner_id = owner; END;
CREATE FUNCTION by_name(owner int) RETURNS bigint LANGUAGE sql AS 'SELECT standard(owner) + doubled(1)';
CREATE FUNCTION area(owner int) RETURNS bigint LANGUAGE sql
    BEGIN ATOMIC SELECT count(*) FROM items WHERE owner_id = owner; END;
CREATE FUNCTION initcap(int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN anything(); END';
CREATE FUNCTION lower(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1; END';
CREATE FUNCTION hourly() RETURNS int LANGUAGE sql AS 'SELECT extract(hour FROM now())::int';
CREATE FUNCTION clocked_default(t timestamptz DEFAULT now()) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE FUNCTION anything() RETURNS int LANGUAGE plpgsql STABLE
    AS $$ DECLARE n int; BEGIN SELECT count(*) INTO n FROM unheard; RETURN n; END $$;
CREATE FUNCTION elsewhere() RETURNS bigint LANGUAGE sql SET search_path = public
    AS 'SELECT count(*) FROM items';
CREATE FUNCTION shouted(items) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN anything(); END $$;
CREATE FUNCTION stir(int, int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN random() * $1; END $$;
CREATE OPERATOR <~~> (FUNCTION = stir, LEFTARG = int, RIGHTARG = int);
CREATE OPERATOR <+> (FUNCTION = int4pl, LEFTARG = int, RIGHTARG = int);
CREATE AGGREGATE stirred(int) (SFUNC = stir, STYPE = int, INITCOND = 0);
CREATE AGGREGATE summed(int) (SFUNC = int4pl, STYPE = int, INITCOND = 0);
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE DOMAIN day AS date;
CREATE VIEW with_functions AS SELECT id, pure(id), doubled(id), standard(id), id <+> 1 AS plus FROM items;
CREATE VIEW with_operator AS SELECT id, id <~~> 1 AS n FROM items;
CREATE VIEW with_aggregate AS SELECT stirred(id) AS id FROM items;
CREATE VIEW with_anything AS SELECT id, anything() FROM items;
"""


@pytest.fixture
def database(database: Engine) -> Engine:
    """With views and functions of all kinds."""
    with database.begin() as connection:
        connection.exec_driver_sql(DDL.replace("%", "%%"))
    return database


def read(
    engine: Engine,
    statement: Any,
    cache: CoverageCache | None = None,
    *,
    settings: Sequence[tuple[str, str]] = (),
    tables: Any = None,
) -> Reading:
    statement = prepare(statement)
    found = dependencies(
        statement,
        engine.dialect,
        settings=frozenset(name for name, _ in settings),
        declared=None if tables is None else declared(tables),
    )
    cache = cache or CoverageCache()
    return StatementReader(Source(engine, cache, statement, Shape(statement), found, None, tuple(settings)))()


def view(name: str) -> Any:
    return select(table(name, column("id")))


def raw(sql: str) -> Any:
    return select(func.count().label("n")).select_from(text(f"({sql}) AS q"))


class shout(ColumnElement[Any]):
    """An element whose SQL its own author writes."""

    inherit_cache = True

    def __init__(self, sql: str) -> None:
        self.sql = sql


@compiles(shout)
def _shout(element: shout, compiler: Any, **_: Any) -> str:
    return element.sql


ITEMS, OWNERS, UNHEARD = {"public.items"}, {"public.owners"}, {"public.unheard"}
BOTH = ITEMS | OWNERS
LIVE: tuple[()] = ()
SECRET = "public.items.secret are not announced"

#: A statement, the tables that wake it, and what each of its doubts says: without any it is live.
NASTY: dict[str, tuple[Any, set[str], Sequence[str]]] = {
    "view": (view("titles"), ITEMS, LIVE),
    "view over a view": (view("named"), BOTH, LIVE),
    "view by its schema": (select(table("titles", column("id"), schema="public")), ITEMS, LIVE),
    "view beside a table": (
        select(Owner.id).join(table("titles", column("owner_id")), text("titles.owner_id = owners.id")),
        BOTH,
        LIVE,
    ),
    "view behind a barrier": (view("barred"), ITEMS, LIVE),
    "view with much in it": (view("deep"), BOTH, LIVE),
    "view whose date was fixed": (view("fixed"), ITEMS, LIVE),
    "view with functions": (view("with_functions"), ITEMS, LIVE),
    "view of an excluded column": (view("everything"), ITEMS, [SECRET]),
    "view of whole rows": (view("rows"), ITEMS, [SECRET]),
    "view over what is not realtime": (view("unheard_too"), ITEMS | UNHEARD, ["public.unheard has no"]),
    "view whose join the planner drops": (view("joined_away"), ITEMS | UNHEARD, ["public.unheard has no"]),
    "view whose part never runs": (view("never"), ITEMS | UNHEARD, ["public.unheard has no"]),
    "view with the clock": (view("clocked"), ITEMS, [r"now\(\) in the view public.clocked.*clock"]),
    "view with the date": (view("dated"), ITEMS, ["current_date in the view public.dated.*clock"]),
    "view with the clock in LIMIT": (view("limited"), ITEMS, [r"clock_timestamp\(\).*clock"]),
    "view that reads text as dates": (view("text_dated"), ITEMS, ["a date in the view.*'today'"]),
    "view with chance in VALUES": (view("listed"), ITEMS, [r"random\(\).*chance"]),
    "view with chance in a frame": (view("framed"), ITEMS, [r"random\(\).*chance"]),
    "view with the user": (view("whoami"), ITEMS, ["current_user.*session"]),
    "view with a setting": (view("tenants"), ITEMS, ["the setting app.owner.*scope="]),
    "view with a sample": (view("sampled"), ITEMS, ["TABLESAMPLE.*chance", r"bernoulli\(\)"]),
    "view over statistics": (view("busy"), ITEMS, ["pg_catalog.pg_stat_activity.*PostgreSQL's own"]),
    "view with the catalog": (view("stored"), ITEMS, ["items.ctid are not", "a regclass in"]),
    "materialized view": (view("kept"), {"public.kept"}, ["is a materialized view"]),
    "view over a materialized view": (view("over_kept"), {"public.kept"}, ["is a materialized view"]),
    "view over a sequence": (view("counted"), ITEMS | {"public.numbers"}, ["public.numbers is a sequence"]),
    "view with an operator": (view("with_operator"), ITEMS, [r"public.stir\(\) in.*tables="]),
    "view with an aggregate": (view("with_aggregate"), ITEMS, [r"public.stir\(\) in.*tables="]),
    "view with any function": (view("with_anything"), ITEMS, [r"public.anything\(\) in.*tables="]),
    "condition": (select(Item.id).where(text("price > 3 AND lower(title) <> 'x'")), ITEMS, LIVE),
    "condition with a subquery": (
        select(Owner.id).where(text("EXISTS (SELECT FROM titles WHERE owner_id = owners.id)")),
        BOTH,
        LIVE,
    ),
    "condition on an excluded column": (select(Item.id).where(text("length(secret) > 3")), ITEMS, [SECRET]),
    "subquery on whole rows": (
        select(Item.id).where(text("EXISTS (SELECT FROM items i WHERE to_jsonb(i)::text <> '')")),
        ITEMS,
        [SECRET],
    ),
    "statement": (raw("SELECT o.id, count(*) AS n FROM owners o GROUP BY 1"), OWNERS, LIVE),
    "statement of a model": (
        select(Owner).from_statement(text("SELECT * FROM owners WHERE id < :n").bindparams(n=3)),
        OWNERS,
        LIVE,
    ),
    "window": (raw("SELECT id, row_number() OVER (PARTITION BY name ORDER BY id) FROM owners"), OWNERS, LIVE),
    "remarks": (raw("SELECT id /* now() */ FROM owners -- random()\n"), OWNERS, LIVE),
    "names in quotes": (raw('SELECT "o"."id" AS "now" FROM "public"."owners" AS "o"'), OWNERS, LIVE),
    "text over what is not realtime": (raw("SELECT n FROM unheard"), UNHEARD, ["public.unheard has no"]),
    "text whose join the planner drops": (
        raw("SELECT o.id FROM owners o LEFT JOIN unheard USING (id)"),
        OWNERS | UNHEARD,
        ["public.unheard has no"],
    ),
    "text over the catalog": (raw("SELECT relname FROM pg_class"), set(), ["PostgreSQL's own"]),
    "text with the clock": (
        select(Item.id).where(text("price < extract(hour from now())")),
        ITEMS,
        ["clock"],
    ),
    "text with a bare clock": (select(Item.id).where(text("current_date > '2026-01-01'")), ITEMS, ["clock"]),
    "text with a word for a day": (
        raw("SELECT id FROM owners WHERE '{today}'::date[] <> '{}'"),
        OWNERS,
        ["today.*clock"],
    ),
    "text with a value for a day": (
        select(Owner.id).where(text("CAST(:day AS date) > '2026-01-01'").bindparams(day="tomorrow")),
        OWNERS,
        ["tomorrow.*clock"],
    ),
    "text with a date": (
        select(Owner.id).where(text("'2026-01-01'::date < date '2027-01-01'")),
        OWNERS,
        LIVE,
    ),
    "text that casts": (
        raw("SELECT id FROM owners WHERE id = -1 AND name::date > now()"),
        OWNERS,
        ["a d", "n"],
    ),
    "text that calls a cast": (raw("SELECT date(name) FROM owners WHERE id = -1"), OWNERS, ["a date in"]),
    "text that casts to a domain": (raw("SELECT name::day FROM owners WHERE id = -1"), OWNERS, ["a day in"]),
    "text that casts to an enum": (raw("SELECT name::mood FROM owners WHERE id = -1"), OWNERS, LIVE),
    "text with a string in two parts": (raw("SELECT 'to'\n'day' FROM owners"), OWNERS, ["several parts"]),
    "text with an escape": (raw(r"SELECT E'\x74oday' AS t FROM owners"), OWNERS, ["special kind"]),
    "text with a hidden name": (raw(r'SELECT U&"\006eame" AS t FROM owners'), OWNERS, ["special kind"]),
    "text with chance": (select(Item.id).order_by(text("random()")), ITEMS, ["chance"]),
    "text with a counter": (select(Item.id, text("pg_current_snapshot()")), ITEMS, ["moves"]),
    "text with a setting": (
        select(Item.id).where(text("title = current_setting('app.x', true)")),
        ITEMS,
        ["app.x.*scope="],
    ),
    "text that runs text": (
        raw("SELECT * FROM ts_stat('SELECT to_tsvector(n::text) FROM unheard')"),
        UNHEARD,
        ["public.unheard has no", r"ts_stat\(\)"],
    ),
    "text with a function of rows": (
        raw("SELECT i.id, i.shouted FROM items i"),
        ITEMS | UNHEARD,
        [SECRET, r"shouted\(\)", "public.unheard has no"],
    ),
    "text with a function of a value": (
        raw("SELECT (x.o).shouted FROM (SELECT i AS o FROM items i) x"),
        ITEMS | UNHEARD,
        [SECRET, r"shouted\(\)", "public.unheard has no"],
    ),
    "text with the clock in LIMIT": (
        raw("SELECT id FROM owners LIMIT extract(hour FROM clock_timestamp())::int"),
        OWNERS,
        ["clock"],
    ),
    "text with an operator": (select(Item.id).where(text("id <~~> 1 > 0")), ITEMS, [r"stir\(\)"]),
    "text that takes JSON apart": (
        raw("SELECT * FROM jsonb_to_recordset('[]') AS x(d date)"),
        set(),
        ["a date in"],
    ),
    "hint": (
        select(Item.id).with_statement_hint("UNION SELECT n FROM unheard"),
        ITEMS | UNHEARD,
        [SECRET, "public.unheard has no"],
    ),
    "element of its own": (select(Owner.id, shout("upper(owners.name)").label("s")), OWNERS, LIVE),
    "element with a subquery": (
        select(Owner.id, shout("(SELECT max(n) FROM unheard)").label("s")),
        OWNERS | UNHEARD,
        ["public.unheard has no"],
    ),
    "element with the clock": (select(Owner.id, shout("clock_timestamp()").label("s")), OWNERS, ["clock"]),
    "immutable function": (select(func.pure(Item.id)), ITEMS, LIVE),
    "function in SQL": (select(func.doubled(Item.id)), ITEMS, LIVE),
    "function in standard SQL": (select(Owner.id, func.standard(Owner.id)), BOTH, LIVE),
    "function that calls functions": (select(Owner.id, func.by_name(Owner.id)), BOTH, LIVE),
    "function that gives rows": (select(func.items_of(1).table_valued("id", "title")), ITEMS, [SECRET]),
    "function that gives rows to text": (raw("SELECT * FROM items_of(1)"), ITEMS, [SECRET]),
    "function over what is not realtime": (
        select(func.unheard_of().column_valued("n")),
        UNHEARD,
        ["public.unheard has no"],
    ),
    "function with the clock": (select(Item.id, func.hourly()), ITEMS, [r"now\(\) in public.hourly\(\)"]),
    "default with the clock": (
        select(Item.id, func.clocked_default()),
        ITEMS,
        [r"now\(\) in public.clocked"],
    ),
    "value for a day": (
        select(Item.id, func.clocked_default(literal("now", NullType()))),
        ITEMS,
        ["'now'", r"now\(\) in"],
    ),
    "function in PL/pgSQL": (select(Item.id, func.anything()), ITEMS, [r"public.anything\(\).*tables="]),
    "function under a path": (select(Item.id, func.elsewhere()), ITEMS, [r"public.elsewhere\(\).*tables="]),
    "function of rows": (select(literal_column("items.shouted")).select_from(Item), ITEMS, [r"shouted\(\)"]),
    "column after its table": (select(literal_column("items.title")).select_from(Item), ITEMS, LIVE),
    "function called as one of PostgreSQL's": (select(Owner.id, func.area(Owner.id)), BOTH, LIVE),
    "function in PL/pgSQL called so": (
        select(func.initcap(Item.id)),
        ITEMS,
        [r"public.initcap\(\).*tables="],
    ),
    "function called so in its schema": (select(func.public.area(Owner.id)), BOTH, LIVE),
    "immutable function called so": (select(func.lower(Item.id)), ITEMS, LIVE),
    "PostgreSQL's own function": (select(func.pg_catalog.initcap(Item.title)), ITEMS, LIVE),
    "table written as text": (select(column("id")).select_from(text("owners")), OWNERS, LIVE),
    "table written as text in quotes": (select(text("id")).select_from(text('"titles"')), ITEMS, LIVE),
    "aggregate": (select(func.summed(Item.id)), ITEMS, LIVE),
    "aggregate with chance": (select(func.stirred(Item.id)), ITEMS, [r"stir\(\)"]),
    "operator": (select(Item.id.op("<+>")(1)), ITEMS, LIVE),
    "operator with chance": (select(Item.id.op("<~~>")(1)), ITEMS, [r"stir\(\)"]),
}


@pytest.mark.parametrize("driver", ["psycopg2", "psycopg"])
def test_what_statements_hide(database: Engine, driver: str) -> None:
    """All that each reads wakes it; what else it may depend on is a doubt, so that the clock reads it."""
    wrong, engine = {}, create_engine(database.url.set(drivername=f"postgresql+{driver}"))
    for name, (statement, tables, doubts) in NASTY.items():
        reading = read(engine, statement)
        if reading.tables != tables or not _are(reading.doubts, doubts):
            wrong[name] = (set(reading.tables), reading.doubts)
    engine.dispose()

    assert wrong == {}


def _are(found: Sequence[str], expected: Sequence[str]) -> bool:
    told = [any(re.search(doubt, sentence) for sentence in found) for doubt in expected]
    return len(found) == len(expected) and all(told)


def test_nothing_less_is_found_beside_other_statements(database: Engine) -> None:
    """In a transaction that reads more, locks do not tell what a text names: every name in it counts."""
    less = {}
    with database.connect().execution_options(**READING) as connection:
        for name, (statement, tables, doubts) in NASTY.items():
            found = dependencies(prepare(statement), database.dialect)
            names, told, _ = CoverageCache().judge(connection, found)
            # nothing has run, and what can't be read can't be followed
            expected = set() if "special kind" in str(told) else tables - UNHEARD
            if not names >= expected or bool(told) < bool(doubts):
                less[name] = (set(names), told)

    assert less == {}


def test_names_in_text_that_are_no_tables(database: Engine) -> None:
    """A column may be called as a table is: PostgreSQL's locks tell."""
    with database.begin() as connection:
        connection.execute(text("CREATE TABLE title (id int)"))
    reading = read(database, select(Item.id).where(text("length(title) > 3")))

    assert (reading.tables, reading.doubts) == (ITEMS, ())


DECLARED: dict[str, tuple[Any, list[Any], set[str], Sequence[str]]] = {
    "function": (select(Owner.id, func.elsewhere()), [Item.id, Item.title], BOTH, LIVE),
    "function of whole tables": (select(Owner.id, func.elsewhere()), [Item], BOTH, [SECRET]),
    "function of no table": (select(Owner.id, func.stir(1, 2)), [], OWNERS, LIVE),
    "function of what is not realtime": (
        select(Owner.id, func.anything()),
        [Unheard],
        OWNERS | UNHEARD,
        ["public.unheard has no"],
    ),
    "text": (raw(r"SELECT E'\x61' FROM owners"), [], OWNERS, LIVE),
    "view": (view("with_operator"), [Owner], BOTH, LIVE),
    "clock in a text": (select(Owner.id).where(text("now() > '2026-01-01'")), [], OWNERS, ["clock"]),
    "clock in a view": (view("clocked"), [Item.id], ITEMS, ["clock"]),
    "clock": (select(Owner.id, func.now()), [], OWNERS, ["clock"]),
    "catalog": (view("busy"), [], ITEMS, ["pg_stat_activity"]),
}


def test_what_is_declared(database: Engine) -> None:
    """It takes away doubts about what can't be followed, and no others."""
    wrong = {}
    for name, (statement, tables, expected, doubts) in DECLARED.items():
        reading = read(database, statement, tables=tables)
        if reading.tables != expected or not _are(reading.doubts, doubts):
            wrong[name] = (set(reading.tables), reading.doubts)

    assert wrong == {}


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ("items", r"tables=items is not a list: write tables=\[items\]"),
        (Item, r"tables=Item is not a list: write tables=\[Item\]"),
        (Item.__table__, r"write tables=\[items\]"),
        (5, "is not a list"),
        (["items"], r"tables= has 'items': name models or tables, as in tables=\[TodoItem\]"),
        ([Item, int], "tables= has <class 'int'>"),
        ([select(Item)], "tables= has"),
        ([func.lower("x")], "tables= has"),
    ],
)
def test_declarations_that_mean_nothing(tables: Any, message: str) -> None:
    """They are refused when the query is registered."""
    with pytest.raises(QueryError, match=message):

        @Dispatcher().query(tables=tables)
        def items() -> Any:
            return select(Item)


CHANGES: dict[str, tuple[Any, Sequence[str]]] = {
    "view": (
        view("titles"),
        ["CREATE OR REPLACE VIEW titles AS SELECT id, title, owner_id FROM items WHERE done"],
    ),
    "view below a view": (
        view("named"),
        ["CREATE OR REPLACE VIEW titles AS SELECT id, title, id AS owner_id FROM items"],
    ),
    "view made again": (view("fixed"), ["DROP VIEW fixed", "CREATE VIEW fixed AS SELECT id FROM unheard"]),
    "function": (
        select(func.doubled(Owner.id)),
        ["CREATE OR REPLACE FUNCTION doubled(int) RETURNS int LANGUAGE sql AS 'SELECT max(n) FROM unheard'"],
    ),
    "function below a function": (
        select(func.by_name(Owner.id)),
        ["CREATE OR REPLACE FUNCTION standard(owner int) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'"],
    ),
    "function beside another": (
        select(Owner.id).where(text("abs(id) > 0")),
        ["CREATE FUNCTION abs(text) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN anything(); END'"],
    ),
    "function of rows": (
        raw("SELECT o.name FROM owners o"),
        ["CREATE FUNCTION name(owners) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN anything(); END'"],
    ),
    "table in front of another": (
        raw("SELECT id FROM owners"),
        ["CREATE TABLE pg_temp.owners (id int)"],
    ),
    "declaration": (select(func.pure(Owner.id)), ["ALTER FUNCTION pure(int) VOLATILE"]),
    "operator": (
        select(Item.id).where(text("id <+> 1 > 0")),
        [
            "CREATE FUNCTION stir(bigint, int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "CREATE OPERATOR <+> (FUNCTION = stir, LEFTARG = bigint, RIGHTARG = int)",
        ],
    ),
    "cast": (
        select(Item.id).where(text("id > 0")),
        [
            "CREATE FUNCTION to_mood(int) RETURNS mood LANGUAGE plpgsql AS 'BEGIN RETURN ''good''; END'",
            "CREATE CAST (int AS mood) WITH FUNCTION to_mood(int) AS IMPLICIT",
        ],
    ),
    "table": (view("named"), ["ALTER TABLE owners DISABLE TRIGGER ALL"]),
}


def test_the_cache_notices_other_definitions(database: Engine) -> None:
    """DDL is announced by nobody: what was found out is asked for again."""
    unnoticed = []
    for name, (statement, changes) in CHANGES.items():
        cache = CoverageCache()
        read(database, statement, cache)
        with database.connect() as connection:
            if cache.changed(connection):
                unnoticed.append(f"{name}: changed before")
            for change in changes:
                connection.exec_driver_sql(change)
            if not cache.changed(connection):
                unnoticed.append(name)
            if cache.changed(connection):
                unnoticed.append(f"{name}: changed twice")

    assert unnoticed == []


def test_what_was_found_is_not_asked_again(database: Engine) -> None:
    """A statement that hides something costs one SELECT per reading, as any other."""
    cache = CoverageCache()
    for statement in (view("named"), raw("SELECT id FROM owners"), select(func.doubled(Owner.id))):
        read(database, statement, cache)
        with executed(database) as seen:
            assert read(database, statement, cache).doubts == ()
        assert len(seen) == 2, seen  # the other is the snapshot


@contextmanager
def executed(engine: Engine) -> Iterator[list[str]]:
    """The statements that are executed meanwhile."""
    seen: list[str] = []

    def executing(connection: Any, cursor: Any, sql: str, *rest: Any) -> None:
        seen.append(sql)

    event.listen(engine, "before_cursor_execute", executing)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", executing)
