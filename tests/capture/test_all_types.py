"""Every type that PostgreSQL ships, carried: a type nobody thought of fails here."""

from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, text
from sqlalchemy.exc import NotSupportedError
from sqlalchemy.types import NullType

#: A value of each type, and what travels for it. ``...``: the type's own text.
VALUES: dict[str, tuple[str, Any]] = {
    "aclitem": ("postgres=r/postgres", ...),
    "bit": ("1", "1"),
    "bool": ("t", True),
    "box": ("(1,1),(0,0)", ...),
    "bpchar": ("é", "é"),
    "bytea": ("\\x00ff", "AP8="),
    "cid": ("5", ...),
    "cidr": ("10.0.0.0/8", ...),
    "circle": ("<(1,2),3>", ...),
    "date": ("infinity", "infinity"),
    "daterange": ("[2026-01-01,2026-02-01)", ...),
    "datemultirange": ("{[2026-01-01,2026-02-01)}", ...),
    "float4": ("NaN", "NaN"),
    "float8": ("-Infinity", "-Infinity"),
    "inet": ("10.0.0.1", ...),
    "int2": ("-1", -1),
    "int2vector": ("1 2", [1, 2]),
    "int4": ("2147483647", 2147483647),
    "int4multirange": ("{[1,3)}", ...),
    "int4range": ("[1,3)", ...),
    "int8": ("9007199254740993", "9007199254740993"),
    "int8multirange": ("{[1,3)}", ...),
    "int8range": ("[1,3)", ...),
    "interval": ("-1 mons +2 days", "-1 mons +2 days"),
    "json": ('{"a": [1.50, null]}', {"a": [1.5, None]}),
    "jsonb": ("[9007199254740993]", [9007199254740993]),
    "jsonpath": ('$."a"', ...),
    "line": ("{1,2,3}", ...),
    "lseg": ("[(0,0),(1,1)]", ...),
    "macaddr": ("08:00:2b:01:02:03", ...),
    "macaddr8": ("08:00:2b:01:02:03:04:05", ...),
    "money": ("1234.5", ...),
    "name": ("n", "n"),
    "numeric": ("NaN", "NaN"),
    "nummultirange": ("{[1.5,2)}", ...),
    "numrange": ("[1.5,2)", ...),
    "oid": ("4294967295", ...),
    "oidvector": ("1 2", ["1", "2"]),
    "path": ("((0,0),(1,1))", ...),
    "pg_lsn": ("16/B374D848", ...),
    "pg_snapshot": ("10:20:10,14", ...),
    "point": ("(1,2)", ...),
    "polygon": ("((0,0),(1,1),(1,0))", ...),
    "refcursor": ("c", "c"),
    "regclass": ("pg_class", ...),
    "regcollation": ('"C"', ...),
    "regconfig": ("english", ...),
    "regdatabase": ("postgres", ...),
    "regdictionary": ("simple", ...),
    "regnamespace": ("pg_catalog", ...),
    "regoper": ("||/", ...),
    "regoperator": ("+(integer,integer)", ...),
    "regproc": ("now", ...),
    "regprocedure": ("now()", ...),
    "regrole": ("pg_monitor", ...),
    "regtype": ("integer", ...),
    "text": ('é"\\\n', 'é"\\\n'),
    "tid": ("(0,1)", ...),
    "time": ("23:59:59.5", "23:59:59.5"),
    "timestamp": ("0044-03-15 12:00:00 BC", "0044-03-15T12:00:00 BC"),
    "timestamptz": ("2026-01-31 12:00:00+02", "2026-01-31T10:00:00+00:00"),
    "timetz": ("12:00:00+02", "12:00:00+02"),
    "tsmultirange": ('{["2026-01-01 00:00:00",infinity)}', ...),
    "tsquery": ("'a' & 'b'", ...),
    "tsrange": ('["2026-01-01 00:00:00",)', ...),
    "tstzmultirange": ('{["2026-01-01 00:00:00+00",)}', ...),
    "tstzrange": ('["2026-01-01 00:00:00+00",)', ...),
    "tsvector": ("'a':1", ...),
    "txid_snapshot": ("10:20:10,14", ...),
    "uuid": ("00000000-0000-0000-0000-00000000000A", "00000000-0000-0000-0000-00000000000a"),
    "varbit": ("101", "101"),
    "varchar": ("x", "x"),
    "xid": ("5", ...),
    "xid8": ("18446744073709551615", ...),
    "xml": ("<a/>", "<a/>"),
}

