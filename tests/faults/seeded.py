"""``make seeded-bugs``: defects put into a copy of the tree, one at a time; each has to be found.

A check that can't fail proves nothing. Each defect names the checks that are to find it, the quick ones
first, and the run says which did. ``ONLY=proof`` runs those with that word in their name.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from tests.faults.bug import Bug
from tests.faults.bugs import BUGS

_ROOT: Final = Path(__file__).parents[2]
_COPIED: Final = ("sa_notify", "tests", "demo", "tools", "migrations", "pyproject.toml", "README.md", "docs")
_IGNORED: Final = shutil.ignore_patterns("node_modules", "__pycache__", ".artifacts")
#: A run of the fault lane: long enough for the fault and for what follows it.
_LANE_SECONDS: Final = 10
#: To find an example is enough here; the smallest one takes minutes.
_WITHOUT_SHRINKING: Final = """
from hypothesis import Phase, settings

settings.register_profile("seeded", phases=(Phase.explicit, Phase.generate), deadline=None)
"""


def main() -> int:
    """Run; the exit status tells of defects that nothing found."""
    parser = argparse.ArgumentParser(prog="make seeded-bugs")
    parser.add_argument("--only", default="", help="a part of the names of the defects to try")
    parser.add_argument("--since", default="", help="a part of the name of the first: what a run came to")
    options = parser.parse_args()
    found = [(bug, _caught(bug)) for bug in chosen(options.only, options.since)]
    missed = [bug.name for bug, by in found if by is None]
    print(f"{len(found) - len(missed)} of {len(found)} seeded bugs were caught")
    for name in missed:
        print(f"  NOT caught: {name}")
    return bool(missed)


def chosen(only: str, since: str) -> list[Bug]:
    """Those with a part of a name, from the first on that has another.

    :raises ValueError: when none has that.
    """
    first = next((n for n, bug in enumerate(BUGS) if since in bug.name), None)
    if first is None:
        raise ValueError(f"no bug is called {since!r}")
    return [bug for bug in BUGS[first:] if only in bug.name]


def _caught(bug: Bug) -> str | None:
    """The check that found it."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sa-notify-seeded-", ignore_cleanup_errors=True) as folder:
        copy = Path(folder)
        # servers that are started as another user have to get in
        copy.chmod(0o755)
        _copy(copy)
        file = copy / bug.file
        file.write_text(seeded(bug, file.read_text("utf-8")), "utf-8")
        with (copy / "tests" / "conftest.py").open("a", encoding="utf-8") as conftest:
            conftest.write(_WITHOUT_SHRINKING)
        by = next((told for check in bug.checks if (told := _run(check, copy))), None)
    print(f"{time.monotonic() - began:6.1f} s  {bug.name}: {by or 'NOT caught'}", flush=True)
    return by


def seeded(bug: Bug, text: str) -> str:
    """The file's text with the defect.

    :raises ValueError: when the place for it is not there any more.
    """
    if text.count(bug.old) != 1:
        raise ValueError(f"{bug.name}: {bug.file} has its place {text.count(bug.old)} times")
    return text.replace(bug.old, bug.new)


def _copy(target: Path) -> None:
    for name in _COPIED:
        source = _ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=_IGNORED)
        else:
            shutil.copy(source, target / name)


def _run(check: str, folder: Path) -> str | None:
    """What failed; ``None`` when all is well."""
    done = subprocess.run(
        [sys.executable, "-m", *_command(check)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return None
    if done.returncode != 1:
        raise RuntimeError(f"{check} can't be run:\n{(done.stdout + done.stderr)[-3000:]}")
    failed = re.search(r"^(?:FAILED|ERROR) (\S+)|^.*(VIOLATION.*)", done.stdout, re.MULTILINE)
    return f"{check}: {failed[2]:.120}" if failed and failed[2] else failed[1] if failed else check


def _command(check: str) -> list[str]:
    if check == "oracle":
        return ["tests.faults.oracle", "--batches", "3", "--clients", "2", "--seed", "1"]
    if check.startswith("faults:"):
        fault = check.partition(":")[2]
        lane = ["--seconds", str(_LANE_SECONDS), "--seed", "1", "--pages", "0", "--only", fault]
        return ["tests.faults", *lane]
    return ["pytest", "-x", "-q", "-n0", "-p", "no:cacheprovider", "--hypothesis-profile=seeded", check]


if __name__ == "__main__":
    sys.exit(main())
