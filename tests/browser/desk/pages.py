"""Pages of one record, open in a real browser while other connections write."""

from typing import Any

from flask import Flask
from playwright.sync_api import Locator, Page, expect

from tests.admin.applications import execute

#: What a form would submit at this moment.
ENTRIES = (
    """(form) => JSON.stringify([...new FormData(form)].filter(([name]) => name !== "csrf_token").sort())"""
)
_FRESH = f"""async (form) => {{
  const html = await (await fetch(location.href)).text();
  const fresh = new DOMParser().parseFromString(html, "text/html").querySelector("form.admin-form");
  return ({ENTRIES})(fresh);
}}"""
#: Remembers, over all pages, what notices have said.
_LISTEN = """
  document.addEventListener("DOMContentLoaded", () => {
    new MutationObserver(() => {
      const said = [...document.querySelectorAll(".sa-notify-notice:not(:empty), .sa-notify-conflict")];
      const before = sessionStorage.getItem("said") ?? "";
      sessionStorage.setItem("said", before + said.map((one) => one.textContent).join(""));
    }).observe(document.body, {subtree: true, childList: true});
  });
"""


def cell(page: Page, label: str, inside: str = "body") -> Locator:
    """The cell beside a label."""
    row = page.locator(f"{inside} table.searchable tr:has(td:first-child:has-text('{label}'))")
    return row.locator("td:nth-child(2)")


class Desk:
    """The served application, one of its pages open, and the database behind it."""

    def __init__(self, url: str, app: Flask, page: Page) -> None:
        self.url = url
        self.app = app
        self.page = page
        page.add_init_script(_LISTEN)

    def sql(self, sql: str, **values: Any) -> None:
        """Write on a connection that has nothing to do with the application."""
        execute(self.app, sql, **values)

    def open(self, path: str) -> None:
        """Load a page and wait until it is live."""
        self.page.goto(self.url + path)
        self.wait_live()
        self.page.evaluate("window.notReloaded = true")

    def open_modal(self, path: str, title: str) -> None:
        """Load a list, and open the first row's modal."""
        self.open(path)
        self.page.locator(f'tr[data-sa-key="1"] a[title="{title}"]').click()
        self.page.wait_for_selector("#sa-notify-modal-status[data-state=live]")

    def wait_live(self) -> None:
        self.page.wait_for_selector("#sa-notify-status[data-state=live]")

    @property
    def form(self) -> Locator:
        return self.page.locator("form.admin-form")

    @property
    def notice(self) -> Locator:
        return self.page.locator(".sa-notify-notice")

    def conflict(self, field: str) -> Locator:
        return self.page.locator(f"#sa-notify-conflict-{field}")

    def field(self, name: str) -> Locator:
        return self.form.locator(f"[name={name}]")

    def entries(self) -> str:
        return str(self.form.evaluate(ENTRIES))

    def fresh_entries(self) -> str:
        """What the form would submit if it were loaded now."""
        return str(self.form.evaluate(_FRESH))

    def wait_untouched(self) -> None:
        """The form becomes what it would be if it were loaded now, and has not been loaded again."""
        self.page.wait_for_function(
            f"(entries) => ({ENTRIES})(document.querySelector('form.admin-form')) === entries",
            arg=self.fresh_entries(),
        )
        assert self.page.evaluate("window.notReloaded") is True

    def said(self) -> str | None:
        """What notices have said on any page so far."""
        found: str | None = self.page.evaluate("sessionStorage.getItem('said')")
        return found


expect.set_options(timeout=30_000)
