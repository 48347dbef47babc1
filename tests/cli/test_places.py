"""Where a command finds its database and its models, and what it says when it can't."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from flask_socketio import SocketIO
from sqlalchemy import Column, Engine, Integer, MetaData, Table

from sa_notify import Dispatcher, realtime
from sa_notify.cli.main import main
from sa_notify.cli.place import Refused, _metadatas, _url

MODELS = """
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sa_notify import realtime

class Base(DeclarativeBase):
    pass

@realtime
class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)

nothing = 1
"""
_ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project_models.py").write_text(MODELS)
    return tmp_path


def shell(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sa_notify", *arguments]
    inherited = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "SA_NOTIFY_DATABASE_URL")}
    env = {**inherited, "PYTHONPATH": str(_ROOT), **environment}
    return subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_project_s_folder(project: Path, database_url: str) -> None:
    """Models of the current folder are imported, the database comes from the environment."""
    url = database_url.replace("postgresql+psycopg2", "postgres")
    found = shell(project, "check", "--models", "project_models", DATABASE_URL=url)
    assert (found.returncode, found.stderr) == (1, "")
    assert found.stdout.startswith("items: absent (there is no such table)")
    again = shell(project, "check", DATABASE_URL=url, SA_NOTIFY_MODELS="project_models:Base")
    assert (again.returncode, again.stdout) == (1, found.stdout)


@pytest.mark.parametrize(
    ("models", "message"),
    [
        ("missing_module", "missing_module can't be imported"),
        ("project_models:nothing", "is neither a MetaData nor has one"),
        ("project_models:Missing", "is neither a MetaData nor has one"),
    ],
)
def test_models_that_are_none(project: Path, monkeypatch: Any, models: str, message: str) -> None:
    """A name that leads nowhere is told."""
    monkeypatch.syspath_prepend(project)
    with pytest.raises(Refused, match=message):
        _metadatas([models])


def test_no_decorated_model(tmp_path: Path, database_url: str) -> None:
    """A module without decorated models can't be what was meant."""
    (tmp_path / "plain_models.py").write_text("")
    found = shell(tmp_path, "check", "--models", "plain_models", "--url", database_url)
    assert found.returncode == 2 and "no model in plain_models says @realtime" in found.stderr


def test_urls(monkeypatch: Any) -> None:
    """URLs of every driver lead to psycopg2 or psycopg; ours goes before everybody's."""
    monkeypatch.setenv("DATABASE_URL", "postgres://u:p@h/d")
    assert _url(None).render_as_string(hide_password=False) == "postgresql+psycopg2://u:p@h/d"
    monkeypatch.setenv("SA_NOTIFY_DATABASE_URL", "postgresql+asyncpg://u@h/ours")
    assert _url(None).render_as_string() == "postgresql+psycopg2://u@h/ours"
    assert _url("postgresql+psycopg://h/d").drivername == "postgresql+psycopg"


def test_no_url(monkeypatch: Any) -> None:
    """Without a database the ways to name one are told; a garbled URL is not repeated."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("SA_NOTIFY_DATABASE_URL", raising=False)
    with pytest.raises(Refused, match="no database: give --url"):
        _url(None)
    with pytest.raises(Refused) as refused:
        _url("secret password")
    assert "secret" not in str(refused.value)


def test_unreachable() -> None:
    """A database that is not there is exit status 2, without the password."""
    result = CliRunner().invoke(main, ["check", "--url", "postgresql://user:hidden@127.0.0.1:1/d"])
    assert result.exit_code == 2 and "Connection refused" in result.stderr
    assert "hidden" not in result.output + result.stderr


def test_flask(engine: Engine) -> None:
    """Under Flask the application's own engine and models are meant, without any option."""
    table = Table("flask_items", MetaData(), Column("id", Integer, primary_key=True))
    realtime(table)
    table.metadata.create_all(engine)
    app = Flask(__name__)
    Dispatcher().init_app(app, SocketIO(app, async_mode="threading"), engine=engine)
    result = app.test_cli_runner().invoke(args=["sa-notify", "triggers"])
    assert result.exit_code == 0 and re.search(r"public\.flask_items +live", result.output)
    assert app.test_cli_runner().invoke(args=["sa-notify", "check", "--json"]).exit_code in (0, 1)


def test_version_and_help() -> None:
    """The command tells what it is."""
    assert "sa-notify, version" in CliRunner().invoke(main, ["--version"]).output
    assert "Exit status" in CliRunner().invoke(main, ["check", "--help"]).output
