"""Whatever a session sets, its changes are announced the same: every setting that anybody may change."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import DBAPIError

from sa_notify.capture.catalog import installed
from sa_notify.capture.render import render_body
from tests.capture.hostile import OPERATIONS, heard, intruder, operations, target, write

#: Settings of type string have no list of values.
STRINGS: dict[str, list[str]] = {
    "search_path": ["", "pg_temp, public, pg_catalog", "sa_notify", "nowhere", '"$user", public'],
    "TimeZone": ["Asia/Kathmandu", "America/St_Johns", "Etc/GMT+12"],
    "DateStyle": ["SQL, DMY", "German, YMD", "Postgres, MDY"],
    "lc_monetary": ["C.UTF-8", "en_US.UTF-8"],
    "lc_numeric": ["C.UTF-8", "de_DE.UTF-8"],
    "lc_time": ["C.UTF-8", "de_DE.UTF-8"],
    "client_encoding": ["LATIN1", "SQL_ASCII", "WIN1252"],
    "application_name": ["sa_notify", "x" * 200],
    "plpgsql.extra_errors": ["all"],
    "plpgsql.extra_warnings": ["all"],
    "default_tablespace": ["pg_default"],
    "temp_tablespaces": ["pg_default"],
    "default_table_access_method": ["heap"],
    "default_text_search_config": ["pg_catalog.german"],
    "timezone_abbreviations": ["India"],
    "createrole_self_grant": ["set, inherit"],
    "backtrace_functions": [],
    "local_preload_libraries": [],
    "restrict_nonsystem_relation_kind": ["view, foreign-table"],
    "debug_io_direct": [],
    "sa_notify.told": [",1,"],
    "sa_notify.anything": ["x"],
}
USERS = """
SELECT name, vartype, enumvals, min_val, max_val, setting FROM pg_settings
WHERE context = 'user' ORDER BY name
"""


def choices(connection: Connection) -> Iterator[tuple[str, str]]:
    """Each setting that anybody may change, with values other than the one that it has."""
    connection.exec_driver_sql("DO 'BEGIN NULL; END'")
    for name, kind, values, low, high, now in connection.exec_driver_sql(USERS).all():
        if kind == "string":
            assert name in STRINGS, f"no values for {name}"
            continue
        found = {"bool": ["on", "off"], "enum": values}.get(kind, [low, high])
        yield from ((name, value) for value in found if value != now)
    yield from ((name, value) for name, values in STRINGS.items() for value in values)


def fits(connection: Connection, name: str, value: str) -> bool:
    """Set it for the transaction; whether the same writes go through where nothing is announced."""
    try:
        connection.exec_driver_sql("SELECT pg_catalog.set_config(%s, %s, true)", (name, value))
        write(connection, "plain")
    except DBAPIError:
        connection.rollback()
        return False
    return True


def test_every_setting(database: Any) -> None:
    """Under each value of each setting the messages are the same, and nothing is warned of."""
    target(database)
    tried, different = set(), {}
    with intruder(database) as connection:
        assert write(connection) == []
        connection.commit()
        expected = heard(database)
        assert operations(expected) == OPERATIONS
        asked = list(choices(connection))
        connection.rollback()
        for name, value in asked:
            if not fits(connection, name, value):
                continue
            try:
                warned = write(connection)
                connection.commit()
            except DBAPIError as error:
                connection.rollback()
                warned = [str(error.orig)]
            tried.add(name)
            if (found := heard(database)) != expected or warned:
                different[name, value] = (found, warned)

    assert different == {}
    assert len(tried) > 90 and {"jit", "plan_cache_mode", "search_path", "DateStyle"} <= tried


#: Of the session that migrates: what might change how the function is read and stored.
MIGRATING = {
    "standard_conforming_strings": "off",
    "quote_all_identifiers": "on",
    "check_function_bodies": "off",
    "plpgsql.extra_errors": "all",
    "plpgsql.extra_warnings": "all",
    "row_security": "off",
    "array_nulls": "off",
    "transform_null_equals": "on",
    "backslash_quote": "off",
    "client_encoding": "LATIN1",
    "DateStyle": "SQL, DMY",
    "TimeZone": "Asia/Kathmandu",
    "IntervalStyle": "iso_8601",
    "extra_float_digits": "-10",
    "bytea_output": "escape",
    "jit": "on",
    "enable_mergejoin": "off",
}


@pytest.mark.parametrize("name", MIGRATING)
def test_session_that_migrates(database: Any, name: str) -> None:
    """What the installing session has set does not show in what is installed."""
    engine = create_engine(database.engine.url)

    @event.listens_for(engine, "connect")
    def _set(driver: Any, _record: Any) -> None:
        with driver.cursor() as cursor:
            cursor.execute("DO 'BEGIN NULL; END'")
            cursor.execute("SELECT set_config(%s, %s, false)", (name, MIGRATING[name]))
        driver.commit()

    ordinary, database.engine = database.engine, engine
    target(database)
    engine.dispose()
    database.engine = ordinary
    with ordinary.connect() as connection:
        (found,) = installed(connection)
        assert found.altered == () and found.params is not None and found.body == render_body(found.params)
    with intruder(database) as connection:
        assert write(connection) == []
        connection.commit()
    assert operations(heard(database)) == OPERATIONS