#: Not for users' tables: kept by indexes and the planner, or for PostgreSQL's own catalogs.
INTERNAL = {"gtsvector", "char"}

SHIPPED = """
SELECT typname::text FROM pg_type
WHERE typnamespace = 'pg_catalog'::regnamespace AND typtype IN ('b', 'r', 'm') AND typname !~ '^(_|pg_[bdmn])'
"""


@pytest.fixture
def types(engine: Any) -> list[str]:
    """What this server ships and can take a value of."""
    with engine.connect() as connection:
        shipped = set(connection.execute(text(SHIPPED)).scalars()) - INTERNAL
        assert shipped <= VALUES.keys(), f"no value for {sorted(shipped - VALUES.keys())}"
        try:
            connection.execute(text("SELECT '<a/>'::xml"))
        except NotSupportedError:  # built without it
            shipped.discard("xml")
    return sorted(shipped)


def expected(name: str) -> Any:
    """What travels for the type's value."""
    value, told = VALUES[name]
    return value if told is ... else told


def literals(types: list[str]) -> str:
    quoted = (VALUES[name][0].replace("'", "''") for name in types)
    return ", ".join(f"E'{value}'" if "\\" not in value else f"'{value}'" for value in quoted)


@pytest.fixture
def table(database: Any, metadata: MetaData, types: list[str]) -> Table:
    """A column of each type, all carried."""
    columns = ", ".join(f'"v_{name}" {quoted(name)}' for name in types)
    database.write(f"CREATE TABLE everything (id int PRIMARY KEY, {columns})")
    declared = [Column(f"v_{name}", NullType) for name in types]
    made = Table("everything", metadata, Column("id", Integer, primary_key=True), *declared)
    created: Table = database.create(made, carry=[column.name for column in declared], bulk_limit=5)
    return created


def quoted(name: str) -> str:
    return f'pg_catalog."{name}"'


def test_values_and_nulls(database: Any, types: list[str], table: Table) -> None:
    """Values of every type travel with an insert, an update to NULL and back, and a delete; all change."""
    names = [f"v_{name}" for name in types]
    values = {f"v_{name}": expected(name) for name in types}
    database.write("SET LOCAL lc_monetary = 'C'", f"INSERT INTO everything VALUES (1, {literals(types)})")
    heard = together(database.ear.changes())
    assert {name: pair[1] for name, pair in heard["w"].items()} == {**values, "v_money": "$1,234.50"}

    nulls = ", ".join(f'"{name}" = NULL' for name in names)
    (update,) = database.run(f"UPDATE everything SET {nulls}")
    assert sorted(update["f"]) == sorted(names)
    assert all(pair[1] is None for pair in update.get("w", {}).values())
    assert database.run(f"UPDATE everything SET {nulls}") == []

    back = ", ".join(f'"v_{name}" = {literals([name])}' for name in types)
    (update,) = database.run(f"UPDATE everything SET {back}")
    assert sorted(update["f"]) == sorted(names)
    assert database.run(f"UPDATE everything SET {back}") == []
    assert [change["o"] for change in database.run("DELETE FROM everything")] == ["d"]
    assert database.warnings == []


def together(changes: list[dict[str, Any]]) -> dict[str, Any]:
    (change,) = changes
    assert "w" in change, "the values did not fit"
    return change


def test_arrays_of_each(database: Any, metadata: MetaData, types: list[str]) -> None:
    """Arrays of every type that has one travel whole, NULLs inside and out."""
    with database.engine.connect() as connection:
        found = connection.execute(text("SELECT typname::text FROM pg_type WHERE typarray <> 0")).scalars()
        arrays = sorted(set(found).intersection(types))
    columns = ", ".join(f'"v_{name}" {quoted(name)}[]' for name in arrays)
    database.write(f"CREATE TABLE everything (id int PRIMARY KEY, {columns})")
    declared = [Column(f"v_{name}", NullType) for name in arrays]
    made = Table("everything", metadata, Column("id", Integer, primary_key=True), *declared)
    database.create(made, carry=[column.name for column in declared])
    values = ", ".join(f'ARRAY[{literals([name])}, NULL]::pg_catalog."{name}"[]' for name in arrays)

    (insert,) = database.run(f"INSERT INTO everything VALUES (1, {values})")
    for name in arrays:
        _, new = insert["w"][f"v_{name}"]
        assert (len(new), new[1]) == (2, None), name
    assert database.run("UPDATE everything SET id = id") == []
    assert database.warnings == []
