"""A real Chromium, driven by Playwright."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.artifacts import artifact
from tools.chromium import find

_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def launched() -> Iterator[Browser]:
    """A headless Chromium for as long as the block lasts; a missing one is a failure, not a skip."""
    path = find()
    if path is None:
        pytest.fail("No Chromium on this machine: run `python tools/chromium.py --install`", pytrace=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=_FLAGS)
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, name: str) -> Iterator[Page]:
    """A page of its own; an error in its scripts fails the test, its last look is kept as ``<name>.png``."""
    context = browser.new_context(viewport={"width": 1200, "height": 800})
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(f"{error.name}: {error.message}\n{error.stack}"))
    try:
        yield page
        page.screenshot(path=artifact(f"{name}.png"))
    finally:
        context.close()
    assert errors == []
