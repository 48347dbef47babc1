"""A writer who may create objects deceives no trigger with them, and its timeouts are its own."""

import re
from typing import Any

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, Table
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.types import NullType

from tests.capture.hostile import OPERATIONS, heard, intruder, operations, target, write

OPERATORS = ["=", "<>", "||", "*<>", "+", "-", "*", "/", "%", "&", "<", "<=", ">", ">=", "^@", "->", "~"]
TYPES = ["text", "bool", "int2", "int4", "int8", "oid", "json", "jsonb", "xid8", "name", "record", "varchar"]
TYPES += ["regclass", "regtype", "regprocedure", "bytea", "timestamptz", "uuid", "float8", "numeric"]
RELATIONS = ["_sa_notify_old", "_sa_notify_new", "outbox_0", "outbox_1", "outbox_2", "outbox_3", "items"]
RELATIONS += [
    "outbox_seq",
    "outbox_turn",
    "sa_notify",
    "pg_class",
    "pg_trigger",
    "pg_type",
    "o",
    "n",
    "b",
    "u",
    "s",
]

#: Functions with the arguments and results of PostgreSQL's own, and some that suit "any" better.
FUNCTIONS = """
DO $do$
DECLARE
  found record;
  made int := 0;
BEGIN
  FOR found IN
    SELECT proname::text AS name, pg_get_function_identity_arguments(oid) AS arguments,
      prorettype::regtype::text AS result
    FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proname = ANY (ARRAY[{names}])
    UNION ALL
    SELECT name, arguments, result
    FROM unnest(ARRAY[{names}]) name,
      unnest(ARRAY['text', 'bool', 'json', 'xid8', 'int8', 'regtype', 'int4']) result,
      unnest(ARRAY['', 'text', 'anyelement', 'text, text', 'text, text, bool', 'text, text, text', 'oid',
                   'xid8', 'anyarray', 'VARIADIC anyarray', 'anyarray, text', 'regclass',
                   'regclass, text']) arguments
  LOOP
    BEGIN
      EXECUTE format('CREATE FUNCTION {schema}.%I(%s) RETURNS %s LANGUAGE plpgsql AS'
        ' ''BEGIN RAISE EXCEPTION ''''deceived''''; END''', found.name, found.arguments, found.result);
      made := made + 1;
    EXCEPTION WHEN OTHERS THEN
      -- of a pseudotype, or there already
    END;
  END LOOP;
  PERFORM set_config('test.made', made::text, false);
END $do$
"""
OPERATORS_OF_TYPES = """
DO $do$
DECLARE
  found record;
  made int := 0;
BEGIN
  FOR found IN
    SELECT oid, oprname::text AS name, oprleft::regtype AS l, oprright::regtype AS r,
      oprresult::regtype AS result
    FROM pg_operator WHERE oprnamespace = 'pg_catalog'::regnamespace AND oprleft <> 0
      AND oprname = ANY (ARRAY[{names}])
  LOOP
    BEGIN
      EXECUTE format('CREATE FUNCTION public.deceit_%s(%s, %s) RETURNS %s LANGUAGE plpgsql AS'
        ' ''BEGIN RAISE EXCEPTION ''''deceived''''; END''', found.oid, found.l, found.r, found.result);
      EXECUTE format('CREATE OPERATOR public.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = public.deceit_%s)',
        found.name, found.l, found.r, found.oid);
      made := made + 1;
    EXCEPTION WHEN OTHERS THEN
      -- of a pseudotype
    END;
  END LOOP;
  PERFORM set_config('test.made', made::text, false);
END $do$
"""


def called(database: Any) -> list[str]:
    """Names of the functions that ours call."""
    with database.engine.connect() as connection:
        body = connection.exec_driver_sql(
            "SELECT prosrc FROM pg_proc WHERE proname ^@ 'sa_notify_items'"
        ).scalar_one()
    return sorted(set(re.findall(r"\b([a-z_0-9]+)\(", body)))


def quoted(names: list[str]) -> str:
    return ", ".join(f"'{name}'" for name in names).replace("%", "%%")


def made(connection: Connection) -> int:
    return int(connection.exec_driver_sql("SELECT pg_catalog.current_setting('test.made')").scalar_one())


def shadow_functions(connection: Connection, names: list[str]) -> None:
    assert {"pg_notify", "to_json", "concat", "quote_ident", "array_to_string"} <= {*names}
    connection.exec_driver_sql(
        "SET LOCAL search_path = pg_catalog"
    )  # or what is made here deceives its maker
    for schema in ("public", "pg_temp"):
        sql = FUNCTIONS.replace("{names}", quoted(names)).replace("{schema}", schema)
        connection.exec_driver_sql(sql.replace("%", "%%"))
        assert made(connection) > 5 * len(names)


def shadow_operators(connection: Connection, _names: list[str]) -> None:
    connection.exec_driver_sql("SET LOCAL search_path = pg_catalog")
    sql = OPERATORS_OF_TYPES.replace("%", "%%").replace("{names}", quoted(OPERATORS))
    connection.exec_driver_sql(sql)
    assert made(connection) > 200


