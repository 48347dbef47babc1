"""A live list in Chromium beside the same address loaded anew."""

import difflib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Route

SHAPE = Path(__file__).with_name("shape.js").read_text("utf-8").strip()
PATIENCE_MS = 20_000

Lines = list[str]


class Tab:
    """A page that is open and live."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url

    def open(self) -> None:
        """Load it, and wait until it is live; loading it again would lose the mark."""
        self.page.add_init_script("window.sentinel = () => { window.ran = true; }")
        self.page.goto(self.url)
        self.wait_live()
        self.page.evaluate("window.notReloaded = true")

    def wait_live(self) -> None:
        self.page.wait_for_selector(
            "#sa-notify-status[data-state=live]", state="attached", timeout=PATIENCE_MS
        )

    def lines(self) -> Lines:
        found: Lines = self.page.evaluate(f"({SHAPE})(document)")
        return found

    def wait_for(self, expected: Lines) -> str:
        """Wait until it shows this; the difference, where it does not come to that.

        In mode "rows", what waits is shown as soon as the banner offers it.
        """
        return self._wait(lambda: self._show_waiting() or difference(self.lines(), expected))

    def _show_waiting(self) -> str:
        self.page.evaluate('document.querySelector("#sa-notify-banner:not([hidden]) button:enabled")?.click()')
        return ""

    def rows_differ(self, reloaded: Lines) -> str:
        """Mode "rows": wait until the rows that are on the page are those of the reloaded one."""
        fresh = _rows(reloaded)
        return self._wait(
            lambda: "\n".join(
                difference(lines, fresh[key]) for key, lines in _rows(self.lines()).items() if key in fresh
            ).strip()
        )

    def _wait(self, wrong: Callable[[], str]) -> str:
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while (found := wrong()) and time.monotonic() < deadline:
            self.page.wait_for_timeout(50)
        return found

    def state(self) -> dict[str, Any]:
        """What must be so all the time."""
        found: dict[str, Any] = self.page.evaluate(
            "({notReloaded: window.notReloaded === true, ran: window.ran === true,"
            ' dot: document.getElementById("sa-notify-status").dataset.state})'
        )
        return found


class Mirror:
    """Loads addresses anew, without the library: what Flask-Admin alone shows."""

    def __init__(self, page: Page) -> None:
        self._page = page
        page.add_init_script("window.sentinel = () => { window.ran = true; }")
        page.route("**/sa_notify/static/sa_notify.js*", _nothing)

    def lines(self, url: str) -> Lines:
        self._page.goto(url)
        found: Lines = self._page.evaluate(f"({SHAPE})(document)")
        assert not self._page.evaluate("window.ran === true"), f"markup of a value ran when {url} was loaded"
        return found


def _rows(lines: Lines) -> dict[str, Lines]:
    """The lines of each row, by its key."""
    found: dict[str, Lines] = {}
    key = ""
    for line in lines:
        if not line.startswith("  "):
            key = line.removeprefix("row ") if line.startswith("row ") else ""
        found.setdefault(key, []).append(line)
    found.pop("", None)
    return found


def difference(live: Lines, reloaded: Lines) -> str:
    return "\n".join(difflib.unified_diff(live, reloaded, "live", "reloaded", lineterm="", n=1))


def _nothing(route: Route) -> None:
    route.fulfill(body="", content_type="text/javascript")
