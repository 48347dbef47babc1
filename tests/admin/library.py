"""An application with one list page for each way that a list page is configured."""

import enum
from decimal import Decimal
from typing import Any, ClassVar

from flask import Flask, g, request, session
from flask_admin.contrib.sqla.filters import FilterLike, IntGreaterFilter
from flask_admin.model.template import macro
from flask_sqlalchemy import SQLAlchemy
from markupsafe import Markup
from sqlalchemy import Enum, ForeignKey, Numeric, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from sa_notify import realtime
from sa_notify.admin import RealtimeModelView
from tests.admin.applications import Views, build


class Base(DeclarativeBase):
    pass


db = SQLAlchemy(model_class=Base, disable_autonaming=True)


class Kind(enum.Enum):
    NOVEL = "novel"
    ESSAY = "essay"


@realtime(exclude=["email"])
class Author(Base):
    __tablename__ = "author"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str] = mapped_column(default="", server_default="")

    def __str__(self) -> str:
        return self.name


@realtime
class Book(Base):
    __tablename__ = "book"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    price: Mapped[Decimal | None] = mapped_column(Numeric(8, 2))
    kind: Mapped[Kind] = mapped_column(Enum(Kind))
    genre: Mapped[str] = mapped_column(default="a")
    done: Mapped[bool] = mapped_column(default=False)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("author.id"))
    author: Mapped[Author | None] = relationship()


@realtime
class Place(Base):
    __tablename__ = "place"
    row: Mapped[str] = mapped_column(primary_key=True)
    seat: Mapped[int] = mapped_column(primary_key=True)
    note: Mapped[str] = mapped_column(default="")


class Silent(Base):
    """A table without triggers."""

    __tablename__ = "silent"
    id: Mapped[int] = mapped_column(primary_key=True)
    note: Mapped[str] = mapped_column(default="")


def author_name(view: Any, context: Any, book: Book, column: str) -> str:
    """A formatter that loads lazily."""
    author = db.session.get(Author, book.author_id) if book.author_id else None
    return "" if author is None else f"<{author.name}>"


class Plain(RealtimeModelView):
    column_list = ("id", "title", "price", "kind", "done", "author")
    column_display_pk = True
    column_sortable_list = ("title", "price", "kind", ("author", "author.name"))
    column_searchable_list = ("title", "author.name")
    column_filters = (FilterLike(Book.title, "Title"), IntGreaterFilter(Book.id, "Id"), "done", "author.name")
    named_filter_urls = True
    can_set_page_size = True
    page_size = 7
    page_size_options = (3, 7, 20)


class Formatted(Plain):
    column_list = ("title", "price", "kind", "genre", "done", "author")
    column_formatters: ClassVar[dict[str, Any]] = {
        "price": lambda _view, _context, book, _column: Markup("<b>&euro; {}</b>").format(book.price),
        "kind": macro("shout"),
        "author": author_name,
    }
    column_choices: ClassVar[dict[str, Any]] = {"genre": [("a", "Prose & more"), ("b", "<Verse>")]}
    list_template = "library/list.html"


class Editable(Plain):
    column_editable_list = ("title", "done", "genre")
    column_list = ("id", "title", "done", "genre", "author")
    simple_list_pager = True
    can_view_details = True
    details_modal = True
    edit_modal = True


class Unordered(RealtimeModelView):
    column_default_sort = ("genre", True)
    column_display_pk = True
    page_size = 5


class Rows(Plain):
    realtime_mode = "rows"


class Places(RealtimeModelView):
    realtime_mode = "rows"
    column_display_pk = True
    column_list = ("row", "seat", "note")
    page_size = 5


class Mine(RealtimeModelView):
    """Each user sees books of one genre, and only with a login."""

    column_list = ("id", "title", "genre")

    def is_accessible(self) -> bool:
        return self.user_name() is not None

    def get_query(self) -> Any:
        return super().get_query().where(Book.genre == session["genre"])

    def get_count_query(self) -> Any:
        return super().get_count_query().where(Book.genre == session["genre"])

    def user_name(self) -> str | None:
        """Reads the author table, as a user loader would."""
        return db.session.scalar(select(Author.name).where(Author.id == session.get("author")))


class ByHand(RealtimeModelView):
    """Renders names of authors that the access check has loaded already, and links."""

    column_list = ("title", "writer")
    column_auto_select_related = False
    column_formatters: ClassVar[dict[str, Any]] = {
        "title": lambda view, _context, book, _column: view.get_url(".edit_view", id=book.id),
        "writer": lambda _view, _context, book, _column: book.author and book.author.name,
    }

    def is_accessible(self) -> bool:
        self.loaded = list(db.session.scalars(select(Author)))
        return True


class Hooked(RealtimeModelView):
    column_list = ("id", "title")
    realtime_before_request = True

    def is_accessible(self) -> bool:
        return bool(g.admitted)


class Shared(Mine):
    realtime_shared = True

    def get_query(self) -> Any:
        return RealtimeModelView.get_query(self)

    def get_count_query(self) -> Any:
        return RealtimeModelView.get_count_query(self)


class Authors(RealtimeModelView):
    """Loads the authors for its access check, and uses one of them in its query."""

    column_list = ("name",)
    column_sortable_list = ("name", "email")

    def is_accessible(self) -> bool:
        g.me = db.session.get(Author, 1)
        return True

    def get_query(self) -> Any:
        return super().get_query().where(Author.id >= g.me.id)


class SilentView(RealtimeModelView):
    column_display_pk = True


VIEWS: Views = {
    "plain": (Plain, Book),
    "formatted": (Formatted, Book),
    "editable": (Editable, Book),
    "unordered": (Unordered, Book),
    "rows": (Rows, Book),
    "places": (Places, Place),
    "mine": (Mine, Book),
    "byhand": (ByHand, Book),
    "hooked": (Hooked, Book),
    "shared": (Shared, Book),
    "authors": (Authors, Author),
    "silent": (SilentView, Silent),
}


def make_app(url: str, **options: Any) -> Flask:
    """The application, its tables created and empty.

    :param options: of :func:`~tests.admin.applications.build`.
    """
    app = build(url, db, "Library", VIEWS, **options)
    app.after_request(_strict)
    app.add_url_rule("/login/<genre>/<int:author>", "login", _login)
    app.add_url_rule("/flash", "flash", _flash)
    return app


def _strict(response: Any) -> Any:
    """Visitors with a cookie get a policy under which nothing runs that has no nonce."""
    if request.cookies.get("strict") == "1":
        own = "'self' 'nonce-n0nce'"
        response.headers["Content-Security-Policy"] = (
            f"default-src 'self'; script-src {own}; style-src {own}; img-src 'self' data:; base-uri 'none'"
        )
    return response


def _login(genre: str, author: int) -> str:
    session["genre"], session["author"] = genre, author
    return "ok"


def _flash() -> str:
    from flask import flash

    flash("kept for later")
    return "ok"
