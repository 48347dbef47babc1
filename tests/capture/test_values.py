"""Keys, comparisons and carried values are exact for every type and under any session."""

import base64
from typing import Any

import pytest
from sqlalchemy import Column, Computed, Integer, MetaData, Table, Text, text
from sqlalchemy.exc import NotSupportedError
from sqlalchemy.types import NullType

HOSTILE = [
    "SET LOCAL \"TimeZone\" = 'Asia/Kathmandu'",
    "SET LOCAL \"DateStyle\" = 'SQL, DMY'",
    "SET LOCAL \"IntervalStyle\" = 'sql_standard'",
    "SET LOCAL bytea_output = 'escape'",
    "SET LOCAL extra_float_digits = -10",
    "SET LOCAL quote_all_identifiers = on",
    "SET LOCAL standard_conforming_strings = off",
    "SET LOCAL search_path = pg_temp, public, pg_catalog",
]

#: type: a value in SQL, and what travels
CARRIED = {
    "int4": ("7", 7),
    "int8": ("9007199254740993", "9007199254740993"),
    "numeric": ("1.50", "1.50"),
    "numeric(6,2)": ("'NaN'", "NaN"),
    "float8": ("'-Infinity'", "-Infinity"),
    "float4": ("1.5", 1.5),
    "bool": ("true", True),
    "text": ("'a\"b\u00e9'", 'a"b\u00e9'),
    "varchar(4)": ("'%:x$'", "%:x$"),
    "bytea": (r"'\x00ff41'", base64.b64encode(b"\x00\xffA").decode()),
    "timestamptz": ("'2026-01-31 12:00:00.5+02'", "2026-01-31T10:00:00.5+00:00"),
    "timestamp": ("'2026-01-31 12:00:00'", "2026-01-31T12:00:00"),
    "date": ("'infinity'", "infinity"),
    "time": ("'12:34:56'", "12:34:56"),
    "interval": ("'1 mon'", "1 mon"),
    "uuid": ("'00000000-0000-0000-0000-00000000000a'", "00000000-0000-0000-0000-00000000000a"),
    "jsonb": ("""'{"a": [1, null]}'""", {"a": [1, None]}),
    "json": ("'[1.50]'", [1.5]),
    "int4[]": ("'{1,NULL}'", [1, None]),
    "tstzrange": ("'[2026-01-01 00:00+00,)'", '["2026-01-01 00:00:00+00",)'),
    "point": ("'(1,2)'", "(1,2)"),
    "xml": ("'<a/>'", "<a/>"),
    "inet": ("'10.0.0.1'", "10.0.0.1"),
    "mood": ("'glad'", "glad"),
    "whole": ("12345678901234567890", "12345678901234567890"),
    "pair": ("ROW(1,'x')", {"a": 1, "b": "x"}),
}


@pytest.fixture
def typed(database: Any) -> Any:
    """Own types: an enum, a domain, a composite."""
    database.write(
        "CREATE TYPE mood AS ENUM ('glad', 'sad')",
        "CREATE DOMAIN whole AS numeric(30)",
        "CREATE TYPE pair AS (a int, b text)",
    )
    return database


@pytest.mark.parametrize("sql_type", CARRIED)
def test_carried_values(typed: Any, metadata: MetaData, sql_type: str) -> None:
    """A carried value arrives in its JSON form, whatever the writer's session is set to."""
    value, expected = CARRIED[sql_type]
    if sql_type == "xml":
        supported(typed, "SELECT '<a/>'::xml")
    table = Table("typed", metadata, Column("id", Integer, primary_key=True), Column("v", NullType))
    typed.write(f"CREATE TABLE typed (id int PRIMARY KEY, v {sql_type})")
    typed.create(table, carry=["v"])

    with typed.engine.begin() as connection:
        for setting in HOSTILE[:5]:
            connection.exec_driver_sql(setting)
        connection.exec_driver_sql(
            f"INSERT INTO typed VALUES (1, CAST({value.replace('%', '%%')} AS {sql_type}))"
        )
        connection.exec_driver_sql("UPDATE typed SET v = NULL")
        connection.exec_driver_sql("DELETE FROM typed")

    insert, update, delete = typed.ear.changes()
    assert insert == {"o": "i", "k": ["1"], "w": {"v": [None, expected]}}
    assert update == {"o": "u", "k": ["1"], "f": ["v"], "w": {"v": [expected, None]}}
    assert delete == {"o": "d", "k": ["1"], "w": {"v": [None, None]}}


