"""A live list page reads what the same page shows when it is loaded."""

from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings, strategies as st
from sqlalchemy import select
from sqlalchemy.orm import contains_eager

from sa_notify.admin import RealtimeModelView
from sa_notify.live.query import Query
from tests.admin.applications import execute
from tests.admin.library import Author, Book, Rows, db
from tests.admin.pages import shown
from tests.admin.visitor import XSS, Visitor

# Flask-Admin gives WTForms its choices as tuples, which WTForms 3.3 wants replaced.
pytestmark = pytest.mark.filterwarnings(
    "ignore:(Passing SelectField choices|Yielding raw tuples):DeprecationWarning"
)

_TEXTS = st.sampled_from(
    ["", "Title", "Title 1", "^Title 2", "=Title 3", "script", "Ann", "%", "_", "ö, ", XSS]
)
_ARGUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "page": st.integers(0, 4),
        "page_size": st.sampled_from([3, 7, 20, 1000]),
        "sort": st.integers(-1, 7),
        "desc": st.sampled_from([1]),
        "search": _TEXTS,
        "flt0_title_contains": _TEXTS,
        "flt1_id_greater_than": st.sampled_from(["30", "60", "x"]),
        "flt2_done_equals": st.sampled_from(["0", "1"]),
        "flt3_author_author_name_equals": st.sampled_from(["Ann", "Nobody"]),
        "lang": st.sampled_from(["de", "ü&=?"]),
    },
)
_WRITES = [
    "UPDATE book SET title = title || '<b>' WHERE id = :k",
    "UPDATE book SET price = -price, done = NOT done WHERE id = :k",
    "UPDATE book SET genre = chr(ascii(genre) % 3 + 97) WHERE id < :k",
    "UPDATE author SET name = name || '*' WHERE id = :k % 4 + 1",
    "DELETE FROM book WHERE id = :k",
    "INSERT INTO book (title, kind, genre, done) VALUES ('Title ' || :k, 'NOVEL', 'b', true)",
]


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    endpoint=st.sampled_from(["plain", "formatted", "editable", "unordered", "rows", "byhand", "hooked"]),
    arguments=_ARGUMENTS,
    writes=st.lists(st.tuples(st.sampled_from(_WRITES), st.integers(1, 40)), max_size=3),
)
def test_a_reading_equals_the_page(
    visitor: Visitor, endpoint: str, arguments: dict[str, Any], writes: list[tuple[str, int]]
) -> None:
    """Keys, order, cells and count are the reloaded page's, whatever the page and the writes.

    A page in mode "rows" counts by keys and total alone.
    """
    url = f"/admin/{endpoint}/?{urlencode(arguments)}"
    query = visitor.follow(url)
    for sql, key in writes:
        execute(visitor.app, sql, k=key * 3)
    reading = query.read()
    page = visitor.page(url)
    expected = [(key, {}) for key, _ in page.rows] if endpoint == "rows" else page.rows
    assert shown(reading.rows) == shown(expected)
    assert (reading.total or None) == page.total


def test_the_generated_test_sees_rows_of_every_kind(visitor: Visitor) -> None:
    """The pages compared are not empty, and their cells hold markup, macros and escaped text."""
    cells = dict(visitor.follow("/admin/formatted/?page_size=20").read().rows)
    assert cells["6"]["kind"] == '<i title="kind of Title 2">NOVEL Formatted on shelf &amp; co</i>'
    assert cells["6"]["price"] == "<b>&euro; 2.00</b>"
    assert cells["3"]["author"].startswith("&lt;Bob &lt;script&gt;")
    assert cells["9"]["genre"] == "Prose &amp; more"
    assert cells["6"]["done"].startswith('<span class="fa fa-minus-circle')
    assert cells["33"]["title"].startswith("&lt;script&gt;")
    plain = dict(visitor.follow("/admin/plain/?page_size=20").read().rows)
    assert plain["21"]["price"] == ""
    filters = ["flt0_title_contains=script", "flt1_id_greater_than=60", "flt3_author_author_name_equals=Ann"]
    totals = [visitor.follow(f"/admin/plain/?{argument}").read().total for argument in filters]
    assert totals == [3, 20, 7]


def test_a_list_knows_which_columns_it_reads(visitor: Visitor) -> None:
    """A change of others does not have it read again."""
    reading = visitor.follow("/admin/plain/").read()
    assert reading.plan is not None
    found = {key: plan.columns for key, plan in reading.plan.tables.items()}
    assert {table for _, table in found} == {"author", "book"}
    assert found[None, "author"] is not None and "email" not in found[None, "author"]
    assert set(reading.own) == {"public.author", "public.book"}


@pytest.mark.parametrize("endpoint", ["rows", "places"])
def test_rows_are_followed_by_key(visitor: Visitor, endpoint: str) -> None:
    """Mode "rows" shows exactly the rows that were on the page, in their order, changed or gone."""
    page = visitor.page(f"/admin/{endpoint}/?page=0")
    query = visitor.subscribe(page.bar["data-sa-rows-token"])
    assert shown(query.read().rows) == shown(page.rows)
    assert query.read().total is None
    if (
        endpoint == "rows"
    ):  # its table is read for nothing else; the keys of places are of more than their text
        assert query.read().only["public.book"] == frozenset((key,) for key, _ in page.rows)
    key, column = ("id", "title") if endpoint == "rows" else ("seat", "note")
    table = "book" if endpoint == "rows" else "place"
    first, second = (cells[key] for _, cells in page.rows[:2])
    execute(visitor.app, f"DELETE FROM {table} WHERE {key} = :k", k=int(first))
    execute(visitor.app, f"UPDATE {table} SET {column} = '<new>' WHERE {key} = :k", k=int(second))
    changed = [(row, dict(cells)) for row, cells in page.rows[1:]]
    changed[0][1][column] = "&lt;new&gt;"
    assert shown(query.read().rows) == shown(changed)


