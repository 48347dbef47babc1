"""Flask-Admin lists in a real browser, over two gevent workers, while other connections write."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page

from tests.admin.applications import execute
from tests.admin.library import db
from tests.admin.visitor import furnish_again, furnished
from tests.artifacts import artifact
from tests.chromium import opened
from tests.databases import fresh_database
from tests.deliveries import DELIVERIES, delivered
from tests.serving import serve

# Flask-Admin gives WTForms its choices as tuples, which WTForms 3.3 wants replaced.
pytestmark = pytest.mark.filterwarnings(
    "ignore:(Passing SelectField choices|Yielding raw tuples):DeprecationWarning"
)

_TABLE = """() => ({
    count: document.querySelector("a.nav-link.active").textContent.trim(),
    rows: [...document.querySelectorAll("table.model-list tbody tr, table.model-list > tr")]
        .filter((tr) => tr.dataset.saKey !== undefined)
        .map((tr) => [tr.dataset.saKey, ...[...tr.cells].map((td) => td.innerText.trim())]),
    pager: (document.querySelector("#sa-notify-pager")?.innerText ?? "").replace(/\\s+/g, " ").trim(),
})"""
_WRITES = [
    "UPDATE book SET title = 'Title ' || (:k * 7 % 13) WHERE id = :k",
    "UPDATE book SET price = :k % 9, done = NOT done WHERE id = :k",
    "UPDATE book SET author_id = 1 + :k % 4 WHERE id > :k",
    "UPDATE author SET name = name || '*' WHERE id = 1 + :k % 4",
    "DELETE FROM book WHERE id = :k",
    "INSERT INTO book (title, kind, genre, done) VALUES ('Title ' || (:k % 13), 'NOVEL', 'b', true)",
]


class Library:
    """The served application, and the database behind it."""

    def __init__(self, url: str, app: Flask) -> None:
        self.url = url
        self.app = app

    def sql(self, sql: str, **values: Any) -> None:
        """Write on a connection that has nothing to do with the application."""
        execute(self.app, sql, **values)


@pytest.fixture(scope="module", params=DELIVERIES)
def served(pg_server: str, request: pytest.FixtureRequest) -> Iterator[Library]:
    """The library under gunicorn, by each delivery."""
    with (
        delivered(db.metadata, request.param),
        fresh_database(pg_server) as database_url,
        furnished(database_url) as app,
        serve("tests.apps.wsgi_library:app", workers=2, env={"DATABASE_URL": database_url}) as url,
    ):
        yield Library(url, app)


@pytest.fixture
def library(served: Library) -> Library:
    """The library with its first books."""
    furnish_again(served.app)
    return served


def follow(page: Page, url: str) -> None:
    """Open a list and wait until it is live; reloading it afterwards would lose the mark."""
    page.goto(url)
    page.wait_for_selector('#sa-notify-status[data-state="live"]')
    page.evaluate("window.notReloaded = true")


def table(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(_TABLE)
    return found


def wait_for_row(page: Page, key: str, text: str | None) -> None:
    """Wait until a row contains the text; ``None``: until it is gone."""
    page.wait_for_function(
        """([key, text]) => {
            const row = document.querySelector(`tr[data-sa-key="${key}"]`);
            return text === null ? row === null : row !== null && row.innerText.includes(text);
        }""",
        arg=[key, text],
        timeout=30_000,
    )


def reloaded(browser: Browser, url: str) -> dict[str, Any]:
    """The same page as somebody sees it who opens it now."""
    with opened(browser, "reloaded") as other:
        other.goto(url)
        other.wait_for_selector('#sa-notify-status[data-state="live"]')
        return table(other)


def wait_until_equal(page: Page, expected: dict[str, Any]) -> None:
    page.wait_for_function(
        f"(expected) => JSON.stringify(({_TABLE})()) === expected",
        arg=page.evaluate("(value) => JSON.stringify(value)", expected),
        timeout=30_000,
    )


def test_a_list_follows_plain_sql(page: Page, browser: Browser, library: Library) -> None:
    """Changed, inserted and deleted rows show up without a reload; then the list is the reloaded page's."""
    url = f"{library.url}/admin/plain/?sort=1&search=Title"
    follow(page, url)
    library.sql("UPDATE book SET title = 'Title 0 <i>new</i>' WHERE id = 39")
    wait_for_row(page, "39", "Title 0 <i>new</i>")
    page.screenshot(path=artifact("admin-list-after-update.png"))
    library.sql("INSERT INTO book (id, title, kind, genre, done) VALUES (7, 'A Title', 'ESSAY', 'a', false)")
    wait_for_row(page, "7", "A Title")
    library.sql("DELETE FROM book WHERE id = 39")
    wait_for_row(page, "39", None)
    library.sql("UPDATE author SET name = 'Anna' WHERE id = 1")
    wait_until_equal(page, reloaded(browser, url))
    assert "Anna" in str(table(page)["rows"])
    assert page.evaluate("window.notReloaded") is True


@pytest.mark.parametrize(
    "path",
    [
        "/admin/plain/?sort=1&desc=1&page=2",
        "/admin/formatted/?sort=0&search=Title%201",
        "/admin/editable/?flt0_done_equals=0",
        "/admin/unordered/?sort=0&page=1",
    ],
)
def test_after_any_writes_the_list_is_the_reloaded_page(
    page: Page, browser: Browser, library: Library, path: str
) -> None:
    """The measure: whatever is written, the live page ends as the same page loaded again."""
    chance = random.Random(path)
    url = library.url + path
    follow(page, url)
    for _ in range(40):
        library.sql(chance.choice(_WRITES), k=3 * chance.randint(1, 40))
    wait_until_equal(page, reloaded(browser, url))
    assert page.evaluate("window.notReloaded") is True


def test_rows_mode_keeps_its_rows_and_counts_the_others(page: Page, library: Library) -> None:
    """Rows on the page change and go; rows that would come are only counted."""
    follow(page, f"{library.url}/admin/rows/?sort=1&search=Title")
    keys = [row[0] for row in table(page)["rows"]]
    library.sql("UPDATE book SET title = 'Zebra' WHERE id = :k", k=int(keys[0]))
    wait_for_row(page, keys[0], "Zebra")
    library.sql("INSERT INTO book (id, title, kind, genre, done) VALUES (7, 'A Title', 'ESSAY', 'a', false)")
    page.wait_for_selector("#sa-notify-banner:not([hidden])")
    page.screenshot(path=artifact("admin-rows-banner.png"))
    assert [row[0] for row in table(page)["rows"]] == keys
    assert page.evaluate("window.notReloaded") is True


def test_each_user_sees_their_own_rows(page: Page, library: Library) -> None:
    """A row that comes into a user's rows by a write appears on that user's page."""
    page.goto(f"{library.url}/login/a/1")
    follow(page, f"{library.url}/admin/mine/")
    keys = {row[0] for row in table(page)["rows"]}
    assert "3" not in keys
    library.sql("UPDATE book SET genre = 'a', title = 'Now mine' WHERE id = 3")
    wait_for_row(page, "3", "Now mine")
    library.sql("UPDATE book SET genre = 'b' WHERE id = 3")
    wait_for_row(page, "3", None)