def test_carried_values_of_an_update_are_complete(database: Any, metadata: MetaData) -> None:
    """An update carries all carried columns, changed or not, since predicates need them."""
    table = Table(
        "items", metadata, Column("id", Integer, primary_key=True), Column("a", Integer), Column("b", Integer)
    )
    database.create(table, carry=["a", "id"])
    database.run("INSERT INTO items VALUES (1, 5, 6)")

    (change,) = database.run("UPDATE items SET b = 7")

    assert change == {"o": "u", "k": ["1"], "f": ["b"], "w": {"id": [1, 1], "a": [5, 5]}}


def supported(database: Any, *statements: str) -> None:
    """Run the statements, or skip where PostgreSQL was built without what they need."""
    try:
        database.write(*statements)
    except NotSupportedError as error:
        pytest.skip(str(error.orig))


BLIND = "CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"

KEYS = {
    "int8": ("9007199254740993", "9007199254740993"),
    "text": ("'a,\"b]é'", 'a,"b]é'),
    "bpchar(4)": ("'ab'", "ab"),
    "uuid": ("'00000000-0000-0000-0000-00000000000A'", "00000000-0000-0000-0000-00000000000a"),
    "bytea": ("decode('00ff', 'hex')", r"\x00ff"),
    "timestamptz": ("'2026-01-31 12:00+02'", "2026-01-31 10:00:00+00"),
    "date": ("'2026-01-31'", "2026-01-31"),
    "numeric": ("1.50", "1.50"),
    "mood": ("'sad'", "sad"),
    "whole": ("5", "5"),
    "interval": ("'1 mon 2 days'", "1 mon 2 days"),
    "tsrange": ("'[2026-01-01,2026-02-01)'", '["2026-01-01 00:00:00","2026-02-01 00:00:00")'),
}


@pytest.mark.parametrize("sql_type", KEYS)
def test_key_texts(typed: Any, metadata: MetaData, sql_type: str) -> None:
    """A key is its ``::text`` under ISO and UTC, whatever the writer's session is set to."""
    value, expected = KEYS[sql_type]
    table = Table("typed", metadata, Column("k", Text, primary_key=True), Column("v", Integer))
    typed.write(f"CREATE TABLE typed (k {sql_type} PRIMARY KEY, v int)")
    typed.create(table)

    with typed.engine.begin() as connection:
        for setting in HOSTILE:
            connection.exec_driver_sql(setting)
        connection.exec_driver_sql(f"INSERT INTO public.typed VALUES (CAST({value} AS {sql_type}), 1)")
        connection.exec_driver_sql("UPDATE public.typed SET v = 2")

    messages = typed.ear.messages()
    assert [message["t"] for message in messages] == ["public.typed"] * 2
    assert [message["c"] for message in messages] == [
        [{"o": "i", "k": [expected]}],
        [{"o": "u", "k": [expected], "f": ["v"]}],
    ]


#: type: two values that PostgreSQL calls equal, or can't compare, and yet show differently
SHOWN_DIFFERENTLY = {
    "numeric": ("1.0", "1.00"),
    "json": ("'{\"a\":1}'", "'{\"a\": 1}'"),
    "jsonb": ("'1.0'", "'1.00'"),
    "interval": ("'1 mon'", "'30 days'"),
    "xml": ("'<a/>'", "'<b/>'"),
    "point": ("'(1,2)'", "'(1,3)'"),
    "float8": ("'0'", "'-0'"),
    'text COLLATE "blind"': ("'a'", "'A'"),
    "bytea": (r"'\x00'", r"'\x0000'"),
    "int4[]": ("'{1}'", "'{1,NULL}'"),
}


