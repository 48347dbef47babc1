"""What the list page's HTML promises to the browser's code."""

import re

import pytest

from tests.admin.applications import execute
from tests.admin.library import VIEWS
from tests.admin.visitor import Visitor, furnished

# Flask-Admin gives WTForms its choices as tuples, which WTForms 3.3 wants replaced.
pytestmark = pytest.mark.filterwarnings(
    "ignore:(Passing SelectField choices|Yielding raw tuples):DeprecationWarning"
)

LISTS = [endpoint for endpoint in VIEWS if endpoint not in ("mine", "shared")]


@pytest.mark.parametrize("endpoint", LISTS)
def test_rows_have_their_keys_and_the_page_has_one_token(visitor: Visitor, endpoint: str) -> None:
    """Each row carries its key, the page its token, its pager an id, its script a nonce."""
    html = visitor.get(f"/admin/{endpoint}/")
    page = visitor.page(f"/admin/{endpoint}/")
    assert len(page.rows) == len(re.findall(r"<tr>\s*<template data-sa-key=", html)) > 0
    assert html.count("data-sa-notify-bar") == 1
    assert page.bar["data-sa-token"]
    assert html.count('<div id="sa-notify-pager">') == 1
    assert re.search(r'<script nonce="n0nce" src="/sa_notify/static/sa_notify\.js[^"]*"', html)
    assert re.search(r'<link href="/sa_notify/static/sa_notify\.css[^"]*"[^>]* nonce="n0nce"', html)


def test_a_rows_page_has_a_second_token(visitor: Visitor) -> None:
    """Only mode "rows" signs the keys of its rows."""
    assert visitor.page("/admin/rows/").bar["data-sa-mode"] == "rows"
    assert visitor.page("/admin/rows/").bar["data-sa-rows-token"]
    assert visitor.page("/admin/plain/").bar["data-sa-mode"] == "query"
    assert "data-sa-rows-token" not in visitor.page("/admin/plain/").bar


def test_a_rows_page_counts_by_keys_alone(visitor: Visitor) -> None:
    """What its banner counts by renders no cell, and need not be told of each change."""
    page = visitor.page("/admin/rows/")
    counted, shown = visitor.subscribe(page.bar["data-sa-token"]), visitor.follow("/admin/plain/")
    assert counted.by_tally and not shown.by_tally
    assert not visitor.subscribe(page.bar["data-sa-rows-token"]).by_tally
    reading = counted.read()
    assert reading.rows == tuple((key, {}) for key, _ in page.rows)
    assert reading.total == 40 and "public.book" in reading.tables


def test_composite_keys_are_written_as_the_view_writes_them(visitor: Visitor) -> None:
    """A composite key with separators and quotes in it comes through the attribute unharmed."""
    keys = [key for key, _ in visitor.page("/admin/places/?page_size=20").rows]
    assert set(keys) >= {'"<,4', "a.,b,1", "a..b,2", "a...,b,3"}


def test_the_views_own_template_is_kept(visitor: Visitor) -> None:
    """A custom list_template is extended, not replaced."""
    html = visitor.get("/admin/formatted/")
    assert "<title>Books</title>" in html
    assert 'data-sa-key="3"' in html


def test_other_pages_are_left_alone(visitor: Visitor) -> None:
    """Create, edit and details pages know nothing of the live list."""
    for url in ("/admin/plain/new/", "/admin/plain/edit/?id=3", "/admin/editable/details/?id=3"):
        assert "data-sa-notify-bar" not in visitor.get(url)


def test_messages_wait_for_a_page_that_is_shown(visitor: Visitor) -> None:
    """A page fetched in the background does not use up flashed messages."""
    visitor.get("/flash")
    assert "kept for later" not in visitor.get("/admin/plain/", **{"X-SA-Notify": "1"})
    assert "kept for later" in visitor.get("/admin/plain/")
    assert "kept for later" not in visitor.get("/admin/plain/")


def test_a_page_that_fetches_itself_leaves_no_messages(visitor: Visitor) -> None:
    """What an invalid filter says when the page is loaded is not said again for each of its fetches."""
    url = "/admin/plain/?flt1_id_greater_than=x"
    assert visitor.get(url).count("Invalid Filter Value: x") == 1
    visitor.get(url, **{"X-SA-Notify": "1"})
    assert "Invalid Filter Value" not in visitor.get("/admin/plain/")
    visitor.get("/flash")
    for _ in range(3):
        visitor.get(url, **{"X-SA-Notify": "1"})
    html = visitor.get("/admin/plain/")
    assert "Invalid Filter Value" not in html
    assert "kept for later" in html


@pytest.mark.parametrize("url", ["/admin/unordered/", "/admin/unordered/?sort=0", "/admin/plain/?sort=0"])
def test_ties_do_not_move_rows_between_pages(visitor: Visitor, url: str) -> None:
    """Every list is ordered to its last row, so that updates which sort nothing move nothing."""
    before = [key for key, _ in visitor.page(url).rows]
    for key in before[:3]:
        execute(visitor.app, "UPDATE book SET title = title || '!' WHERE id = :k", k=int(key))
    assert [key for key, _ in visitor.page(url).rows] == before


def test_the_pages_of_a_list_hold_each_row_once(visitor: Visitor) -> None:
    """Ties at the border of two pages neither repeat a row nor lose one."""
    keys = [key for page in range(8) for key, _ in visitor.page(f"/admin/unordered/?page={page}").rows]
    assert len(keys) == len(set(keys)) == 40


def test_the_dispatcher_may_come_after_the_admin(database_url: str) -> None:
    """The order in which the extensions are initialised does not matter."""
    with furnished(database_url, dispatcher_first=False) as app:
        assert Visitor(app).follow("/admin/plain/").read().total == 40
