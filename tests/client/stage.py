"""An open list page: a real browser and bundle, a real Flask-Admin page, and a played socket."""

import time
from typing import Any

from playwright.sync_api import Locator, Page, Route
from sqlalchemy import insert

from tests.client.site import Item, Site
from tests.client.wire import Window, Wire

ORIGIN = "http://app.test"

#: What a list page shows; what a reload would show is read by the same function.
SHAPE = """(root) => ({
  rows: [...root.querySelectorAll("table.model-list tbody tr")].map((tr) => [...tr.cells].map((td) => {
    const editable = td.querySelector("[data-role^='x-editable']");
    if (editable?.dataset.role === "x-editable-boolean") return editable.dataset.value;
    if (editable) return [editable.textContent, editable.dataset.value, editable.dataset.pk];
    return td.innerHTML.trim();
  })),
  tab: root.querySelector("ul.nav-tabs a.nav-link.active").textContent,
  pager: root.querySelector("#sa-notify-pager").innerHTML.trim(),
})"""

_SAME = f"""async () => {{
  const shape = {SHAPE};
  const html = await (await fetch(location.href, {{headers: {{"X-Test": "1"}}}})).text();
  const fresh = new DOMParser().parseFromString(html, "text/html");
  fresh.querySelectorAll("template").forEach((template) => template.remove());
  return JSON.stringify(shape(document)) === JSON.stringify(shape(fresh));
}}"""


class Stage:
    """A site with ``count`` items, its list page open and live."""

    def __init__(self, page: Page, mode: str = "query", *, count: int = 15, **options: bool) -> None:
        self.page = page
        self.site = Site(mode, **options)
        page.context.on("close", lambda _: self.site.close())
        if count:
            self.site.write(insert(Item).values([_item(number) for number in range(1, count + 1)]))
        self.fetched_at: list[float] = []
        self.answer: dict[str, Any] | None = None
        self.wire = Wire(page, self._window_of)
        self._client = self.site.app.test_client()
        page.route(f"{ORIGIN}/**", self._served)
        page.goto(f"{ORIGIN}/admin/item/")
        self.wait_state("live")

    def change(self, *statements: Any) -> None:
        """Write and have the live queries say so."""
        self.site.write(*statements)
        self.wire.publish()

    def wait_same(self) -> None:
        """The open page becomes what a reload would show."""
        deadline = time.monotonic() + 30
        # wait_for_function would take the promise itself for an answer
        while not self.page.evaluate(_SAME):
            assert time.monotonic() < deadline, self.page.evaluate(f"({SHAPE})(document)")

    def wait_state(self, state: str) -> None:
        self.page.wait_for_selector(
            f"#sa-notify-status[data-state={state}]", state="attached", timeout=30_000
        )

    def keys(self) -> list[str]:
        script = "[...document.querySelectorAll('tr[data-sa-key]')].map((tr) => tr.dataset.saKey)"
        return list(self.page.evaluate(script))

    def cell(self, key: int, column: str) -> Locator:
        return self.page.locator(f"[id='sa-row:{key}:col-{column}']")

    @property
    def fetches(self) -> int:
        """How often the page was fetched in the background."""
        return len(self.fetched_at)

    @property
    def editor(self) -> Locator:
        """The text field of the open inline editor, wherever on the page x-editable puts it."""
        return self.page.locator(".editable-input input")

    def _window_of(self, asked: dict[str, Any]) -> Window:
        kind, _, keys = asked["token"].partition(":")
        return self.site.window(keys.split() if kind == "rows" else None)

    def _served(self, route: Route) -> None:
        request = route.request
        background = request.headers.get("x-sa-notify") == "1"
        if background:
            self.fetched_at.append(time.monotonic())
        if background and self.answer is not None:
            route.fulfill(**self.answer)
            return
        path = request.url.removeprefix(ORIGIN)
        answer = self._client.open(
            path, method=request.method, data=request.post_data, headers=_passed(request.headers)
        )
        route.fulfill(status=answer.status_code, headers=dict(answer.headers), body=answer.data)
        answer.close()


def _item(number: int) -> dict[str, Any]:
    return {"id": number, "rank": number * 10, "title": f"item <{number}> & more", "done": False}


def _passed(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name in ("content-type", "x-sa-notify")}
