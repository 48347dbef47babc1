"""Kinds of types that the outbox compares and tells in ways of their own."""

from typing import Any

import pytest
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Enum,
    Float,
    Integer,
    Interval,
    MetaData,
    Numeric,
    Table,
    Uuid,
)


@pytest.mark.parametrize("delivery", ["outbox"])
@pytest.mark.parametrize(
    ("column", "before", "after"),
    [
        (Column("v", Numeric), "1.0", "1.00"),
        (Column("v", BigInteger), "9007199254740993", "9007199254740994"),
        (Column("v", Float), "0", "'-0'"),
        (Column("v", Interval), "'1 month'", "'30 days'"),
        (Column("v", Enum("a", "b", name="letter")), "'a'", "'b'"),
        (Column("v", DateTime(timezone=True)), "'2020-01-01 00:00+00'", "'2020-01-01 00:00:00.000001+00'"),
        (Column("v", Boolean), "true", "NULL"),
        (Column("v", Uuid), "gen_random_uuid()", "gen_random_uuid()"),
    ],
)
def test_kinds_of_values(
    database: Any, metadata: MetaData, column: Column[Any], before: str, after: str
) -> None:
    """Whichever way a type is compared and told, it is identity that counts, as NOTIFY tells it."""
    told = []
    for delivery in ("outbox", "notify"):
        table = Table("kinds", MetaData(), Column("id", Integer, primary_key=True), column._copy())
        database.create(table, carry=["v"], delivery=delivery)
        database.write("SELECT setseed(0.5)", f"INSERT INTO kinds VALUES (1, {before})")
        database.ear.payloads()
        same = database.run("SET LOCAL timezone = 'Asia/Tokyo'", "UPDATE kinds SET v = v")
        told.append([same, *database.run(f"UPDATE kinds SET v = {after}", "DELETE FROM kinds")])
        table.metadata.drop_all(database.engine)

    (same, update, delete), notify = told
    assert same == [] and update["f"] == ["v"] and delete["w"]["v"][0] == update["w"]["v"][1]
    if not isinstance(column.type, Uuid):
        assert told[0] == notify
