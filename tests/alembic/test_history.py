"""A history of revisions leads where create_all() leads; going back leads to what the database had."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from demo.models import db
from tests.alembic.catalog import catalog, run

ROOT = Path(__file__).parents[2]
ITEMS = """
class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    secret: Mapped[str | None]
"""
LIVE = ITEMS.replace("class Item", "@realtime\nclass Item")
LINES = """
@realtime(always=True)
class Line(Base):
    __tablename__ = "lines"
    __table_args__ = {"schema": "shop"}
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    "what is bought"
    total: Mapped[int] = mapped_column(Computed("number * 2"))
"""
#: The models as they were, revision after revision.
HISTORY = [
    ITEMS,
    LIVE,
    LIVE + LINES,
    LIVE.replace("@realtime", '@realtime(exclude=["secret"], bulk_limit=20)') + LINES,
    LIVE.replace("@realtime", '@realtime(carry=["title"])') + LINES.replace("(always=True)", ""),
    LIVE.replace("title:", "heading:") + "    rank: Mapped[int | None]\n" + LINES,
    LIVE.replace("title:", "heading:") + LINES + LIVE.replace("items", "extras").replace("Item", "Extra"),
    LIVE.replace("title:", "heading:") + LINES.replace("(always=True)", "(bulk_limit=3, always=True)"),
]


def test_history_equals_create_all(project: Any) -> None:
    """After several revisions everything in the catalog is as create_all() makes it, and back again."""
    run(project.engine, "CREATE SCHEMA shop")
    project.options(include_schemas=True)
    states = [catalog(project.engine)]
    for models in HISTORY:
        project.migrate(models)
        project.check()
        states.append(catalog(project.engine))
        kinds = [kind for kind, _ in states[-1]]
        project.downgrade("base")
        assert catalog(project.engine) == states[0]
        project.metadata().create_all(project.engine)
        assert catalog(project.engine) == states[-1]
        project.metadata().drop_all(project.engine)
        assert catalog(project.engine) == states[0]
        project.upgrade()
        assert catalog(project.engine) == states[-1]
    assert kinds.count("function") == 2 and kinds.count("trigger") == 9
    for state in reversed(states[:-1]):
        project.downgrade()
        assert catalog(project.engine) == state


def test_create_all_is_no_difference(project: Any) -> None:
    """A database that create_all() made is one that autogenerate has nothing to say about."""
    project.models(LIVE)
    project.metadata().create_all(project.engine)

    project.check()


def test_rights_given_by_default(project: Any) -> None:
    """Default privileges reach what migrations make as they reach what create_all() makes."""
    run(
        project.engine,
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO pg_monitor",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO pg_monitor",
    )
    project.migrate(LIVE)
    migrated = catalog(project.engine)
    project.downgrade("base")
    project.metadata().create_all(project.engine)

    assert catalog(project.engine) == migrated


@pytest.mark.parametrize("offline", [False, True])
def test_demo(database_url: str, engine: Engine, offline: bool) -> None:
    """The demo's own migrations lead to what its models make."""
    command = [sys.executable, "-m", "alembic", "upgrade", "head", *(["--sql"] if offline else [])]
    env = {**os.environ, "DATABASE_URL": database_url}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    if offline:
        with engine.connect() as connection:
            connection.connection.cursor().execute(done.stdout)
            connection.connection.commit()
    migrated = catalog(engine)
    run(engine, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public AUTHORIZATION pg_database_owner")
    run(engine, "GRANT USAGE ON SCHEMA public TO PUBLIC")
    metadata = db.metadata
    metadata.create_all(engine)

    made = catalog(engine)
    assert {name for name in made if name[0] == "trigger"}
    assert without_namespace(made) == without_namespace(migrated)


def without_namespace(state: dict[tuple[str, str], Any]) -> dict[tuple[str, str], Any]:
    """The oid of a schema that was made anew is another."""
    return {
        name: re.sub(r'"pronamespace": "?\d+"?', "", str(rest))
        for name, rest in state.items()
        if name[0] != "schema"
    }


EDIT = """DO $edit$ BEGIN EXECUTE (
    SELECT replace(pg_get_functiondef(oid), 'BEGIN', E'/* 100% :edited $$ \\\\ ''ä'' */\\n\\tBEGIN')
    FROM pg_proc WHERE proname ^@ 'sa_notify_items'
); END $edit$"""


@pytest.mark.parametrize(
    ("models", "operation"),
    [(LIVE, "replace"), (LIVE.replace("@realtime", "@realtime(bulk_limit=2)"), "replace"), (ITEMS, "drop")],
    ids=["mended", "changed", "undecorated"],
)
@pytest.mark.parametrize("offline", [False, True])
def test_edited_function_comes_back(project: Any, models: str, operation: str, offline: bool) -> None:
    """Where somebody had edited the function, the way back restores it, edits and all."""
    project.migrate(LIVE)
    run(project.engine, EDIT)
    stood = project.state()
    assert "100% :edited" in stood[0][2]
    written = project.migrate(models)

    assert f"op.{operation}_notify_trigger(" in written and written.count("        body=[\n") == 1
    project.check()
    assert "edited" not in str(project.state())
    if offline:
        script = project.sql_back()
        with project.engine.connect() as connection:
            connection.connection.cursor().execute(script)
            connection.connection.commit()
    else:
        project.downgrade()
    assert project.state() == stood
    project.upgrade()
    project.check()


def test_options_that_no_revision_knows(project: Any) -> None:
    """Where the database had other options than its revisions say, the way back restores those."""
    project.migrate(LIVE)
    project.models(LIVE.replace("@realtime", '@realtime(carry=["secret"], bulk_limit=77)'))
    project.metadata().create_all(project.engine)
    stood = project.state()
    written = project.migrate(LIVE.replace("@realtime", '@realtime(exclude=["secret"])'))

    assert "bulk_limit=77," in written.split("def downgrade")[0].split("previous=dict(")[1]
    project.check()
    project.downgrade()
    assert project.state() == stood


def test_rename_by_hand(project: Any) -> None:
    """A revision that renames a table, and repeats the operation, brings the function along both ways."""
    project.migrate(LIVE)
    stood = catalog(project.engine)
    again = 'op.replace_notify_trigger("{}", key=["id"], columns=["title", "secret"], template=2)'
    project.written(
        f'op.rename_table("items", "things")\n{again.format("things")}',
        f'op.rename_table("things", "items")\n{again.format("items")}',
    )
    project.upgrade()
    project.models(LIVE.replace('"items"', '"things"'))

    project.check()
    project.downgrade()
    assert catalog(project.engine) == stood


def test_schema_move_by_hand(project: Any) -> None:
    """So it is with a move to another schema."""
    run(project.engine, "CREATE SCHEMA shop")
    project.options(include_schemas=True)
    project.migrate(LIVE)
    stood = catalog(project.engine)
    again = 'op.replace_notify_trigger("items", {}key=["id"], columns=["title", "secret"], template=2)'
    there, here = again.format("schema='shop', "), again.format("")
    project.written(
        f'op.execute("ALTER TABLE items SET SCHEMA shop")\n{there}',
        f'op.execute("ALTER TABLE shop.items SET SCHEMA public")\n{here}',
    )
    project.upgrade()
    project.models(LIVE.replace("    id:", '    __table_args__ = {"schema": "shop"}\n    id:'))

    project.check()
    assert {row[0] for row in project.state()} == {"shop"}
    project.downgrade()
    assert catalog(project.engine) == stood


def test_column_rename_by_hand(project: Any) -> None:
    """A revision that renames a column by hand leaves a difference, which the next one mends."""
    project.migrate(LIVE)
    project.written(
        'op.alter_column("items", "title", new_column_name="heading")',
        'op.alter_column("items", "heading", new_column_name="title")',
    )
    project.upgrade()
    written = project.migrate(LIVE.replace("title:", "heading:"))

    assert written.count("op.replace_notify_trigger(") == 2 and "add_column" not in written
    project.check()


def test_data_migrations_meet_the_triggers_of_their_time(project: Any) -> None:
    """A revision that writes rows, between others that change columns, runs on the way up and down."""
    live = LIVE.replace("title: Mapped[str]", "title: Mapped[str | None]")
    project.migrate(live)
    project.written(
        "op.execute(\"INSERT INTO items (id, title) VALUES (1, 'as it was')\")",
        'op.execute("DELETE FROM items")',
    )
    project.upgrade()
    ranked = live.replace("secret: Mapped[str | None]", "rank: Mapped[int | None]")
    project.migrate(ranked)
    project.written('op.execute("UPDATE items SET rank = 7")', 'op.execute("UPDATE items SET rank = NULL")')
    project.upgrade()
    project.migrate(ranked.replace("title:", "heading:"))
    for _ in range(2):
        project.upgrade()
        project.check()
        with project.engine.connect() as connection:
            assert connection.execute(text("SELECT id, rank FROM items")).all() == [(1, 7)]
        project.downgrade("base")
