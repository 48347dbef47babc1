"""The list stays that of the person who looks at it, whatever is written meanwhile."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Locator, Page, expect

from tests.admin.applications import execute
from tests.admin.visitor import furnish_again, furnished
from tests.artifacts import artifact
from tests.chromium import opened
from tests.databases import fresh_database
from tests.serving import serve

# Flask-Admin gives WTForms its choices as tuples, which WTForms 3.3 wants replaced.
pytestmark = pytest.mark.filterwarnings(
    "ignore:(Passing SelectField choices|Yielding raw tuples):DeprecationWarning"
)

PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)


class Shelf:
    """A list in a browser, with the database behind it."""

    def __init__(self, page: Page, url: str, app: Flask) -> None:
        self.page, self._url, self._app = page, url, app

    def open(self, path: str) -> None:
        """Load a list and wait until it is live."""
        self.page.goto(f"{self._url}{path}")
        self.page.wait_for_selector("#sa-notify-status[data-state=live]", timeout=PATIENCE_MS)
        self.page.evaluate("window.notReloaded = true")

    def sql(self, sql: str, **values: Any) -> None:
        execute(self._app, sql, **values)

    def cell(self, key: int, column: str) -> Locator:
        return self.page.locator(f"[id='sa-row:{key}:col-{column}']")

    def enter(self, key: int, title: str = "A Title") -> None:
        """Have a row come in first place, and wait for it."""
        self.sql(
            "INSERT INTO book (id, title, kind, genre, done) VALUES (:k, :t, 'ESSAY', 'a', false)",
            k=key, t=title,
        )  # fmt: skip
        expect(self.cell(key, "title")).to_contain_text(title)


@pytest.fixture(scope="module")
def served(pg_server: str) -> Iterator[tuple[str, Flask]]:
    """The library under gunicorn."""
    with (
        fresh_database(pg_server) as database_url,
        furnished(database_url) as app,
        serve("tests.apps.wsgi_library:app", workers=1, env={"DATABASE_URL": database_url}) as url,
    ):
        yield url, app


@pytest.fixture
def shelf(served: tuple[str, Flask], page: Page) -> Iterator[Shelf]:
    """The books as they were seeded."""
    url, app = served
    yield Shelf(page, url, app)
    furnish_again(app)
    assert page.evaluate("window.notReloaded") is True


def test_what_is_open_stays_open(shelf: Shelf) -> None:
    """Menus of filters, page sizes and actions, a modal, half a search: rows change and come around them."""
    page = shelf.page
    shelf.open("/admin/editable/?sort=1")
    page.get_by_placeholder("title").fill("half a wo")
    for number, menu in enumerate(["Add Filter", "7 items", "With selected"]):
        page.locator("a.dropdown-toggle", has_text=menu).click()
        shelf.enter(500 - number, f"!{number}")
        expect(page.locator(".dropdown-menu.show")).to_be_visible()
        page.keyboard.press("Escape")
    assert page.get_by_placeholder("title").input_value() == "half a wo"

    page.locator("[id='sa-row:498'] .fa-eye").click()
    expect(page.locator("#fa_modal_window .modal-body, #fa_modal_window table").first).to_be_visible()
    shelf.sql("UPDATE book SET title = '!! changed' WHERE id = 499")
    expect(shelf.cell(499, "title")).to_contain_text("!! changed")
    shelf.enter(1, "!")
    expect(page.locator("#fa_modal_window")).to_be_visible()


def test_focus_selection_and_scroll_survive(shelf: Shelf) -> None:
    """A row that moves keeps the focus; text that is selected stays so; what is in view does not jump."""
    page = shelf.page
    page.set_viewport_size({"width": 420, "height": 420})
    shelf.open("/admin/plain/?sort=1&page_size=20")
    page.evaluate(
        """() => {
            const rows = [...document.querySelectorAll("tr[data-sa-key]")];
            window.title = (row) => row.querySelector(".col-title").firstChild;
            const [first, last] = [title(rows[8]), title(rows[10])];
            document.getSelection().setBaseAndExtent(first, 4, last, last.data.trimEnd().length);
            rows[9].querySelector("input.action-checkbox").focus({preventScroll: true});
            rows[9].scrollIntoView({block: "center"});
            document.querySelector(".table-responsive").scrollLeft = 90;
            window.watched = rows[9];
        }"""
    )
    look = """() => ({
        top: Math.round(watched.getBoundingClientRect().top),
        left: Math.round(document.querySelector(".table-responsive").scrollLeft),
        selected: document.getSelection().toString().match(/Title|script/g)?.length,
        focus: document.activeElement.closest("tr")?.dataset.saKey,
    })"""
    before = page.evaluate(look)
    assert before["left"] == 90
    assert before["selected"] > 0
    shelf.enter(1, "!")
    shelf.sql("UPDATE book SET price = 77 WHERE id = :k", k=int(before["focus"]))
    expect(shelf.cell(int(before["focus"]), "price")).to_have_text("77.00")
    assert page.evaluate(look) == before
    # the text itself changes, as far as it is selected and elsewhere
    page.evaluate("document.getSelection().setBaseAndExtent(title(watched), 40, title(watched), 60)")
    shelf.sql("UPDATE book SET title = title || ' and more' WHERE id = :k", k=int(before["focus"]))
    expect(shelf.cell(int(before["focus"]), "title")).to_contain_text("and more")
    selected = page.evaluate("[document.getSelection().anchorOffset, document.getSelection().toString()]")
    assert selected[0] == 40
    assert selected[1].strip()
    # the row itself moves down by one
    shelf.sql("UPDATE book SET title = title || '.' WHERE id = :k", k=int(before["focus"]))
    expect(shelf.cell(int(before["focus"]), "title")).to_contain_text(".")
    shelf.enter(2, "!!")
    assert page.evaluate(look)["focus"] == before["focus"]


def test_a_row_under_edit_is_marked_not_overwritten(shelf: Shelf) -> None:
    """An editor keeps its text and the focus while its cell changes, its row moves and goes; that is said."""
    page = shelf.page
    shelf.open("/admin/editable/?sort=1")
    key = int(page.locator("tr[data-sa-key]").nth(3).get_attribute("data-sa-key") or 0)
    cell, editor = shelf.cell(key, "title"), page.locator(".editable-input input")
    cell.locator("a").first.click()
    editor.fill("mine")
    shelf.sql("UPDATE book SET title = '!<img src=x onerror=window.ran=true>' WHERE id = :k", k=key)
    expect(cell.locator(".sa-notify-changed")).to_have_text(
        "Changed to: !<img src=x onerror=window.ran=true>"
    )
    shelf.enter(1, "!!")
    page.screenshot(path=artifact("admin-row-under-edit.png"))
    expect(editor).to_have_value("mine")
    expect(editor).to_be_focused()
    shelf.sql("UPDATE book SET title = 'zzz' WHERE id = :k", k=key)
    expect(page.locator(f"[id='sa-row:{key}']")).to_contain_text("This row has left the page")
    expect(editor).to_have_value("mine")
    with page.expect_response("**/ajax/update/"):
        page.keyboard.press("Enter")
    expect(cell).to_have_count(0)
    assert page.evaluate("window.ran") is None


def test_editors_know_what_they_may_offer(shelf: Shelf) -> None:
    """Typing into an editor after remote changes saves over the new value, not the old one."""
    page = shelf.page
    shelf.open("/admin/editable/?sort=0")
    shelf.sql("UPDATE book SET title = 'theirs', done = true WHERE id = 3")
    expect(shelf.cell(3, "title")).to_have_text("theirs")
    shelf.cell(3, "title").locator("a").first.click()
    expect(page.locator(".editable-input input")).to_have_value("theirs")
    page.locator(".editable-input input").fill("mine")
    page.keyboard.press("Enter")
    expect(shelf.cell(3, "title")).to_have_text("mine")


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_changes_flash_as_the_person_wants_and_columns_stay_put(shelf: Shelf, motion: Any) -> None:
    """A changed cell flashes, without motion for whoever asks for that; no column moves."""
    page = shelf.page
    page.emulate_media(reduced_motion=motion)
    shelf.open("/admin/plain/?sort=1&page_size=20")
    widths = "() => [...document.querySelectorAll('thead th')].map((th) => th.getBoundingClientRect().width)"
    shelf.sql("UPDATE book SET title = repeat('long ', 12)")
    expect(shelf.cell(3, "title")).to_contain_text("long long")
    before = page.evaluate(widths)
    shelf.sql("UPDATE book SET title = 'x' WHERE title LIKE 'long%'")
    expect(shelf.cell(3, "title")).to_have_text("x")
    flash = page.evaluate(
        """() => {
            const cell = document.querySelector("td[data-sa-flash]");
            const {animationName, backgroundColor} = getComputedStyle(cell);
            return {animationName, isColoured: backgroundColor !== "rgba(0, 0, 0, 0)"};
        }"""
    )
    assert flash["animationName"] == ("none" if motion == "reduce" else "sa-notify-flash")
    assert motion != "reduce" or flash["isColoured"]
    assert page.evaluate(widths) == pytest.approx(before, abs=1)
    page.screenshot(path=artifact(f"admin-flash-{motion}.png"))


def test_a_strict_policy_has_nothing_to_report_of_ours(served: tuple[str, Flask], browser: Browser) -> None:
    """Under a policy of nonces the list is live, and reports what Flask-Admin's own handlers do, no more."""
    url, app = served
    with opened(browser, "strict") as page:
        page.context.add_cookies([{"name": "strict", "value": "1", "url": url}])
        page.add_init_script(_REPORTS)
        page.route("**/sa_notify.js*", lambda route: route.fulfill(body="", content_type="text/javascript"))
        page.goto(f"{url}/admin/editable/?sort=1")
        without = page.evaluate("window.reports")
        assert without  # the policy is there
        page.unroute("**/sa_notify.js*")
        shelf = Shelf(page, url, app)
        shelf.open("/admin/editable/?sort=1")
        shelf.enter(900, "!")
        shelf.sql("UPDATE book SET title = '!!' WHERE id = 900")
        expect(shelf.cell(900, "title")).to_have_text("!!")
        reports = page.evaluate("window.reports")
        assert {report for report in reports if report not in without} == set()
        assert "script-src-attr inline" in reports
    execute(app, "DELETE FROM book WHERE id = 900")


_REPORTS = """
window.reports = [];
document.addEventListener("securitypolicyviolation", ({effectiveDirective, blockedURI, sourceFile}) => {
  const whose = sourceFile.includes("sa_notify") ? " of sa_notify" : "";
  window.reports.push(`${effectiveDirective} ${blockedURI}${whose}`);
});
"""