@pytest.mark.parametrize("sql_type", SHOWN_DIFFERENTLY)
def test_comparison_is_identity(database: Any, metadata: MetaData, sql_type: str) -> None:
    """A column counts as changed when its value is not the very same, for types with and without ``=``."""
    before, after = SHOWN_DIFFERENTLY[sql_type]
    if "blind" in sql_type:
        supported(database, BLIND)
    if sql_type == "xml":
        supported(database, "SELECT '<a/>'::xml")
    database.write(f"CREATE TABLE typed (id int PRIMARY KEY, v {sql_type})")
    database.create(Table("typed", metadata, Column("id", Integer, primary_key=True), Column("v", NullType)))
    cast = sql_type.split(maxsplit=1)[0]
    database.run(f"INSERT INTO typed VALUES (1, CAST({before} AS {cast}))")

    changed = database.run(f"UPDATE typed SET v = CAST({after} AS {cast})")
    same = database.run("UPDATE typed SET v = v")

    assert changed == [{"o": "u", "k": ["1"], "f": ["v"]}]
    assert same == []


def test_nulls(database: Any, metadata: MetaData) -> None:
    """NULL differs from every value and not from NULL."""
    table = Table("items", metadata, Column("id", Integer, primary_key=True), Column("a", Text))
    database.create(table)
    database.run("INSERT INTO items VALUES (1, NULL)")

    assert database.run("UPDATE items SET a = NULL") == []
    assert database.run("UPDATE items SET a = ''") == [{"o": "u", "k": ["1"], "f": ["a"]}]
    assert database.run("UPDATE items SET a = NULL") == [{"o": "u", "k": ["1"], "f": ["a"]}]


def test_toasted_values(database: Any, metadata: MetaData) -> None:
    """A large value that did not change is not named."""
    table = Table(
        "items", metadata, Column("id", Integer, primary_key=True), Column("a", Text), Column("b", Integer)
    )
    database.create(table)
    database.run(
        "INSERT INTO items SELECT 1, string_agg(md5(n::text), ''), 0 FROM generate_series(1, 9999) n"
    )

    assert database.run("UPDATE items SET b = 1") == [{"o": "u", "k": ["1"], "f": ["b"]}]
    assert database.run("UPDATE items SET a = a || 'x'") == [{"o": "u", "k": ["1"], "f": ["a"]}]


def test_generated_columns(database: Any, metadata: MetaData) -> None:
    """A stored generated column is compared like others."""
    table = Table(
        "items", metadata,
        Column("id", Integer, primary_key=True), Column("a", Integer),
        Column("twice", Integer, Computed("abs(a)", persisted=True)),
    )  # fmt: skip
    database.create(table, carry=["twice"])
    database.run("INSERT INTO items (id, a) VALUES (1, 2)")

    assert database.run("UPDATE items SET a = -2")[0]["f"] == ["a"]
    assert database.run("UPDATE items SET a = 3") == [
        {"o": "u", "k": ["1"], "f": ["a", "twice"], "w": {"twice": [2, 3]}}
    ]


def test_virtual_columns(database: Any, metadata: MetaData) -> None:
    """A column that PostgreSQL computes when read can't be seen: it counts as changed with its row."""
    with database.engine.connect() as connection:
        if (
            connection.execute(text("SELECT current_setting('server_version_num')::int")).scalar_one()
            < 180000
        ):
            pytest.skip("virtual generated columns came with PostgreSQL 18")
    table = Table(
        "items", metadata,
        Column("id", Integer, primary_key=True), Column("hidden", Integer), Column("b", Integer),
        Column("twice", Integer, Computed("hidden * 2", persisted=False)),
    )  # fmt: skip
    database.write(
        "CREATE TABLE items (id int PRIMARY KEY, hidden int, b int,"
        " twice int GENERATED ALWAYS AS (hidden * 2) VIRTUAL)"
    )
    database.create(table, exclude=["hidden"])
    database.run("INSERT INTO items (id, hidden) VALUES (1, 2)")

    assert database.run("UPDATE items SET hidden = 3") == [{"o": "u", "k": ["1"], "f": ["twice"]}]
    assert database.run("UPDATE items SET hidden = 3") == []


