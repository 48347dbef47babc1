"""The demo's migrations, as ``alembic`` on a command line runs them."""

import os
import subprocess
import sys
from pathlib import Path

from sqlalchemy import Engine, text

_ROOT = Path(__file__).parents[2]
_OURS = "SELECT count(*) FROM pg_proc WHERE prosrc LIKE '%sa_notify%'"


def alembic(database_url: str, *arguments: str) -> str:
    """Run alembic and give what it said; a failure fails the test."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "alembic", *arguments],
        cwd=_ROOT,
        env={**os.environ, "DATABASE_URL": database_url},
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_upgraded_database_equals_the_models(database_url: str, engine: Engine) -> None:
    """After ``upgrade head`` autogenerate finds nothing to do, triggers included."""
    alembic(database_url, "upgrade", "head")

    assert "No new upgrade operations detected" in alembic(database_url, "check")
    with engine.connect() as connection:
        assert connection.scalar(text(_OURS))


def test_downgrade_leaves_nothing(database_url: str, engine: Engine) -> None:
    """After ``downgrade base`` neither tables nor functions are left."""
    alembic(database_url, "upgrade", "head")
    alembic(database_url, "downgrade", "base")

    with engine.connect() as connection:
        assert connection.scalar(text(_OURS)) == 0
        assert connection.scalar(text("SELECT to_regclass('todo_items')")) is None


def test_offline_migration_is_a_script(database_url: str, engine: Engine) -> None:
    """``upgrade head --sql`` prints a script that does the same."""
    script = alembic(database_url, "upgrade", "head", "--sql")
    with engine.connect() as connection, connection.connection.cursor() as cursor:
        cursor.execute(script)

    assert "No new upgrade operations detected" in alembic(database_url, "check")
