"""The suites of sources and their followers again, in a process that gevent has patched."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_PATCHED = """
from gevent import monkey
monkey.patch_all()
import sys, pytest
sys.exit(pytest.main(sys.argv[1:]))
"""


@pytest.mark.parametrize("suite", ["tests/source/test_contract.py", "tests/dispatch/test_following.py"])
def test_under_gevent(pg_server: str, redis_url: str, suite: str) -> None:
    """Every promise holds under gevent too."""
    env = {
        **os.environ, "SA_NOTIFY_TEST_COLOURS": "gevent", "SA_NOTIFY_TEST_DATABASE_URL": pg_server,
        "SA_NOTIFY_TEST_REDIS_URL": redis_url,
    }  # fmt: skip
    options = ["-q", "-p", "no:cacheprovider", "-W", "ignore:Monkey-patching:Warning"]
    done = subprocess.run(
        [sys.executable, "-c", _PATCHED, *options, suite],
        cwd=_ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, (done.stdout + done.stderr)[-5000:]
    assert " passed" in done.stdout