def shadow_types(connection: Connection, _names: list[str]) -> None:
    for name in TYPES:
        connection.exec_driver_sql(f"CREATE TYPE public.\"{name}\" AS ENUM ('deceived')")
        connection.exec_driver_sql(f'CREATE DOMAIN pg_temp."{name}" AS point')


def shadow_relations(connection: Connection, _names: list[str]) -> None:
    for name in RELATIONS:
        if name != "items":
            connection.exec_driver_sql(f"CREATE TABLE public.{name} (id int)")
        connection.exec_driver_sql(f"CREATE TEMP TABLE {name} (id int, body text)")
        connection.exec_driver_sql(f"INSERT INTO pg_temp.{name} VALUES (7, 'deceived')")


SHADOWS = [shadow_functions, shadow_operators, shadow_types, shadow_relations]


@pytest.mark.parametrize("shadow", SHADOWS)
def test_shadows(database: Any, shadow: Any) -> None:
    """Functions, operators, types and relations of others, however placed, are not ours."""
    target(database)
    with intruder(database) as connection:
        write(connection)
        connection.commit()
        expected = heard(database)
        shadow(connection, called(database))
        connection.exec_driver_sql("SET search_path = pg_temp, public, sa_notify, pg_catalog")
        assert write(connection) == []
        connection.commit()
        assert heard(database) == expected
    # the other way round: made first, and by another session than the writer's
    with intruder(database) as connection:
        connection.exec_driver_sql("SET search_path = public, pg_catalog")
        assert write(connection) == []
        connection.commit()
    assert heard(database) == expected and operations(expected) == OPERATIONS


@pytest.mark.parametrize("shadow", [shadow_functions, shadow_operators, shadow_types])
def test_shadows_deceive_who_looks_at_them(database: Any, shadow: Any) -> None:
    """The same objects do reach a function whose settings somebody took away: they are a real threat."""
    target(database)
    with database.engine.begin() as connection:
        function = connection.exec_driver_sql(
            "SELECT oid::regprocedure FROM pg_proc WHERE proname ^@ 'sa_notify_items'"
        ).scalar_one()
        connection.exec_driver_sql(f"ALTER FUNCTION {function} RESET search_path")
    with intruder(database) as connection:
        shadow(connection, called(database))
        connection.exec_driver_sql("SET search_path = pg_temp, public, pg_catalog")
        try:
            warned = write(connection)
            connection.commit()
        except DBAPIError as error:
            warned = [str(error.orig)]
    assert warned or operations(heard(database)) != OPERATIONS


@pytest.fixture
def slow(database: Any) -> None:
    """A table whose changes take a minute to tell."""
    database.write(
        "CREATE TYPE slow AS ENUM ('one')",
        "CREATE FUNCTION slow_json(slow) RETURNS json LANGUAGE plpgsql AS"
        " 'BEGIN PERFORM pg_sleep(60); RETURN NULL; END'",
        "CREATE CAST (slow AS json) WITH FUNCTION slow_json(slow)",
        "CREATE TABLE items (id int PRIMARY KEY, v slow)",
    )
    table = Table("items", MetaData(), Column("id", Integer, primary_key=True), Column("v", NullType))
    database.create(table, carry=["v"])
    database.write("INSERT INTO items (id) SELECT 1 WHERE false")


def test_cancelled_while_it_is_told(database: Any, slow: None) -> None:
    """A statement whose time runs out within capture is cancelled as any other, and nothing is told of it."""
    with intruder(database) as connection:
        connection.exec_driver_sql("SET statement_timeout = 300")
        connection.commit()
        with pytest.raises(OperationalError, match="statement timeout"):
            connection.exec_driver_sql("INSERT INTO items VALUES (1, 'one')")
        connection.rollback()
        connection.exec_driver_sql("INSERT INTO items VALUES (2)")
        connection.commit()
        assert connection.exec_driver_sql("SELECT id FROM items").scalars().all() == [2]
    assert database.ear.changes() == [{"o": "i", "k": ["2"], "w": {"v": [None, None]}}]


@pytest.mark.parametrize("timeout", ["statement_timeout", "lock_timeout"])
def test_tiny_timeouts(database: Any, timeout: str) -> None:
    """With a millisecond for each statement a change is there and told, or neither."""
    target(database)
    with intruder(database) as connection:
        connection.exec_driver_sql(f"SET {timeout} = 1")
        connection.commit()
        for number in range(100):
            try:
                connection.exec_driver_sql(f"INSERT INTO public.items (id) VALUES ({number})")
                connection.commit()
            except DBAPIError:  # at any of them, BEGIN included
                connection.rollback()
    with database.engine.connect() as connection:
        stored = connection.exec_driver_sql("SELECT id::text FROM items").scalars().all()
    assert sorted(change["k"][0] for change in database.ear.changes()) == sorted(stored)
    assert stored or timeout == "statement_timeout"
