"""What is written into a revision file: Python that says the same wherever and whenever it is run."""

import ast
import subprocess
import sys
from typing import Any

import pytest

from sa_notify.alembic import operations
from sa_notify.capture import spec, template
from sa_notify.capture.spec import TriggerParams
from tests.alembic.catalog import catalog

LIVE = """
@realtime(carry=["title", "secret"])
class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    secret: Mapped[str]
"""
ODD = [
    "User", "two words", "a.b", "per%cent", "per%(cent)s", 'quo"te', "it's", "a:b", ":b", "$$", "$sa_notify$",
    "{{hole}}", "${mako}", "back\\slash", "tab\tand\nline", "Größe", "表", "☃", "x" * 63, "é" * 31, "select",
]  # fmt: skip


def odd_model(name: str) -> str:
    return f"""
realtime(carry=[{name!r}], exclude=["other"])(Table(
    {name!r}, Base.metadata,
    Column("id", Text, primary_key=True), Column({name!r}, Text), Column("other", Text),
))
"""


def compiled(path: Any) -> None:
    """As an application that turns warnings into errors would."""
    command = [sys.executable, "-W", "error", "-m", "py_compile", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("name", ODD)
def test_odd_names(project: Any, name: str) -> None:
    """Whatever a table and its columns are called, they are written, applied, found again and removed."""
    # Mako and ConfigParser have no part in it: the name stands in the revision's text alone
    written = project.migrate(odd_model(name))
    (path,) = (project.folder / "migrations" / "versions").glob("*.py")

    ast.parse(written)
    compiled(path)
    project.check()
    reached = catalog(project.engine)
    project.downgrade("base")
    assert project.state() == []
    project.metadata().create_all(project.engine)
    assert catalog(project.engine) == reached


def arguments(node: ast.expr) -> list[ast.expr]:
    """The keyword arguments' values of a call, those of ``dict(...)`` in it too."""
    values = [keyword.value for keyword in node.keywords] if isinstance(node, ast.Call) else []
    return [leaf for value in values for leaf in arguments(value) or [value]]


def test_literals(project: Any) -> None:
    """Operations hold one parameter a line and nothing but literals; no model is imported."""
    project.migrate(LIVE)
    written = project.migrate(LIVE.replace("carry=", "bulk_limit=5, always=True, carry="))
    tree = ast.parse(written)
    calls = [
        n.value for n in ast.walk(tree) if isinstance(n, ast.Expr) and "_notify_trigger" in ast.unparse(n)
    ]

    assert len(calls) == 2
    for call in calls:
        leaves = arguments(call)
        lines = [leaf.lineno for leaf in leaves]
        assert len(leaves) > 9 and [ast.literal_eval(leaf) for leaf in leaves]
        assert len(set(lines)) == len(lines)
    assert "models" not in written and "sa_notify" not in written


def test_tables_carry_no_options(project: Any) -> None:
    """``op.create_table()`` is written as for any model: options are kept elsewhere."""
    written = project.migrate(LIVE)

    assert "info=" not in written and "TriggerSpec" not in written


def test_stable_text(project: Any) -> None:
    """Two runs write the same, in whatever order options are given."""
    project.migrate(LIVE.replace('(carry=["title", "secret"])', ""))
    written = []
    for carry in ('["title", "secret"]', '("secret", "title")', '{"secret", "title"}'):
        project.models(LIVE.replace('["title", "secret"]', carry))
        written.append(project.revision().split("def upgrade")[1])
        (path,) = (project.folder / "migrations" / "versions").glob(f"000{len(written) + 1}*.py")
        path.unlink()

    assert len(set(written)) == 1


@pytest.fixture
def newer_release(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes this release one whose newest template is 3."""

    def upgrade() -> None:
        read = template.catalog_sql.__wrapped__

        def both(name: str) -> str:
            sql = read(name.replace("v3/", "v2/"))
            return sql.replace("-- sa_notify:2 ", "-- sa_notify:3 ") if "v3/" in name else sql

        monkeypatch.setattr(template, "catalog_sql", both)
        for module in (spec, operations):
            monkeypatch.setattr(module, "TEMPLATES", (1, 2, 3))
        *others, _ = TriggerParams.__init__.__defaults__ or ()
        monkeypatch.setattr(TriggerParams.__init__, "__defaults__", (*others, 3))

    yield upgrade
    template.blocks.cache_clear()
    template.version.cache_clear()


def test_template_is_frozen(project: Any, newer_release: Any) -> None:
    """A newer release writes a change of template; older revisions go on to install what they did."""
    project.migrate(LIVE)
    stood = project.state()
    newer_release()
    written = project.migrate(LIVE)

    assert written.count("op.replace_notify_trigger(") == 2
    assert written.count("template=3,") == written.count("template=2,") == 2
    assert {row[2].split()[1] for row in project.state()} == {"sa_notify:3"}
    project.check()
    project.downgrade()
    assert project.state() == stood
    project.downgrade("base")
    project.upgrade("0001")
    assert project.state() == stood
