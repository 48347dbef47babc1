"""Partitions and children that come and go by hand-written migrations, and replicas."""

from collections.abc import Iterable
from typing import Any

import pytest

from tests.alembic.catalog import run

LOGS = """
@realtime
class Log(Base):
    __tablename__ = "logs"
    __table_args__ = {"postgresql_partition_by": "LIST (region)"}
    region: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    title: Mapped[str]
"""
ALWAYS = LOGS.replace("@realtime", "@realtime(always=True)")
ADD = "CREATE TABLE logs_{0} PARTITION OF logs FOR VALUES IN ({0})"
PARENT = """
@realtime
class Parent(Base):
    __tablename__ = "parents"
    id: Mapped[int] = mapped_column(primary_key=True)
"""
STATEMENT_TRIGGERS = {"_sa_notify_ins", "_sa_notify_upd", "_sa_notify_del", "_sa_notify_trunc"}


@pytest.fixture
def logs(project: Any) -> Any:
    """A partitioned realtime table; partitions are none of autogenerate's business."""
    project.options(include_name=lambda name, kind, _: kind != "table" or "logs_" not in str(name))
    project.migrate(LOGS)
    return project


def triggers(project: Any) -> dict[str, set[str]]:
    """The names of our triggers by table."""
    found: dict[str, set[str]] = {}
    for row in project.state():
        found.setdefault(row[4], set()).add(row[5])
    return found


def functions(project: Any) -> set[str]:
    return {row[1] for row in project.state()}


def operation_count(written: str) -> Iterable[int]:
    return [written.count(f"op.{name}_notify_trigger(") for name in ("create", "replace", "drop")]


def test_partition_added(logs: Any) -> None:
    """A partition that a hand-written migration added is found, and the next revision captures it."""
    logs.written(f'op.execute("{ADD.format(1)}")', 'op.execute("DROP TABLE logs_1")')
    logs.upgrade()
    written = logs.revision()
    logs.upgrade()

    assert operation_count(written) == [0, 2, 0]
    logs.check()
    assert triggers(logs) == {"logs": STATEMENT_TRIGGERS, "logs_1": STATEMENT_TRIGGERS}
    assert len(functions(logs)) == 1
    logs.downgrade()
    logs.downgrade()
    assert triggers(logs) == {"logs": STATEMENT_TRIGGERS}


def test_partition_added_and_captured_at_once(logs: Any) -> None:
    """A hand-written migration may repeat the operation after it; then autogenerate finds nothing."""
    replace = 'op.replace_notify_trigger("logs", key=["region", "id"], columns=["title"], template=2)'
    logs.written(f'op.execute("{ADD.format(1)}")\n{replace}', 'op.execute("DROP TABLE logs_1")')
    logs.upgrade()

    logs.check()


def test_partition_detached(logs: Any) -> None:
    """A detached partition is a table of its own: none of the parent's operations touch it."""
    run(logs.engine, ADD.format(1))
    logs.revision()
    logs.upgrade()
    logs.written(
        'op.execute("ALTER TABLE logs DETACH PARTITION logs_1")',
        'op.execute("ALTER TABLE logs ATTACH PARTITION logs_1 FOR VALUES IN (1)")',
    )
    logs.upgrade()
    logs.check()
    logs.migrate(LOGS.replace("@realtime", "@realtime(bulk_limit=4)"))
    logs.check()
    for _ in range(2):
        logs.downgrade()

    assert triggers(logs) == {"logs": STATEMENT_TRIGGERS, "logs_1": STATEMENT_TRIGGERS}
    logs.models(LOGS)
    logs.upgrade("0003")


def test_detached_partition_is_dropped(logs: Any) -> None:
    """Autogenerate that sees a detached partition drops its triggers, then the table; the parent's stay."""
    run(logs.engine, ADD.format(1))
    logs.revision()
    logs.upgrade()
    run(logs.engine, "ALTER TABLE logs DETACH PARTITION logs_1")
    logs.options()
    written = logs.revision()
    up = written.split("def downgrade")[0]
    logs.upgrade()

    assert up.index("op.drop_notify_trigger(") < up.index("op.drop_table('logs_1')")
    logs.check()
    assert triggers(logs) == {"logs": STATEMENT_TRIGGERS}
    assert len(functions(logs)) == 1


def test_partition_dropped(logs: Any) -> None:
    """With a partition its triggers go, and nothing is left to do."""
    run(logs.engine, ADD.format(1))
    logs.revision()
    logs.upgrade()
    run(logs.engine, "DROP TABLE logs_1")

    logs.check()


def test_parent_undecorated(logs: Any) -> None:
    """With the parent its partitions are released; the way back captures them all again."""
    run(logs.engine, ADD.format(1), ADD.format(2))
    logs.revision()
    logs.upgrade()
    stood = logs.state()
    logs.migrate(LOGS.replace("@realtime\n", ""))

    logs.check()
    assert logs.state() == []
    logs.downgrade()
    assert logs.state() == stood


def test_always_with_partitions(logs: Any) -> None:
    """``always=`` brings its row trigger to the partitions, which hold the rows, and takes it away again."""
    run(logs.engine, ADD.format(1), ADD.format(2))
    logs.revision()
    logs.upgrade()
    stood = logs.state()
    written = logs.migrate(ALWAYS)

    assert operation_count(written) == [0, 2, 0]
    logs.check()
    assert {table for table, names in triggers(logs).items() if "_sa_notify_row" in names} == {
        "logs_1",
        "logs_2",
    }
    logs.migrate(LOGS)
    logs.check()
    assert logs.state() == stood
    for _ in range(2):
        logs.downgrade()
    assert logs.state() == stood


def test_always_with_children(project: Any) -> None:
    """So it is with old-style children, whose parent holds rows too."""
    project.options(include_name=lambda name, kind, _: kind != "table" or name != "child")
    project.migrate(PARENT)
    run(project.engine, "CREATE TABLE child () INHERITS (parents)")
    project.revision()
    project.upgrade()
    stood = project.state()
    project.migrate(PARENT.replace("@realtime", "@realtime(always=True)"))

    project.check()
    assert [names - STATEMENT_TRIGGERS for names in triggers(project).values()] == [{"_sa_notify_row"}] * 2
    project.downgrade()
    assert project.state() == stood


def test_always_of_an_added_partition(logs: Any) -> None:
    """A partition that is added to a table with ``always=`` is found to lack its triggers."""
    logs.migrate(ALWAYS)
    run(logs.engine, ADD.format(1))
    logs.revision()
    logs.upgrade()

    logs.check()
    assert triggers(logs)["logs_1"] == STATEMENT_TRIGGERS | {"_sa_notify_row"}
