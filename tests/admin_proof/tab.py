"""A live list in Chromium beside the same address loaded anew."""

import difflib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Request, Route, TimeoutError as TooLate

SHAPE = Path(__file__).with_name("shape.js").read_text("utf-8").strip()
PATIENCE_MS = 45_000
#: A machine that has much else to do.
LOADING_MS = 120_000

Lines = list[str]

#: Whether Flask-Admin's own scripts have done what they do to a page.
_DRESSED = "document.querySelector(\"[data-role^='x-editable']:not(.editable)\") === null"


_SAME = f"""(expected) => {{
  document.querySelector("#sa-notify-banner:not([hidden]) button:enabled")?.click();
  return JSON.stringify(({SHAPE})(document)) === JSON.stringify(expected);
}}"""
_SAME_ROWS = f"""(expected) => {{
  const rows = (lines) => {{
    const found = new Map();
    let key = "";
    for (const line of lines) {{
      if (!line.startsWith("  ")) key = line.startsWith("row ") ? line.slice(4) : "";
      if (key) found.set(key, `${{found.get(key) ?? ""}}${{line}}\\n`);
    }}
    return found;
  }};
  const [live, fresh] = [rows(({SHAPE})(document)), rows(expected)];
  return [...live].every(([key, text]) => !fresh.has(key) || fresh.get(key) === text);
}}"""


class Tab:
    """A page that is open and live."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        page.set_default_timeout(LOADING_MS)
        #: How often the page has fetched itself.
        self.fetches = 0
        #: What its scripts have thrown since it was loaded with all of them.
        self.errors: list[str] = []
        page.on("request", self._asked)
        page.on("pageerror", lambda error: self.errors.append(str(error.stack)))

    def open(self) -> None:
        """Load it, and wait until it is live; loading it again would lose the mark."""
        self.page.add_init_script("window.sentinel = () => { window.ran = true; }")
        _load(self.page, self.url, self.errors.clear)
        self.wait_live()
        self.page.evaluate("window.notReloaded = true")

    def wait_live(self) -> None:
        self.page.wait_for_selector(
            "#sa-notify-status[data-state=live]", state="attached", timeout=PATIENCE_MS
        )

    def _asked(self, request: Request) -> None:
        self.fetches += request.headers.get("x-sa-notify") == "1"

    def lines(self) -> Lines:
        found: Lines = self.page.evaluate(f"({SHAPE})(document)")
        return found

    def wait_for(self, expected: Lines) -> str:
        """Wait until it shows this; the difference, where it does not come to that.

        In mode "rows", what waits is shown as soon as the banner offers it.
        """
        return (
            ""
            if self._comes_to(_SAME, expected)
            else difference(self.lines(), expected) or "it came too late"
        )

    def rows_differ(self, reloaded: Lines) -> str:
        """Mode "rows": wait until the rows that are on the page are those of the reloaded one."""
        if self._comes_to(_SAME_ROWS, reloaded):
            return ""
        fresh = _rows(reloaded)
        wrong = (difference(lines, fresh[key]) for key, lines in _rows(self.lines()).items() if key in fresh)
        return "\n".join(wrong).strip() or "they came too late"

    def _comes_to(self, check: str, expected: Lines) -> bool:
        try:
            self.page.wait_for_function(check, arg=expected, timeout=PATIENCE_MS, polling=100)
        except TooLate:
            return False
        return True

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
        page.set_default_timeout(LOADING_MS)
        page.add_init_script("window.sentinel = () => { window.ran = true; }")
        page.route("**/sa_notify/static/sa_notify.js*", _nothing)

    def lines(self, url: str) -> Lines:
        _load(self._page, url, lambda: None)
        found: Lines = self._page.evaluate(f"({SHAPE})(document)")
        assert not self._page.evaluate("window.ran === true"), f"markup of a value ran when {url} was loaded"
        return found


def _load(page: Page, url: str, begun: Callable[[], None]) -> None:
    """Load a page, again where a busy machine has dropped one of its scripts, without which others throw."""
    for _ in range(5):
        begun()
        page.goto(url)
        if page.evaluate(_DRESSED):
            return
    raise AssertionError(f"{url} does not load its scripts")


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
