"""A whole Alembic project in a folder, whose models a test rewrites as it goes."""

import io
import logging
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, MetaData, create_engine, text
from sqlalchemy.pool import NullPool

ENV = """
from alembic import context
import importlib.util

config = context.config
spec = importlib.util.spec_from_file_location("models", config.get_main_option("models"))
models = importlib.util.module_from_spec(spec)
spec.loader.exec_module(models)
options = dict(config.attributes.get("options", {}), target_metadata=models.Base.metadata)

if context.is_offline_mode():
    context.configure(url=config.get_main_option("sqlalchemy.url"), **options)
    with context.begin_transaction():
        context.run_migrations()
else:
    with config.attributes["engine"].connect() as connection:
        for statement in config.attributes.get("session", []):
            connection.exec_driver_sql(statement)
        connection.commit()  # Alembic would leave a transaction that is not its own open
        if schema := config.attributes.get("default_schema"):
            connection.dialect.default_schema_name = schema
        if translate := config.attributes.get("translate"):
            connection = connection.execution_options(schema_translate_map=translate)
        context.configure(connection=connection, **options)
        with context.begin_transaction():
            context.run_migrations()
"""

MODELS = """
from sqlalchemy import *
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sa_notify import realtime

class Base(DeclarativeBase):
    pass

"""


@pytest.fixture(autouse=True)
def by_notify(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models that name no delivery use NOTIFY here, which needs nothing beside the table."""
    monkeypatch.setenv("SA_NOTIFY_DELIVERY", "notify")


class Project:
    """Models, migrations and a database."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        self.folder = folder
        self.engine = engine
        self.config = Config(str(folder / "alembic.ini"), stdout=io.StringIO(), output_buffer=io.StringIO())
        self.config.set_main_option("script_location", str(folder / "migrations"))
        self.config.set_main_option("models", str(folder / "models.py"))
        url = engine.url.render_as_string(hide_password=False)
        self.config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
        command.init(self.config, str(folder / "migrations"))
        (folder / "migrations" / "env.py").write_text(ENV)
        # each command connects anew, with the statements that those before it compiled
        self.config.attributes["engine"] = create_engine(engine.url, poolclass=NullPool)
        self._count = 0

    def models(self, source: str) -> None:
        """Rewrite the models."""
        (self.folder / "models.py").write_text(MODELS + textwrap.dedent(source))

    def options(self, **options: Any) -> None:
        """Options of ``context.configure()``."""
        self.config.attributes["options"] = options

    def session(self, *statements: str) -> None:
        """What the migrating session runs first."""
        self.config.attributes["session"] = statements

    def default_schema(self, schema: str) -> None:
        """The schema of tables that name none, as Alembic's recipe for tenants sets it."""
        self.config.attributes["default_schema"] = schema

    def translate(self, schemas: dict[str | None, str]) -> None:
        """The connection's ``schema_translate_map``."""
        self.config.attributes["translate"] = schemas

    def revision(self) -> str:
        """Autogenerate; the new file's text."""
        self._count += 1
        script: Any = command.revision(self.config, "change", autogenerate=True, rev_id=f"{self._count:04}")
        return Path(script.path).read_text()

    def written(self, upgrade: str, downgrade: str) -> None:
        """A revision by hand."""
        self._count += 1
        script: Any = command.revision(self.config, "by hand", rev_id=f"{self._count:04}")
        path = Path(script.path)
        head, *_ = path.read_text().split("def upgrade")
        bodies = (textwrap.indent(textwrap.dedent(body).strip(), "    ") for body in (upgrade, downgrade))
        path.write_text(head + "def upgrade():\n{}\n\n\ndef downgrade():\n{}\n".format(*bodies))

    def upgrade(self, target: str = "head") -> None:
        command.upgrade(self.config, target)

    def downgrade(self, target: str = "-1") -> None:
        command.downgrade(self.config, target)

    def migrate(self, source: str) -> str:
        """Rewrite the models, autogenerate, upgrade; the new file's text."""
        self.models(source)
        written = self.revision()
        self.upgrade()
        return written

    def check(self) -> None:
        """``alembic check``: raises when something would be written."""
        command.check(self.config)

    def sql_back(self) -> str:
        """The downgrade of the newest revision as SQL."""
        buffer = io.StringIO()
        self.config.output_buffer = buffer
        command.downgrade(self.config, f"{self._count:04}:{self._count - 1:04}", sql=True)
        return buffer.getvalue()

    def sql(self, target: str = "head") -> str:
        """The upgrade as SQL."""
        buffer = io.StringIO()
        self.config.output_buffer = buffer
        command.upgrade(self.config, target, sql=True)
        return buffer.getvalue()

    def metadata(self) -> MetaData:
        """The models', imported anew."""
        namespace: dict[str, Any] = {}
        exec((self.folder / "models.py").read_text(), namespace)
        found: MetaData = namespace["Base"].metadata
        return found

    def state(self) -> list[tuple[Any, ...]]:
        """Everything of ours in the catalog."""
        with self.engine.connect() as connection:
            rows = connection.execute(
                text(
                    "SELECT p.pronamespace::regnamespace::text, p.proname, p.prosrc, p.proconfig,"
                    " t.tgrelid::regclass::text, t.tgname, t.tgenabled::text, pg_get_triggerdef(t.oid)"
                    " FROM pg_proc p LEFT JOIN pg_trigger t ON t.tgfoid = p.oid"
                    " WHERE p.proname ^@ 'sa_notify_' ORDER BY 1, 2, 5, 6"
                )
            )
            return [tuple(row) for row in rows]


def operations(written: str) -> list[str]:
    """The names of a direction's operations, in order."""
    return [name for name in re.findall(r"\b(?:op|batch_op)\.(\w+)\(", written) if name != "f"]


@pytest.fixture
def project(tmp_path: Path, engine: Engine) -> Iterator[Project]:
    """An empty project."""
    level = logging.getLogger("alembic").level
    yield Project(tmp_path, engine)
    logging.getLogger("alembic").setLevel(level)
    sys.modules.pop("models", None)


@pytest.fixture
def directions() -> Any:
    """Splits a revision's text into the operations of upgrade() and of downgrade()."""

    def split(written: str) -> tuple[list[str], list[str]]:
        up, down = written.split("def downgrade()")
        return operations(up), operations(down)

    return split