def test_excluded_columns(database: Any, metadata: MetaData) -> None:
    """An excluded column is silent and its name is nowhere in the function."""
    table = Table(
        "users", metadata, Column("id", Integer, primary_key=True), Column("secret", Text), Column("a", Text)
    )
    database.create(table, exclude=["secret"])
    database.run("INSERT INTO users VALUES (1, 's', 'a')")

    assert database.run("UPDATE users SET secret = 't'") == []
    assert database.run("UPDATE users SET secret = 'u', a = 'b'") == [{"o": "u", "k": ["1"], "f": ["a"]}]
    with database.engine.connect() as connection:
        body = connection.execute(
            text("SELECT prosrc FROM pg_proc WHERE proname ^@ 'sa_notify_users'")
        ).scalar_one()
    assert "secret" not in body


def test_new_columns_stay_silent(database: Any, metadata: MetaData) -> None:
    """A column that the function was not generated for is not announced."""
    table = Table("items", metadata, Column("id", Integer, primary_key=True), Column("a", Text))
    database.create(table)
    database.run("INSERT INTO items VALUES (1)", "ALTER TABLE items ADD COLUMN secret text")

    assert database.run("UPDATE items SET secret = 'x'") == []


def test_table_of_keys_only(database: Any, metadata: MetaData) -> None:
    """An association table, all key, is announced by inserts and deletes."""
    table = Table(
        "links", metadata, Column("a", Integer, primary_key=True), Column("b", Text, primary_key=True)
    )
    database.create(table)

    assert database.run("INSERT INTO links VALUES (1, 'x')") == [{"o": "i", "k": ["1", "x"]}]
    changes = database.run("UPDATE links SET b = 'y'")
    assert sorted(changes, key=str) == [{"o": "d", "k": ["1", "x"]}, {"o": "i", "k": ["1", "y"]}]


def test_many_columns(database: Any, metadata: MetaData) -> None:
    """A table may have more columns than a function call may have arguments."""
    columns = [Column(f"c{n}", Integer) for n in range(300)]
    table = Table("wide", metadata, Column("id", Integer, primary_key=True), *columns)
    database.create(table, carry=[f"c{n}" for n in range(50)])
    database.run("INSERT INTO wide (id) VALUES (1)")

    (change,) = database.run("UPDATE wide SET c7 = 1, c299 = 2")

    assert change["f"] == ["c7", "c299"] and change["w"]["c7"] == [None, 1] and len(change["w"]) == 50


def test_nondeterministic_keys(database: Any, metadata: MetaData) -> None:
    """Keys are told apart by their text, even where their collation calls them equal."""
    supported(database, BLIND)
    database.write(
        'CREATE TABLE typed (k text COLLATE "blind" PRIMARY KEY, v int)', "INSERT INTO typed VALUES ('a')"
    )
    database.create(Table("typed", metadata, Column("k", Text, primary_key=True), Column("v", Integer)))

    changes = database.run("UPDATE typed SET k = 'A'")

    assert sorted(changes, key=str) == [{"o": "d", "k": ["a"]}, {"o": "i", "k": ["A"]}]


def test_missing_key_means_the_whole_table(database: Any, metadata: MetaData) -> None:
    """Where the model's key is NULL in the database, the change is announced for the whole table."""
    table = Table("items", metadata, Column("id", Integer, primary_key=True), Column("a", Integer))
    database.write("CREATE TABLE items (id int, a int)")
    database.create(table)

    assert database.run("INSERT INTO items VALUES (NULL, 1)") == [{"o": "b"}]
    assert {"o": "b"} in database.run("UPDATE items SET a = 2")
    assert database.run("DELETE FROM items") == [{"o": "b"}]
