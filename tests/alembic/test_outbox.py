"""The outbox comes with the first table that needs it and goes with the last, in every direction."""

import ast
from typing import Any

import pytest
from sqlalchemy import Engine, MetaData, create_engine, text

from sa_notify.capture.outbox import outbox_state
from tests.alembic.conftest import operations

NOTIFY = """
@realtime
class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
"""
OUTBOX = NOTIFY.replace("@realtime", '@realtime(delivery="outbox")')
TWO = (
    OUTBOX
    + """
@realtime(delivery="outbox")
class Owner(Base):
    __tablename__ = "owners"
    id: Mapped[int] = mapped_column(primary_key=True)
"""
)
PLAIN = NOTIFY.replace("@realtime", "")
TO_OUTBOX = ["create_outbox", "replace_notify_trigger"]
TO_NOTIFY = ["replace_notify_trigger", "drop_outbox"]


def stands(engine: Engine) -> bool:
    with engine.connect() as connection:
        found = outbox_state(connection)
    assert found is None or found.complete
    return found is not None


@pytest.mark.parametrize(
    ("before", "after", "up", "down"),
    [
        (
            "", OUTBOX,
            ["create_outbox", "create_table", "create_notify_trigger"],
            ["drop_notify_trigger", "drop_table", "drop_outbox"],
        ),
        (PLAIN, OUTBOX, ["create_outbox", "create_notify_trigger"], ["drop_notify_trigger", "drop_outbox"]),
        (NOTIFY, OUTBOX, TO_OUTBOX, TO_NOTIFY),
        (OUTBOX, NOTIFY, TO_NOTIFY, TO_OUTBOX),
        (OUTBOX, PLAIN, ["drop_notify_trigger", "drop_outbox"], ["create_outbox", "create_notify_trigger"]),
        (
            OUTBOX, "",
            ["drop_notify_trigger", "drop_table", "drop_outbox"],
            ["create_outbox", "create_table", "create_notify_trigger"],
        ),
        (OUTBOX, TWO, ["create_table", "create_notify_trigger"], ["drop_notify_trigger", "drop_table"]),
        (TWO, OUTBOX, ["drop_notify_trigger", "drop_table"], ["create_table", "create_notify_trigger"]),
    ],
)  # fmt: skip
def test_order(
    project: Any, directions: Any, before: str, after: str, up: list[str], down: list[str]
) -> None:
    """First to come and last to go; what is not needed anew is not written; both directions restore."""
    if before:
        project.migrate(before)
    stood, state = stands(project.engine), project.state()
    written = project.migrate(after)
    ast.parse(written)

    assert directions(written) == (up, down)
    assert stands(project.engine) is ("outbox" in after)
    project.check()
    assert operations(project.revision()) == []
    project.downgrade("0001" if before else "base")
    assert (stands(project.engine), project.state()) == (stood, state)
    project.upgrade()
    project.check()


def test_rendered(project: Any) -> None:
    """The operation names the version of its template, which is all that it depends on."""
    written = project.migrate(OUTBOX)

    assert "op.create_outbox(template=1)" in written and "op.drop_outbox(template=1)" in written


def test_schemas_are_compared_without_it(project: Any, caplog: pytest.LogCaptureFixture) -> None:
    """With include_schemas its tables are not taken for tables that the models lost."""
    project.options(include_schemas=True)
    project.migrate(OUTBOX)
    project.check()
    with caplog.at_level("INFO"):
        written = project.revision()

    assert operations(written) == [] and "outbox_0" not in caplog.text


def test_comes_back(project: Any) -> None:
    """What somebody dropped by hand is found missing, in whole or in part."""
    project.migrate(OUTBOX)
    for damage in ("DROP SCHEMA sa_notify CASCADE", "DROP TABLE sa_notify.outbox_1"):
        with project.engine.begin() as connection:
            connection.exec_driver_sql(damage)
        assert operations(project.revision().split("def downgrade")[0]) == ["create_outbox"]
        project.upgrade()
        project.check()


def test_other_users_keep_it(project: Any) -> None:
    """A project that needs it no more leaves it to those who do, in its operations and when they run."""
    project.migrate(OUTBOX)
    with project.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE others (id int PRIMARY KEY)")
    project.options(include_name=lambda name, kind, _parents: kind != "table" or name in ("items", "owners"))
    from sqlalchemy import Column, Integer, Table

    from sa_notify import realtime

    other = MetaData()
    realtime(delivery="outbox")(Table("others", other, Column("id", Integer, primary_key=True)))
    other.create_all(project.engine)

    written = project.migrate(PLAIN)
    assert operations(written.split("def downgrade")[0]) == ["drop_notify_trigger"]
    project.downgrade("base")
    assert stands(project.engine)
    other.drop_all(project.engine)
    assert not stands(project.engine)


def test_offline(project: Any) -> None:
    """The script of an upgrade makes what the upgrade makes."""
    project.models(TWO)
    project.revision()
    script = project.sql()
    project.upgrade()
    state = project.state()
    project.downgrade("base")

    with project.engine.connect() as connection:
        connection.connection.driver_connection.cursor().execute(f"DROP TABLE alembic_version;{script}")
        connection.connection.commit()
    assert (stands(project.engine), project.state()) == (True, state)


@pytest.mark.parametrize("driver", ["psycopg2", "psycopg"])
def test_create_all_is_all_migrations(project: Any, database_url: str, driver: str) -> None:
    """Models created at once stand as migrated step by step."""
    for source in (PLAIN, NOTIFY, TWO, OUTBOX):
        project.migrate(source)
    state = project.state()
    with project.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE items, alembic_version CASCADE")
        connection.exec_driver_sql("DROP SCHEMA sa_notify CASCADE")
        (function,) = connection.exec_driver_sql(
            "SELECT oid::regprocedure FROM pg_proc WHERE proname ^@ 'sa_notify_'"
        ).one()
        connection.exec_driver_sql(f"DROP FUNCTION {function}")

    namespace: dict[str, Any] = {}
    from tests.alembic.conftest import MODELS

    exec(compile(MODELS + OUTBOX, "models", "exec"), namespace)
    engine = create_engine(database_url.replace("+psycopg2", f"+{driver}"))
    namespace["Base"].metadata.create_all(engine)
    assert (stands(engine), project.state()) == (True, state)
    engine.dispose()


def test_switching_waits_for_nobody(project: Any) -> None:
    """A table's delivery changes while a transaction that wrote to it stays open."""
    project.migrate(NOTIFY)
    with project.engine.connect() as writer:
        writer.execute(text("INSERT INTO items VALUES (1, 'x')"))
        project.session("SET lock_timeout = '2s'")
        project.migrate(OUTBOX)
        writer.execute(text("UPDATE items SET title = 'y'"))
        writer.commit()
