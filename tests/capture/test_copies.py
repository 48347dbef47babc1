"""Tables that are copied into another metadata or schema, and columns that are copied into another table."""

import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, Table, Text

from sa_notify import realtime
from sa_notify.capture.catalog import installed
from sa_notify.capture.spec import spec_for
from sa_notify.errors import RealtimeError
from sa_notify.live.excluded import shown_by


def _decorated(metadata: MetaData) -> Table:
    table = Table("items", metadata, Column("id", Integer, primary_key=True), Column("secret", Text))
    realtime(exclude=["secret"], bulk_limit=7)(table)
    return table


def test_a_copy_is_announced_as_its_table(engine: Engine) -> None:
    """In a tenant's schema or another metadata, or of a copy: triggers, and what is kept to itself."""
    table = _decorated(MetaData())
    copies = [table.to_metadata(MetaData()), table.to_metadata(MetaData(), schema="tenant")]
    copies.append(copies[1].to_metadata(MetaData(), schema="tenant2"))
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA tenant; CREATE SCHEMA tenant2")
    for copy in copies:
        assert spec_for(copy) == spec_for(table)
        assert [column.name for column in shown_by(copy.c.secret)] == ["secret"]
        copy.metadata.create_all(engine)
    with engine.connect() as connection:
        found = {item.schema: item.params for item in installed(connection)}
    assert found.keys() == {"public", "tenant", "tenant2"}
    assert {params.bulk_limit for params in found.values() if params} == {7}


def test_columns_of_a_history_are_its_own() -> None:
    """A table that is built of copied columns is no copy."""
    table, others = _decorated(MetaData()), MetaData()
    history = Table("items_history", others, *(column._copy() for column in table.columns))
    assert spec_for(history) is None
    assert list(shown_by(history.c.secret)) == []


def test_a_copy_may_not_say_otherwise() -> None:
    """What one of them hides, the other must not show by mistake."""
    copy = _decorated(MetaData()).to_metadata(MetaData())
    realtime(exclude=["secret"], bulk_limit=7)(copy)
    with pytest.raises(RealtimeError, match="decorate it once"):
        realtime(copy)
