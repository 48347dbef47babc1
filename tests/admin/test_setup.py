"""What is refused when a view is written or registered, and what still works."""

from typing import Any

import pytest
from flask import Flask
from flask_admin import Admin, AdminIndexView, BaseView
from flask_admin.contrib.sqla import ModelView
from flask_admin.model import BaseModelView
from flask_socketio import SocketIO
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from sa_notify import Dispatcher
from sa_notify.admin import RealtimeMixin, RealtimeModelView
from sa_notify.errors import ConfigurationError, SetupError
from tests.admin.visitor import Visitor


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "note"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


def new_app(url: str) -> tuple[Flask, SQLAlchemy]:
    app, db = Flask("notes"), SQLAlchemy(model_class=Base, disable_autonaming=True)
    app.config.update(SECRET_KEY="s", SQLALCHEMY_DATABASE_URI=url, TESTING=True)
    db.init_app(app)
    with app.app_context():
        db.create_all()
    return app, db


@pytest.mark.parametrize(
    ("options", "mend"),
    [
        ({"realtime_mode": "row"}, "'query' or 'rows'"),
        ({"realtime_refresh": 0}, "seconds above 0"),
        ({"realtime_tables": ["note"]}, "name models or tables"),
    ],
)
def test_options_are_checked_when_the_view_is_made(options: dict[str, Any], mend: str) -> None:
    """A wrong option is refused at once, with what to write."""
    view = type("Wrong", (RealtimeModelView,), options)
    with pytest.raises(ConfigurationError, match=mend):
        view(Note, SQLAlchemy(model_class=Base, disable_autonaming=True))


def test_the_mixin_must_come_first() -> None:
    """A mixin behind the view class would do nothing, silently: it is refused."""
    with pytest.raises(ConfigurationError, match=r"class Late\(RealtimeMixin, ModelView\)"):
        type("Late", (ModelView, RealtimeMixin), {})


def test_the_mixin_needs_an_sqlalchemy_view() -> None:
    """The mixin alone is no view."""
    with pytest.raises(ConfigurationError, match="ModelView"):
        type("Alone", (RealtimeMixin,), {})(Note, None)


@pytest.mark.parametrize("view", [BaseView, AdminIndexView, BaseModelView])
def test_views_of_other_kinds_are_refused_where_they_are_written(view: type) -> None:
    """A view of no SQLAlchemy model can't be followed: that is said, with what can be done."""
    with pytest.raises(ConfigurationError, match=r"contrib\.sqla\.ModelView.*dispatcher\.query"):
        type("Other", (RealtimeMixin, view), {})


def test_a_plain_session_is_refused() -> None:
    """One Session for all requests can't give each reading a transaction of its own."""
    with pytest.raises(SetupError, match="scoped_session"):
        RealtimeModelView(Note, Session())


def test_a_page_without_dispatcher_says_what_to_call(database_url: str) -> None:
    """A live list on an application without sa_notify raises when it is first shown."""
    app, db = new_app(database_url)
    Admin(app).add_view(RealtimeModelView(Note, db, endpoint="notes"))
    with pytest.raises(SetupError, match=r"dispatcher\.init_app"):
        app.test_client().get("/admin/notes/")


def test_on_another_database_the_page_is_just_not_live() -> None:
    """On SQLite the list is Flask-Admin's own, as nothing announces changes there."""
    app, db = new_app("sqlite://")
    Admin(app).add_view(RealtimeModelView(Note, db, endpoint="notes"))
    html = Visitor(app).get("/admin/notes/")
    assert "data-sa-notify-bar" not in html
    assert "sa_notify.js" not in html
    with app.app_context():
        db.engine.dispose()


def test_several_admins_live_side_by_side(database_url: str) -> None:
    """Each admin's views are live queries of their own, whatever its URL and theme."""
    app, db = new_app(database_url)
    Dispatcher().init_app(app, SocketIO(app, async_mode="threading"), engine=db)
    for name in ("one", "two"):
        admin = Admin(app, name=name, url=f"/deep/{name}", endpoint=name)
        admin.add_view(RealtimeModelView(Note, db, endpoint=f"{name}-notes"))
    visitor = Visitor(app)
    queries = [visitor.follow(f"/deep/{name}/{name}-notes/") for name in ("one", "two")]
    assert [query.read().rows for query in queries] == [(), ()]
    assert queries[0].identity != queries[1].identity
    with app.app_context():
        db.engine.dispose()


def test_one_app_may_be_made_after_another(database_url: str) -> None:
    """An application factory can run twice in a process, with views of its own each time."""
    for _ in range(2):
        app, db = new_app(database_url)
        Dispatcher().init_app(app, SocketIO(app, async_mode="threading"), engine=db)
        Admin(app).add_view(RealtimeModelView(Note, db, endpoint="notes"))
        assert Visitor(app).follow("/admin/notes/").read().rows == ()
        with app.app_context():
            db.engine.dispose()
