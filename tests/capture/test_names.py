"""Tables and columns may be called anything that PostgreSQL allows."""

import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings, strategies as st
from sqlalchemy import Column, Integer, MetaData, Table, Text, text
from sqlalchemy.schema import CreateSchema

from sa_notify import realtime
from sa_notify.capture.ddl import Target, install, remove
from sa_notify.capture.names import function_name, json_text
from sa_notify.capture.outbox import create_outbox, drop_outbox
from sa_notify.capture.spec import DELIVERIES, TriggerParams, read_header, spec_for

NASTY = [
    "select",
    'quo"te',
    "a.b",
    "per%cent",
    "%s",
    "%(x)s",
    ":x",
    "a:b::c",
    "$$",
    "$sa_notify$",
    "back\\slash",
]
NASTY += [
    "it's",
    "{{key}}",
    "naïve",
    "日本",
    "😀",
    "tab\there",
    "line\nbreak",
    "-- no",
    "/*",
    "x" * 63,
    "é" * 31,
    "E'",
]
NASTY += ["Upper", " ", "*", "\\u0041", 'U&"x"', "o", "n"]

#: What PostgreSQL lets no column be called.
OF_THE_SYSTEM = {"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"}

names = st.one_of(
    st.sampled_from(NASTY),
    st.text(st.characters(min_codepoint=1, exclude_categories=["Cs"]), min_size=1).filter(
        lambda name: len(name.encode()) <= 63
    ),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    schema=st.none() | names.filter(lambda n: not n.startswith("pg_")), table=names, key=names, column=names
)
def test_any_name(database: Any, schema: str | None, table: str, key: str, column: str) -> None:
    """Whatever the names, the triggers install, announce, compare equal and go away."""
    if column == key:
        column = key[:40] + "2" if key[:40] + "2" != key else "other"
    assume({key, column}.isdisjoint(OF_THE_SYSTEM))
    metadata, engine = MetaData(schema=schema), database.engine
    subject = Table(
        table, metadata, Column(key, Integer, primary_key=True, key="k"), Column(column, Text, key="c")
    )  # fmt: skip
    realtime(carry=["c"])(subject)
    with engine.begin() as connection:
        if schema is not None:
            connection.execute(CreateSchema(schema, if_not_exists=True))
    metadata.create_all(engine)
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(subject.insert(), {"k": 1, "c": "a"})
        connection.execute(subject.update().values(c="b"))
    insert, update = database.ear.messages()
    metadata.drop_all(engine)
    with engine.connect() as connection:
        left = connection.execute(text("SELECT count(*) FROM pg_proc WHERE proname ^@ 'sa_notify_'")).scalar()
        quoted = connection.execute(
            text("SELECT concat(quote_ident(:s), '.', quote_ident(:t))"),
            {"s": schema or "public", "t": table},
        ).scalar()

    assert (insert["t"], update["t"]) == (quoted, quoted)
    assert insert["c"] == [{"o": "i", "k": ["1"], "w": {column: [None, "a"]}}]
    assert update["c"] == [{"o": "u", "k": ["1"], "f": [column], "w": {column: ["a", "b"]}}]
    assert left == 0


@given(
    schema=st.none() | names,
    table=names,
    columns=st.lists(names, max_size=3),
    carry=st.booleans(),
    delivery=st.sampled_from(DELIVERIES),
    always=st.booleans(),
)
def test_generated_sql_passes_through_anything(
    schema: str | None, table: str, columns: list[str], carry: bool, delivery: str, always: bool
) -> None:
    """Generated SQL is ASCII without anything that drivers, ``text()`` or psql would interpret."""
    params = TriggerParams(
        key=("id",), columns=tuple(columns), carry=tuple(columns) if carry else (),
        delivery=delivery, always=always,
    )  # fmt: skip
    target = Target(schema, table)
    for statement in [*install(target, params), *remove(target), *create_outbox(), *drop_outbox()]:
        sql = str(statement.sql)
        assert sql.isascii() and "%" not in sql and "{{" not in sql
        assert text(sql)._bindparams == {} and str(text(sql)) == sql
        quotes = re.findall(r"\$sa_notify(?:_do|_function)?\$", sql)
        assert "".join(quotes).count("$") == sql.count("$")
        assert all(quotes.count(quote) == 2 for quote in quotes)


@given(columns=st.lists(names), bulk_limit=st.integers(1, 10**9))
def test_header_reads_back(columns: list[str], bulk_limit: int) -> None:
    """What a function says about itself is what it was generated from, on one line."""
    params = TriggerParams(key=("id",), columns=tuple(columns), bulk_limit=bulk_limit)
    header = f"-- sa_notify:{params.template} {params.header()}\nmore"

    assert read_header(header) == params
    assert "\n" not in params.header()


@given(names)
def test_json_text(name: str) -> None:
    """JSON is the same value, spelt safely."""
    assert json.loads(json_text([name])) == [name]


@given(names, names)
def test_function_name(one: str, other: str) -> None:
    """Function names fit, need no quotes and differ where tables do."""
    name = function_name(one)

    assert len(name) <= 59 and name.isidentifier() and name == name.lower() and name.isascii()
    assert (name == function_name(other)) == (one == other)


def test_unquoted_names_are_folded(database: Any, metadata: MetaData) -> None:
    """A name that SQLAlchemy was told not to quote is what PostgreSQL makes of it."""
    from sqlalchemy.sql import quoted_name

    table = Table(
        quoted_name("Loud", quote=False), metadata,
        Column("id", Integer, primary_key=True), Column(quoted_name("Big", quote=False), Integer),
    )  # fmt: skip
    database.create(table)
    database.run("INSERT INTO loud VALUES (1, 1)")

    assert database.run("UPDATE loud SET big = 2") == [{"o": "u", "k": ["1"], "f": ["big"]}]


@pytest.mark.parametrize("driver", ["psycopg2", "psycopg"])
def test_body_is_stored_as_generated(database: Any, driver: str) -> None:
    """Each driver stores the function to the letter, which drift detection relies on."""
    from sqlalchemy import create_engine

    from sa_notify.capture.render import render_body

    metadata = MetaData()
    table = realtime(carry=["a%(x)s :y"])(
        Table("t", metadata, Column("id", Integer, primary_key=True), Column("a%(x)s :y", Text))
    )
    engine = create_engine(database.engine.url.set(drivername=f"postgresql+{driver}"))
    metadata.create_all(engine)
    with engine.connect() as connection:
        body = connection.execute(
            text("SELECT prosrc FROM pg_proc WHERE proname ^@ 'sa_notify_'")
        ).scalar_one()
    engine.dispose()
    spec = spec_for(table)

    assert spec is not None and body == render_body(spec.params(table))
