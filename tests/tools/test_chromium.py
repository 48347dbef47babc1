"""How tests find a browser."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools import chromium


def test_the_environment_decides(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """SA_NOTIFY_CHROMIUM is taken before anything installed."""
    mine = tmp_path / "my-chromium"
    mine.touch(mode=0o755)
    monkeypatch.setenv("SA_NOTIFY_CHROMIUM", str(mine))

    assert chromium.find() == str(mine)


def test_a_wrong_path_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """A path that is not there is a mistake, not a reason to take another browser."""
    monkeypatch.setenv("SA_NOTIFY_CHROMIUM", "/not/there")

    with pytest.raises(SystemExit, match="no such program"):
        chromium.find()


def test_no_browser_says_what_to_do(tmp_path: Path) -> None:
    """Without any browser the program fails and names the ways to get one."""
    done = subprocess.run(
        [sys.executable, chromium.__file__],
        env={"PATH": str(tmp_path), "HOME": str(tmp_path), "PLAYWRIGHT_BROWSERS_PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "apt-get install chromium" in done.stderr
