"""Every change of a model, both ways: online, in batches, as SQL, as SQL through psql."""

import subprocess
from typing import Any

import pytest
from sqlalchemy import Engine, make_url

from tests.alembic.catalog import catalog, run
from tests.alembic.programs import client_program

PLAIN = """
class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    secret: Mapped[str]
"""
LIVE = PLAIN.replace("class Item", "@realtime\nclass Item")
OTHER = """
@realtime
class Other(Base):
    __tablename__ = "others"
    id: Mapped[int] = mapped_column(primary_key=True)
"""
PARTS = """
class Vehicle(Base):
    __tablename__ = "vehicles"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "vehicle"}

class Lorry(Vehicle):
    __tablename__ = "lorries"
    id: Mapped[int] = mapped_column(ForeignKey("vehicles.id"), primary_key=True)
    load: Mapped[int]
    __mapper_args__ = {"polymorphic_identity": "lorry"}

class Van(Vehicle):
    doors: Mapped[int | None]
    __mapper_args__ = {"polymorphic_identity": "van"}
"""
CREATE, REPLACE, DROP = "create_notify_trigger", "replace_notify_trigger", "drop_notify_trigger"


def decorated(options: str, extra: str = "") -> str:
    return PLAIN.replace("class Item", f"@realtime({options})\nclass Item") + extra


def parts(decorated: str, options: str = "") -> str:
    return PARTS.replace(f"class {decorated}", f"@realtime{options}\nclass {decorated}")


#: Models before, models after, operations upwards, operations downwards.
CHANGES: dict[str, tuple[str, str, list[str], list[str]]] = {
    "decorated": (PLAIN, LIVE, [CREATE], [DROP]),
    "undecorated": (LIVE, PLAIN, [DROP], [CREATE]),
    "carry": (LIVE, decorated('carry=["title"]'), [REPLACE], [REPLACE]),
    "exclude": (LIVE, decorated('exclude=["secret"]'), [REPLACE], [REPLACE]),
    "bulk_limit": (decorated("bulk_limit=7"), LIVE, [REPLACE], [REPLACE]),
    "always on": (LIVE, decorated("always=True"), [REPLACE], [REPLACE]),
    "always off": (decorated("always=True"), LIVE, [REPLACE], [REPLACE]),
    "column added": (
        LIVE,
        LIVE + "    extra: Mapped[int | None]\n",
        ["add_column", REPLACE],
        [REPLACE, "drop_column"],
    ),
    "column dropped": (
        LIVE,
        LIVE.replace("    secret: Mapped[str]\n", ""),
        [REPLACE, "drop_column"],
        ["add_column", REPLACE],
    ),
    "column renamed": (
        LIVE,
        LIVE.replace("title:", "heading:"),
        ["add_column", REPLACE, "drop_column"],
        ["add_column", REPLACE, "drop_column"],
    ),
    "column retyped": (
        LIVE,
        LIVE.replace("title: Mapped[str]", "title: Mapped[str] = mapped_column(Text)"),
        ["alter_column"],
        ["alter_column"],
    ),
    "excluded column added": (
        decorated('exclude=["secret"]'),
        decorated('exclude=["secret", "extra"]', "    extra: Mapped[int | None]\n"),
        ["add_column"],
        ["drop_column"],
    ),
    "table created": (LIVE, LIVE + OTHER, ["create_table", CREATE], [DROP, "drop_table"]),
    "table dropped": (LIVE, "", [DROP, "drop_table"], ["create_table", CREATE]),
    "table renamed": (
        LIVE,
        LIVE.replace('"items"', '"things"'),
        ["create_table", CREATE, DROP, "drop_table"],
        ["create_table", CREATE, DROP, "drop_table"],
    ),
    "key renamed": (
        LIVE,
        LIVE.replace("id:", "item_id:"),
        ["add_column", REPLACE, "drop_column"],
        ["add_column", REPLACE, "drop_column"],
    ),
    "key of two columns": (
        LIVE,
        LIVE + "    region: Mapped[int] = mapped_column(primary_key=True)\n",
        ["add_column", REPLACE],
        [REPLACE, "drop_column"],
    ),
    "key of one column": (
        LIVE.replace("title: Mapped[str]", "title: Mapped[str] = mapped_column(primary_key=True)"),
        LIVE,
        [REPLACE],
        [REPLACE],
    ),
    "key of another column": (
        LIVE,
        LIVE.replace("id: Mapped[int] = mapped_column(primary_key=True)", "id: Mapped[int]").replace(
            "title: Mapped[str]", "title: Mapped[str] = mapped_column(primary_key=True)"
        ),
        [REPLACE],
        [REPLACE],
    ),
    "joined-table subclass": (PARTS, parts("Lorry"), [CREATE] * 2, [DROP] * 2),
    "joined-table parent": (PARTS, parts("Vehicle"), [CREATE], [DROP]),
    "single-table subclass": (PARTS, parts("Van"), [CREATE], [DROP]),
    "single-table subclass's column": (
        parts("Van"),
        parts("Van").replace("    doors: Mapped[int | None]\n", ""),
        [REPLACE, "drop_column"],
        ["add_column", REPLACE],
    ),
    "column of a joined-table subclass": (
        parts("Lorry"),
        parts("Lorry").replace("    load: Mapped[int]\n", ""),
        [REPLACE, "drop_column"],
        ["add_column", REPLACE],
    ),
    "joined-table subclass dropped": (
        parts("Lorry").replace("class Vehicle", "@realtime\nclass Vehicle"),
        PARTS.partition("class Lorry")[0].replace("class Vehicle", "@realtime\nclass Vehicle")
        + "    doors: Mapped[int | None]\n",
        [DROP, "drop_table"],
        ["create_table", CREATE],
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_changes(project: Any, directions: Any, change: str) -> None:
    """Each change is written in order; applied it leaves nothing to do; downgraded it restores exactly."""
    before, after, up, down = CHANGES[change]
    project.migrate(before)
    stood = project.state()
    written = project.migrate(after)

    assert directions(written) == (up, down)
    project.check()
    reached = project.state()
    project.downgrade()
    assert project.state() == stood
    project.upgrade()
    project.check()
    assert project.state() == reached


@pytest.mark.parametrize("change", CHANGES)
def test_batch(project: Any, change: str) -> None:
    """With ``render_as_batch`` the same holds."""
    before, after, _, _ = CHANGES[change]
    project.options(render_as_batch=True)
    project.migrate(before)
    stood = project.state()
    project.migrate(after)

    project.check()
    project.downgrade()
    assert project.state() == stood


def by_driver(engine: Engine, sql: str) -> None:
    with engine.connect() as connection:
        connection.connection.cursor().execute(sql)
        connection.connection.commit()


def by_psql(engine: Engine, sql: str) -> None:
    command = [client_program("psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--dbname"]
    url = make_url(engine.url).set(drivername="postgresql").render_as_string(hide_password=False)
    done = subprocess.run([*command, url], input=sql, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("apply", [by_driver, by_psql])
@pytest.mark.parametrize("change", CHANGES)
def test_offline(project: Any, change: str, apply: Any) -> None:
    """The SQL of ``--sql``, as a script or piped into psql, does what the upgrade does."""
    before, after, _, _ = CHANGES[change]
    project.migrate(before)
    project.migrate(after)
    expected = catalog(project.engine)
    project.downgrade("base")
    run(project.engine, "DROP TABLE alembic_version")

    sql = project.sql()
    apply(project.engine, sql)

    assert catalog(project.engine) == expected
    assert "%%" not in sql
    project.check()
