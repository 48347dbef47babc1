"""What an import brings with it."""

import subprocess
import sys

import pytest

_FRAMEWORKS = {"alembic", "flask", "flask_admin", "flask_socketio", "socketio", "gevent", "redis", "pydantic"}


@pytest.mark.parametrize("statement", ["import sa_notify", "from sa_notify import realtime, ChangeSet"])
def test_models_need_sqlalchemy_alone(statement: str) -> None:
    """A module of models that imports sa_notify imports no framework."""
    program = f"{statement}; import sys; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout

    assert _FRAMEWORKS.isdisjoint(loaded.split())
