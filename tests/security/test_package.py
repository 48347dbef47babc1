"""What package and database must not have: code that is read from data, rights that can be borrowed."""

import ast
import re
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path

from sqlalchemy import Column, Engine, Integer, MetaData, Table, text

import sa_notify
from sa_notify import realtime
from tests.readme import readme_blocks

_PACKAGE = Path(sa_notify.__file__).parent
_MODULES = sorted(_PACKAGE.rglob("*.py"))
#: What makes code of data.
_LOADERS = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "marshal", "shelve", "jsonpickle", "yaml"}
_EVALUATORS = {"eval", "exec", "compile", "__import__"}


def _used(path: Path) -> Iterator[str]:
    """Top-level names of what a module imports, and plain functions that it calls."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id


def test_no_module_makes_code_of_data() -> None:
    """No pickle nor anything like it is imported, nothing is evaluated."""
    used = {(path.relative_to(_PACKAGE), name) for path in _MODULES for name in _used(path)}
    assert {name for _, name in used} >= {"json", "isinstance"}
    assert [each for each in sorted(used) if each[1] in _LOADERS | _EVALUATORS] == []


def test_releases_that_could_be_made_to_load_pickles_are_refused() -> None:
    """CVE-2025-61765, CVE-2026-48804 are mended in python-socketio 5.18.1; Flask-SocketIO asks for less."""
    asked = [line for line in requires("sa-notify") or () if line.startswith("python-socketio>=")]
    assert asked
    for line in asked:
        found = re.match(r"python-socketio>=(\d+)\.(\d+)\.(\d+)", line)
        assert found and tuple(map(int, found.groups())) >= (5, 18, 1)


def test_functions_with_their_owners_rights_have_a_search_path(engine: Engine) -> None:
    """All do, so that no writer's table or operator is taken for another; nobody else may call these."""
    metadata = MetaData()
    for delivery in ("outbox", "notify"):
        table = Table(f"of_{delivery}", metadata, Column("id", Integer, primary_key=True))
        realtime(table, delivery=delivery, always=True)
    metadata.create_all(engine)
    found = text(
        """
        SELECT p.proname, p.prosecdef, coalesce(p.proconfig, '{}') AS settings,
          has_function_privilege('public', p.oid, 'EXECUTE') AS anybody
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
        """
    )
    with engine.connect() as connection:
        functions = connection.execute(found).all()
    assert {function.prosecdef for function in functions} == {True, False}
    for function in functions:
        assert "search_path=pg_catalog, pg_temp" in function.settings, function.proname
        assert not (function.prosecdef and function.anybody), function.proname


def test_documents_give_the_same_rights() -> None:
    """What README's script grants, under which the triggers' tests run, is what docs/security.md says."""
    assert readme_blocks("permissions") == readme_blocks("permissions", "docs/security.md") != {}
