"""Pages in Chromium, and what they show."""

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from tests.chromium import launched, opened

#: Two heartbeats after which a page that hears nothing has to say so.
OFFLINE_SECONDS = 4.0
_SHOWN = "document.getElementById('rows').innerText"
_COMPLETE = "saw.state === 'live' && saw.marker >= 0 && saw.rows.length > 0"


@dataclass
class Tab:
    """A page; read by the thread that opened it alone."""

    page: Any
    seen: dict[str, Any] = field(default_factory=dict)
    frozen: bool = False
    offline_since: float | None = None

    def look(self) -> None:
        """Read state and content at one moment."""
        if not self.frozen:
            self.seen = self.page.evaluate("structuredClone(saw)")

    def freeze(self) -> None:
        """Have it do nothing; nobody can see it."""
        self.frozen = True
        self._become("frozen")

    def thaw(self) -> None:
        """Have it go on."""
        self._become("active")
        # what its timers and its socket owe comes first
        self.page.evaluate("new Promise((resolve) => setTimeout(resolve, 500))")
        self.frozen = False
        self.look()

    def go_offline(self) -> None:
        """Take its network away."""
        self.offline_since = time.monotonic()
        self.page.context.set_offline(True)

    def come_back(self) -> None:
        """Give its network back."""
        self.page.context.set_offline(False)
        self.offline_since = None

    def pretends(self, patience: float) -> bool:
        """Whether it says it is live long after it was cut off."""
        since = self.offline_since
        return since is not None and self.live and time.monotonic() - since > OFFLINE_SECONDS * patience

    def differs_from_reload(self) -> str | None:
        """How, if what it shows is not what a person gets who opens it anew."""
        other = self.page.context.new_page()
        try:
            other.goto(self.page.url)
            other.wait_for_function(_COMPLETE, timeout=30_000)
            shown, anew = self.page.evaluate(_SHOWN), other.evaluate(_SHOWN)
        finally:
            other.close()
        return None if shown == anew else f"{shown!r} instead of {anew!r}"

    def _become(self, state: str) -> None:
        session = self.page.context.new_cdp_session(self.page)
        session.send("Page.setWebLifecycleState", {"state": state})
        session.detach()

    @property
    def live(self) -> bool:
        return not self.frozen and bool(self.seen["state"] == "live" and self.seen["marker"] >= 0)

    @property
    def mark(self) -> int:
        return int(self.seen["marker"])


class Tabs:
    """A page on each of these servers."""

    def __init__(self, urls: list[str]) -> None:
        self._urls, self._stack = urls, ExitStack()

    def __enter__(self) -> Self:
        with self._stack:
            browser = self._stack.enter_context(launched())
            self.tabs = []
            for n, url in enumerate(self._urls):
                page = self._stack.enter_context(opened(browser, f"faults-{n}"))
                page.goto(f"{url}/faults")
                self.tabs.append(Tab(page))
                self.tabs[-1].look()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(exc_type, exc, trace)
