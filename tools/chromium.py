"""Find a Chromium, or install one, and print its path.

Looks for SA_NOTIFY_CHROMIUM, an installed browser, and Playwright's own; ``--install`` gets one
from Playwright, else from the system's package manager when root. Needs Playwright for the last three.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_MEND = (
    "No Chromium found. Do one of: `apt-get install chromium`, `playwright install chromium`, "
    "or set SA_NOTIFY_CHROMIUM to the path of a Chromium or Chrome."
)


def find() -> str | None:
    """The path of a Chromium on this machine, or ``None``.

    :raises SystemExit: when SA_NOTIFY_CHROMIUM names a file that is not there.
    """
    if given := os.environ.get("SA_NOTIFY_CHROMIUM"):
        if shutil.which(given) is None:
            sys.exit(f"SA_NOTIFY_CHROMIUM={given}: no such program")
        return given
    installed = (shutil.which(name) for name in _NAMES)
    return next((path for path in installed if path), None) or _playwrights_own()


def require() -> str:
    """The path of a Chromium.

    :raises SystemExit: says what to do when there is none.
    """
    return find() or sys.exit(_MEND)


def _playwrights_own() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def _install() -> None:
    commands = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    if os.geteuid() == 0 and shutil.which("apt-get"):
        commands += [
            ["apt-get", "update", "-q"],
            ["apt-get", "install", "-q", "-y", "--no-install-recommends", "chromium"],
        ]
    for command in commands:
        if find() is None:
            print("+", *command, file=sys.stderr)
            subprocess.run(command, stdout=sys.stderr, check=False)


def main(*arguments: str) -> None:
    if "--install" in arguments and find() is None:
        _install()
    print(require())


if __name__ == "__main__":
    main(*sys.argv[1:])
