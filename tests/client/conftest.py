"""The browser library under test is the one that its sources make."""

import subprocess
import sys
from pathlib import Path

import pytest

_BUILD = Path(__file__).parents[2] / "sa_notify" / "client" / "bundle.py"


@pytest.fixture(scope="session", autouse=True)
def bundle() -> None:
    """The bundle, built anew if the sources have changed since."""
    done = subprocess.run([sys.executable, _BUILD], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
