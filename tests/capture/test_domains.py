"""A domain's value is told as its base type's, in keys and as carried value, however deep the base lies."""

import base64
from typing import Any

import pytest
from sqlalchemy import Column, Integer, LargeBinary, MetaData, Numeric, Table, Text
from sqlalchemy.dialects.postgresql import DOMAIN, ENUM
from sqlalchemy.types import NullType

BYTES = base64.b64encode(b"\x00\xff" * 60).decode()

#: base type: a value in SQL, what travels as a value, the key's text
BASES = {
    "bytea": (r"'\x" + "00ff" * 60 + "'", BYTES, "\\x" + "00ff" * 60),
    "int4": ("7", 7, "7"),
    "int8": ("9007199254740993", "9007199254740993", "9007199254740993"),
    "numeric": ("1.50", "1.50", "1.50"),
    "float8": ("'-0'", -0.0, "-0"),
    "bool": ("true", True, "true"),
    "text": ("'a\"b'", 'a"b', 'a"b'),
    "uuid": ("'00000000-0000-0000-0000-00000000000A'",) + ("00000000-0000-0000-0000-00000000000a",) * 2,
    "timestamptz": ("'2026-01-31 12:00+02'", "2026-01-31T10:00:00+00:00", "2026-01-31 10:00:00+00"),
    "jsonb": ("""'{"a": [1]}'""", {"a": [1]}, '{"a": [1]}'),
    "int4[]": ("'{1,NULL}'", [1, None], "{1,NULL}"),
    "mood": ("'sad'", "sad", "sad"),
}


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("kind", ["{base}", "one", "two"])
def test_same_form_as_the_base(database: Any, metadata: MetaData, base: str, kind: str) -> None:
    """The base type itself, a domain over it and a domain over that domain travel alike."""
    value, told, key = BASES[base]
    sql_type = kind.format(base=base)
    database.write(
        "CREATE TYPE mood AS ENUM ('glad', 'sad')",
        f"CREATE DOMAIN one AS {base}",
        "CREATE DOMAIN two AS one",
        f"CREATE TABLE typed (k {sql_type} PRIMARY KEY, v {sql_type}, n int)",
    )
    table = Table(
        "typed", metadata, Column("k", Text, primary_key=True), Column("v", NullType), Column("n", Integer)
    )
    database.create(table, carry=["v", "k"])

    insert, update, blank = database.run(
        "SET LOCAL bytea_output = 'escape'",
        f"INSERT INTO typed VALUES ({value}, {value}, 1)",
        "UPDATE typed SET n = 2",
        "UPDATE typed SET v = NULL",
    )

    assert insert == {"o": "i", "k": [key], "w": {"k": [None, told], "v": [None, told]}}
    assert update == {"o": "u", "k": [key], "f": ["n"], "w": {"k": [told] * 2, "v": [told] * 2}}
    assert blank == {"o": "u", "k": [key], "f": ["v"], "w": {"k": [told] * 2, "v": [told, None]}}
    assert database.warnings == []


@pytest.mark.parametrize("base", sorted(set(BASES) - {"int4[]"}))
def test_arrays(database: Any, metadata: MetaData, base: str) -> None:
    """An array of a domain, and a domain over an array of it, travel as an array of the base type."""
    value, *_ = BASES[base]
    database.write(
        "CREATE TYPE mood AS ENUM ('glad', 'sad')",
        f"CREATE DOMAIN one AS {base}",
        "CREATE DOMAIN two AS one",
        "CREATE DOMAIN many AS two[]",
        f"CREATE TABLE typed (id int PRIMARY KEY, a {base}[], b one[], c two[], d many)",
    )
    columns: list[Column[Any]] = [Column(name, NullType) for name in "abcd"]
    database.create(
        Table("typed", metadata, Column("id", Integer, primary_key=True), *columns), carry=[*"abcd"]
    )
    arrays = ", ".join(f"ARRAY[{value}, NULL]::{kind}" for kind in (f"{base}[]", "one[]", "two[]", "many"))
    (insert,) = database.run(f"INSERT INTO typed VALUES (1, {arrays})")
    (update,) = database.run("UPDATE typed SET a[2] = a[1], b[2] = b[1], c[2] = c[1], d[2] = d[1]")

    assert insert["w"]["a"][1] is not None and insert["w"]["a"][1][1] is None
    assert insert["w"]["b"] == insert["w"]["c"] == insert["w"]["d"] == insert["w"]["a"]
    assert update["f"] == [*"abcd"]
    assert update["w"]["b"] == update["w"]["c"] == update["w"]["d"] == update["w"]["a"]


@pytest.mark.parametrize("delivery", ["outbox"])
def test_declared_domains(database: Any, metadata: MetaData) -> None:
    """Domains that SQLAlchemy knows are told by the ways of their base types."""
    mood = ENUM("glad", "sad", name="mood", metadata=metadata)
    columns = [
        Column("m", DOMAIN("mood_domain", mood)),
        Column("n", DOMAIN("price", Numeric(9, 2))),
        Column("t", DOMAIN("code", Text)),
        Column("p", DOMAIN("picture", LargeBinary)),
    ]
    table = Table("typed", metadata, Column("id", Integer, primary_key=True), *columns)
    database.create(table, carry="all")

    assert database.run(
        r"INSERT INTO typed VALUES (1, 'sad', 1.5, 'x', '\x00')",
        r"UPDATE typed SET m = 'glad', t = 'y', p = '\x01'",
    ) == [
        {"o": "i", "k": ["1"], "w": {"m": [None, "sad"], "n": [None, "1.50"], "t": [None, "x"]}},
        {"o": "u", "k": ["1"], "f": ["m", "t", "p"],
         "w": {"m": ["sad", "glad"], "n": ["1.50", "1.50"], "t": ["x", "y"]}},
    ]  # fmt: skip
