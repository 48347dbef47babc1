"""A list page's reading names every table that its content depends on."""

import pytest

from tests.admin.applications import execute
from tests.admin.library import Author, Silent, db
from tests.admin.visitor import Visitor


@pytest.mark.parametrize(
    ("url", "tables"),
    [
        ("/admin/plain/", {"public.book", "public.author"}),
        ("/admin/formatted/", {"public.book", "public.author"}),
        ("/admin/hooked/", {"public.book"}),
        ("/admin/places/", {"public.place"}),
        ("/admin/unordered/?page=0", {"public.book", "public.author"}),
    ],
)
def test_the_tables_are_those_that_were_read(visitor: Visitor, url: str, tables: set[str]) -> None:
    """Joins, and what formatters load lazily, count as the page's own statement does."""
    reading = visitor.follow(url).read()
    assert reading.tables == tables
    assert reading.doubts == ()


def test_what_the_access_check_has_loaded_still_counts(visitor: Visitor) -> None:
    """Rows that the access check left in the session are read again when a cell shows them."""
    query = visitor.follow("/admin/byhand/")
    assert query.read().tables == {"public.book", "public.author"}


def test_the_access_check_itself_does_not_count(visitor: Visitor) -> None:
    """A table that only tells who may see the page does not make the page read again."""
    visitor.get("/login/b/1")
    execute(visitor.app, "UPDATE book SET author_id = NULL")
    assert "public.author" in visitor.follow("/admin/plain/").read().tables
    assert visitor.follow("/admin/mine/").read().tables == {"public.book"}


def test_a_table_without_triggers_is_a_doubt(visitor: Visitor) -> None:
    """A list over a table that announces nothing says so, and is read by the clock."""
    reading = visitor.follow("/admin/silent/").read()
    assert [key for key, _ in reading.rows] == ["1"]
    assert len(reading.doubts) == 1
    assert "silent" in reading.doubts[0]


def test_text_and_raw_sql_are_doubts(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQL whose tables can't be told makes the reading doubtful, not wrong."""
    view = next(view for view in visitor.app.extensions["admin"][0]._views if view.endpoint == "plain")
    query = visitor.follow("/admin/plain/")

    def raw(view: object, context: object, book: object, column: str) -> object:
        return db.session.connection().exec_driver_sql("SELECT count(*) FROM silent").scalar()

    monkeypatch.setattr(view, "column_formatters", {"title": raw})
    (doubt,) = query.read().doubts
    assert "SQL written as text: name the tables that it reads in realtime_tables" in doubt
    monkeypatch.setattr(view, "realtime_tables", [Silent])
    (doubt,) = query.read().doubts
    assert "public.silent" in doubt


def test_named_tables_are_added(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """realtime_tables takes models and tables that the view reads in ways that can't be seen."""
    view = next(view for view in visitor.app.extensions["admin"][0]._views if view.endpoint == "places")
    monkeypatch.setattr(view, "realtime_tables", [Author, Silent.__table__])
    reading = visitor.follow("/admin/places/").read()
    assert reading.tables == {"public.place", "public.author", "public.silent"}


def authors(visitor: Visitor, monkeypatch: pytest.MonkeyPatch, **options: object) -> tuple[str, ...]:
    view = next(view for view in visitor.app.extensions["admin"][0]._views if view.endpoint == "authors")
    for name, value in options.items():
        monkeypatch.setattr(view, name, value)
    return visitor.follow("/admin/authors/").read().doubts


def test_excluded_columns_that_are_not_used_are_no_doubt(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loading a model with an excluded column is not using the column."""
    assert authors(visitor, monkeypatch) == ()
    assert visitor.follow("/admin/plain/").read().doubts == ()


@pytest.mark.parametrize(
    "options",
    [
        {"_list_columns": [("email", "Email")]},
        {"column_formatters": {"name": lambda _view, _context, author, _column: author.email}},
        {"get_query": lambda: db.session.query(Author).where(Author.email == "")},
        {"column_default_sort": "email"},
        {"column_formatters": {"name": lambda *_: db.session.query(Author.email).first()}},
    ],
    ids=["shown", "read by a formatter", "filtered", "sorted", "selected"],
)
def test_excluded_columns_that_are_used_are_a_doubt(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch, options: dict[str, object]
) -> None:
    """Nothing announces a change of an excluded column: a list that uses one is read by the clock."""
    doubts = authors(visitor, monkeypatch, **options)
    assert len(doubts) == 1
    assert "@realtime excludes" in doubts[0]
