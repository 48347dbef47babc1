"""The operations by hand: what they refuse, how they reverse, where they do nothing."""

import io
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import create_engine, text

import sa_notify.alembic  # noqa: F401
from sa_notify.alembic.operations import CreateNotifyTriggerOp, DropNotifyTriggerOp, ReplaceNotifyTriggerOp
from sa_notify.capture.ddl import Target
from sa_notify.capture.spec import TriggerParams
from sa_notify.errors import ConfigurationError

OLD = TriggerParams(key=("id",), columns=("a",))
NEW = TriggerParams(key=("id",), columns=("a", "b"), carry=("b",))
TABLE = Target("s", "t")


def operations(connection: Any, **options: Any) -> Any:
    return Operations(MigrationContext.configure(connection, opts=options))


def test_reversal() -> None:
    """Each operation's reverse restores the other's state, and reverses back."""
    create, replace = CreateNotifyTriggerOp(TABLE, NEW), ReplaceNotifyTriggerOp(TABLE, NEW, OLD)
    drop = create.reverse()

    assert drop.to_diff_tuple() == ("drop_notify_trigger", "s", "t", None, NEW.keywords())
    assert drop.reverse().to_diff_tuple() == create.to_diff_tuple()
    assert replace.reverse().to_diff_tuple() == (
        "replace_notify_trigger",
        "s",
        "t",
        OLD.keywords(),
        NEW.keywords(),
    )
    assert replace.reverse().reverse().to_diff_tuple() == replace.to_diff_tuple()


@pytest.mark.parametrize("operation", [DropNotifyTriggerOp(TABLE), ReplaceNotifyTriggerOp(TABLE, NEW)])
def test_irreversible_without_previous(operation: Any) -> None:
    """Without ``previous=`` there is no way back, and the message says what is missing."""
    with pytest.raises(ConfigurationError, match=r"can't be reversed: give it previous=dict"):
        operation.reverse()


def test_unknown_template(engine: Any) -> None:
    """A migration of a newer release is refused before anything is run."""
    with engine.connect() as connection, pytest.raises(ConfigurationError, match="template=9 is of a newer"):
        operations(connection).create_notify_trigger("t", key=["id"], columns=[], template=9)


def test_schema_translate_map(engine: Any) -> None:
    """A translated schema is where the triggers go."""
    with engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA tenant"))
        connection.execute(text("CREATE TABLE tenant.t (id int PRIMARY KEY)"))
        translated = connection.execution_options(schema_translate_map={None: "tenant"})
        operations(translated).create_notify_trigger("t", key=["id"], columns=[])
        found = connection.execute(text("SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger"))
        assert found.scalars().all() == ["tenant.t"]


def test_drop_twice(engine: Any) -> None:
    """Dropping what is not there is no error, whether the table is or not."""
    with engine.begin() as connection:
        for _ in range(2):
            operations(connection).drop_notify_trigger("nowhere", schema="nothing")


def test_other_dialects() -> None:
    """Migrations that SQLite runs too leave it alone."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        operations(connection).create_notify_trigger("t", key=["id"], columns=[])
        operations(connection).drop_notify_trigger("t")
    engine.dispose()


def test_one_statement_each() -> None:
    """Every statement stands alone in the SQL of ``--sql``."""
    output = io.StringIO()
    context = MigrationContext.configure(
        dialect_name="postgresql", opts={"as_sql": True, "output_buffer": output}
    )
    run: Any = Operations(context)
    run.create_notify_trigger("per%cent", key=["id"], columns=["a:b"])
    sql = output.getvalue()

    assert sql.count("$sa_notify$;") == 2 and sql.count("$sa_notify_do$;") == 1 and "%" not in sql