def _related(app: Flask, query: Query) -> frozenset[Any] | None:
    """Authors who alone count for the query; they are those of the books that it shows."""
    found = query.read()
    with app.app_context():
        shown = db.session.scalars(select(Book.author_id).where(Book.id.in_(map(int, dict(found.rows)))))
        keys = frozenset((str(key),) for key in shown if key is not None)
    assert found.only["public.book"]
    assert found.only.get("public.author") in (None, keys)
    return found.only.get("public.author")


def test_rows_shown_through_a_relation_are_followed_by_key(visitor: Visitor) -> None:
    """Those that the shown rows refer to: also when another is referred to, and when a row has gone."""
    page = visitor.page("/admin/rows/?sort=0&page_size=3")
    query = visitor.subscribe(page.bar["data-sa-rows-token"])
    first, second, _ = (int(key) for key, _ in page.rows)
    execute(visitor.app, "UPDATE book SET author_id = 2 WHERE id = :k", k=first)
    assert ("2",) in (_related(visitor.app, query) or ())
    execute(visitor.app, "UPDATE book SET author_id = NULL WHERE id = :k", k=first)
    execute(visitor.app, "DELETE FROM book WHERE id = :k", k=second)
    assert _related(visitor.app, query) is not None


def _filtered(query: Any) -> Any:
    return query.join(Author).where(Author.name != "hidden")


def _hidden(query: Any) -> Any:
    return query.where(Book.author.has(Author.name != "hidden"))


@pytest.mark.parametrize("narrow", [_filtered, _hidden])
def test_a_related_table_that_hides_rows_is_followed_whole(
    visitor: Visitor, narrow: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is changed in it may show a row again that is not there to say whom it refers to."""
    original = Rows.get_query
    monkeypatch.setattr(Rows, "get_query", lambda view: narrow(original(view)))
    page = visitor.page("/admin/rows/?sort=0&page_size=3")
    query = visitor.subscribe(page.bar["data-sa-rows-token"])
    assert _related(visitor.app, query) is None


def test_a_related_table_that_may_hide_rows_counts_whole_once_it_does(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Joined once, for the condition and for what is shown of it."""

    def joined(view: Any) -> Any:
        query = RealtimeModelView.get_query(view).join(Book.author).options(contains_eager(Book.author))
        return query.where(Author.name != "hidden")

    monkeypatch.setattr(Rows, "get_query", joined)
    monkeypatch.setattr(Rows, "column_auto_select_related", False)
    with visitor.app.app_context():
        view = next(each for each in visitor.app.extensions["admin"][0]._views if each.endpoint == "rows")
    monkeypatch.setattr(view, "_auto_joins", [])
    page = visitor.page("/admin/rows/?sort=0&page_size=3")
    query = visitor.subscribe(page.bar["data-sa-rows-token"])
    assert _related(visitor.app, query)
    (author, *_) = _related(visitor.app, query) or ((),)
    execute(visitor.app, "UPDATE author SET name = 'hidden' WHERE id = :k", k=int(author[0]))
    assert len(query.read().rows) < 3
    assert _related(visitor.app, query) is None


def test_rows_that_the_user_may_not_see_any_more_are_gone(app: Flask) -> None:
    """Rows are looked up through the view's own get_query, with the subscriber's rights."""
    visitor = Visitor(app)
    visitor.get("/login/b/1")
    with app.app_context():
        view = next(view for view in app.extensions["admin"][0]._views if view.endpoint == "mine")
    view.realtime_mode = "rows"
    page = visitor.page("/admin/mine/")
    query = visitor.subscribe(page.bar["data-sa-rows-token"])
    gone = page.rows[0][0]
    execute(app, "UPDATE book SET genre = 'c' WHERE id = :k", k=int(gone))
    assert [key for key, _ in query.read().rows] == [key for key, _ in page.rows[1:]]


def test_equal_pages_are_one_live_query(app: Flask) -> None:
    """The order of a URL's arguments makes no other query; another page, filter or user does."""
    ann, bob = Visitor(app), Visitor(app)
    ann.get("/login/a/1")
    bob.get("/login/b/2")
    one = ann.follow("/admin/plain/?page=1&sort=0").identity
    assert ann.follow("/admin/plain/?sort=0&page=1").identity == one
    assert hash(ann.follow("/admin/plain/?sort=0&page=1").identity) == hash(one)
    assert ann.follow("/admin/plain/?sort=0&page=2").identity != one
    assert ann.follow("/admin/formatted/?sort=0&page=1").identity != one
    assert bob.follow("/admin/plain/?page=1&sort=0").identity != one
    assert ann.follow("/admin/shared/").identity == bob.follow("/admin/shared/").identity


def test_the_mount_point_is_part_of_the_page(app: Flask) -> None:
    """Under a prefix the page is found again, and its readings are of the prefixed page."""
    mounted, bare = Visitor(app, "/shop"), Visitor(app)
    query = mounted.follow("/admin/byhand/?sort=0")
    assert shown(query.read().rows) == shown(mounted.page("/admin/byhand/?sort=0").rows)
    assert query.read().rows[0][1]["title"].startswith("/shop/admin/byhand/edit/")
    assert query.identity != bare.follow("/admin/byhand/?sort=0").identity
