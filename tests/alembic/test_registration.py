"""Installing the package breaks no ``import alembic``, in any order, and registers once."""

import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = ROOT / "pyproject.toml"
FIRST = [
    "import alembic",
    "import alembic.config",
    "import alembic.operations",
    "import alembic.autogenerate",
    "import alembic.runtime.environment",
    "from alembic import op",
    "from alembic.autogenerate import compare",
    "import sa_notify",
    "import sa_notify.alembic",
    "import sa_notify.alembic.compare",
    "import sa_notify._alembic_entry",
    "import sa_notify.decorator as d; d.offer()",
]
PROGRAM = """
{first}
import sys
{models}
import alembic, sqlalchemy as s
from alembic import op
from alembic.autogenerate.api import AutogenContext
from alembic.migration import MigrationContext
import sa_notify
assert hasattr(op, "create_notify_trigger")
migration = MigrationContext.configure(dialect_name="postgresql", opts={{}})
context = AutogenContext(migration, metadata=s.MetaData())
from alembic.autogenerate.compare import comparators
print("compare_triggers" in str(getattr(context, "comparators", comparators)._registry))
"""
MODELS = """
import sa_notify, sqlalchemy as s
sa_notify.realtime(s.Table("t", s.MetaData(), s.Column("i", s.Integer, primary_key=True)))
"""


def run(first: str, models: str, *path: Path) -> str:
    program = PROGRAM.format(first=first, models=models)
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": ":".join(map(str, (ROOT, *path)))},
    )
    return result.stdout + result.stderr[-800:]


@pytest.fixture
def distribution(tmp_path: Path) -> Path:
    """What installing the package leaves: an entry point."""
    ((name, value),) = tomllib.loads(PROJECT.read_text())["project"]["entry-points"][
        "alembic.plugins"
    ].items()
    info = tmp_path / "sa_notify-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sa-notify\nVersion: 0\n")
    (info / "entry_points.txt").write_text(f"[alembic.plugins]\n{name} = {value}\n")
    return tmp_path


@pytest.mark.parametrize("first", FIRST)
def test_import_orders(first: str, distribution: Path) -> None:
    """The entry point registers, whatever is imported first; before Alembic 1.18 the models do."""
    assert run(first, "" if find_spec("alembic.runtime.plugins") else MODELS, distribution) == "True\n"


@pytest.mark.parametrize("order", ["models last", "models first"])
def test_without_entry_point(order: str) -> None:
    """A decorated model is enough where no entry point is read, before or after Alembic is imported."""
    first, models = ("import alembic", MODELS) if order == "models last" else (MODELS, "import alembic")

    assert run(first, models) == "True\n"
