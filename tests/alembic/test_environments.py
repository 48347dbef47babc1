"""Alembic's own environments: drivers, the async and multidb templates, tenants, filters, version tables."""

import io
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, event, text

from tests.alembic.catalog import catalog, run

LIVE = """
@realtime
class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
"""
MODELS = """
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sa_notify import realtime

class Base(DeclarativeBase):
    pass

@realtime
class Item(Base):
    __tablename__ = "per%cent:x"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column("a:b%")
"""


class Template:
    """A project that ``alembic init --template`` made, its models in a module beside it."""

    def __init__(self, folder: Path, name: str, **urls: str) -> None:
        self.folder = folder
        (folder / "its_models.py").write_text(MODELS)
        ini = folder / "alembic.ini"
        self.config = Config(str(ini), stdout=io.StringIO())
        command.init(self.config, str(folder / "migrations"), template=name)
        for section, url in urls.items():
            self.config.set_section_option(section, "sqlalchemy.url", url.replace("%", "%%"))
        self.edit("config = context.config", "config = context.config\nimport its_models")
        # the template's own logging set-up would switch pytest's off
        self.edit("if config.config_file_name is not None:", "if False:")
        self.edit("fileConfig(config.config_file_name)", "pass", needed=False)

    def edit(self, old: str, new: str, *, needed: bool = True) -> None:
        env = self.folder / "migrations" / "env.py"
        source = env.read_text()
        assert old in source or not needed, old
        env.write_text(source.replace(old, new))

    def revise(self) -> str:
        script: Any = command.revision(self.config, "change", autogenerate=True)
        return Path(script.path).read_text()


@pytest.fixture
def template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Makes projects from Alembic's templates."""
    level = logging.getLogger("alembic").level
    monkeypatch.syspath_prepend(str(tmp_path))
    yield lambda name, **urls: Template(tmp_path, name, **urls)
    sys.modules.pop("its_models", None)
    logging.getLogger("alembic").setLevel(level)


@pytest.mark.parametrize(
    ("name", "driver"),
    [("generic", "psycopg2"), ("generic", "psycopg"), ("async", "asyncpg"), ("async", "psycopg")],
)
def test_drivers(template: Any, engine: Engine, name: str, driver: str) -> None:
    """Every driver runs autogenerate, both directions and the check, and all store the same."""
    url = engine.url.set(drivername=f"postgresql+{driver}").render_as_string(hide_password=False)
    made = template(name, alembic=url)
    made.edit("target_metadata = None", "target_metadata = its_models.Base.metadata")
    written = made.revise()

    assert written.count("op.create_notify_trigger(") == 1
    command.upgrade(made.config, "head")
    command.check(made.config)
    reached = catalog(engine)
    command.downgrade(made.config, "base")
    assert not [kind for kind, _ in catalog(engine) if kind == "function"]
    sys.modules["its_models"].Base.metadata.create_all(engine)
    assert catalog(engine) == reached


@pytest.fixture
def second(engine: Engine) -> Iterator[str]:
    """The URL of another database on the same server."""
    name = f"{engine.url.database}_2"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
        yield engine.url.set(database=name).render_as_string(hide_password=False)
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def test_several_databases(template: Any, engine: Engine, second: str) -> None:
    """Alembic's ``multidb``: each database gets the triggers of its own models, in its own functions."""
    first = engine.url.render_as_string(hide_password=False)
    made = template("multidb", engine1=first, engine2=second)
    made.config.set_main_option("databases", "engine1, engine2")
    made.edit(
        "target_metadata = {}",
        "from sqlalchemy import MetaData\n"
        'target_metadata = {"engine1": its_models.Base.metadata, "engine2": MetaData()}',
    )
    written = made.revise()
    one, two = written.split("def upgrade_engine2")

    assert "op.create_notify_trigger(" in one and "create_notify_trigger" not in two
    command.upgrade(made.config, "head")
    command.check(made.config)
    assert [kind for kind, _ in catalog(engine)].count("trigger") == 4
    command.downgrade(made.config, "base")
    assert [kind for kind, _ in catalog(engine)].count("trigger") == 0


def test_version_table_elsewhere(project: Any) -> None:
    """A version table in a schema of its own changes nothing."""
    run(project.engine, "CREATE SCHEMA meta")
    project.options(version_table_schema="meta", version_table="versions", include_schemas=True)
    project.migrate(LIVE)

    project.check()
    project.downgrade("base")
    assert project.state() == []


@pytest.mark.parametrize("tenant", ["one", "Two two", "th.ree"])
def test_tenants_by_search_path(project: Any, tenant: str) -> None:
    """Alembic's recipe for tenants: ``search_path`` decides, whatever stands in another tenant's schema."""
    run(project.engine, "CREATE SCHEMA other", f'CREATE SCHEMA "{tenant}"')
    for schema in ("other", tenant):
        project.session(f'SET search_path TO "{schema}"')
        project.default_schema(schema)
        project.models(LIVE)
        if schema == "other":
            assert "op.create_notify_trigger(" in project.revision()
        project.upgrade()
        project.check()
    here = {(row[0], row[4]) for row in project.state()}

    quoted = tenant if tenant.isalpha() and tenant.islower() else f'"{tenant}"'
    assert here == {("other", "other.items"), (quoted, f"{quoted}.items")}
    project.downgrade("base")
    assert {row[0] for row in project.state()} == {"other"}


def test_tenants_by_translation(project: Any) -> None:
    """With ``schema_translate_map`` a revision's tables and triggers go where the map says."""
    run(project.engine, "CREATE SCHEMA tenant_a", "CREATE SCHEMA tenant_b")
    project.models(LIVE)
    project.revision()
    for tenant in ("tenant_a", "tenant_b"):
        project.options(version_table_schema=tenant)
        project.translate({None: tenant})
        project.upgrade()
    assert {row[4] for row in project.state()} == {"tenant_a.items", "tenant_b.items"}
    project.downgrade("base")

    assert {(row[0], row[4]) for row in project.state()} == {("tenant_a", "tenant_a.items")}


def test_table_behind_another_schema(project: Any) -> None:
    """A table that ``search_path`` finds in its second schema has its function beside it."""
    run(project.engine, "CREATE SCHEMA tenant")
    project.migrate(LIVE)
    stood = project.state()
    project.session("SET search_path TO tenant, public")
    project.default_schema("public")
    project.migrate(LIVE.replace("@realtime", "@realtime(bulk_limit=3)"))

    assert {row[0] for row in project.state()} == {"public"}
    project.check()
    project.downgrade()
    assert project.state() == stood


def test_name_filter(project: Any) -> None:
    """Tables and schemas that ``include_name`` leaves out are left alone, dropped models' too."""
    run(project.engine, "CREATE SCHEMA hidden")
    project.options(include_schemas=True)
    project.migrate(LIVE + LIVE.replace('"items"', '"others"').replace("class Item", "class Other"))
    project.migrate(LIVE.replace("    id:", '    __table_args__ = {"schema": "hidden"}\n    id:', 1))
    project.models("")

    def nothing(name: Any, kind: str, _parents: Any) -> bool:
        return kind not in ("schema", "table") or name in (None, "public")

    project.options(include_schemas=True, include_name=nothing)
    project.check()


def test_object_filter_keeps_the_rest(project: Any) -> None:
    """``include_object`` chooses table by table."""
    others = LIVE.replace('"items"', '"others"').replace("class Item", "class Other")
    project.options(include_object=lambda _object, name, kind, *_: kind != "table" or name == "others")
    project.models(LIVE + others)
    written = project.revision()

    assert written.count("op.create_notify_trigger(") == 1 and "'others'" in written
    assert "items" not in written


MANY = "\n".join(
    LIVE.replace('"items"', f'"t{i}"').replace("class Item", f"class T{i}")
    + (f'    parent: Mapped[int] = mapped_column(ForeignKey("t{i - 1}.id"))\n' if i else "")
    for i in reversed(range(60))
)


def test_many_tables(project: Any, directions: Any) -> None:
    """Sixty tables that depend on each other are one revision, in order both ways."""
    up, down = directions(project.migrate(MANY))

    assert up == ["create_table", "create_notify_trigger"] * 60
    assert down == ["drop_notify_trigger", "drop_table"] * 60
    project.check()
    project.downgrade("base")
    assert project.state() == []


def test_one_query(project: Any) -> None:
    """However many tables there are, comparing reads the catalog once, and writes nothing."""
    project.migrate(MANY)
    said: list[str] = []
    event.listen(project.engine, "before_cursor_execute", lambda *given: said.append(given[2]))
    with project.engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), project.metadata())

    assert found == []
    assert len([statement for statement in said if "_sa_notify_" in statement]) == 1
    assert all(statement.lstrip("-").split()[0].upper() != "DO" for statement in said)
    assert not [s for s in said if "CREATE" in s.upper().split() or "SAVEPOINT" in s.upper()]
