"""A view of a second database: its list is right, by the clock, and confuses nothing of the first."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask_admin import Admin
from flask_socketio import SocketIO
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from sa_notify import Dispatcher, realtime
from sa_notify.admin import RealtimeModelView
from tests.admin.pages import shown
from tests.admin.visitor import Visitor
from tests.databases import fresh_database


class Base(DeclarativeBase):
    pass


db = SQLAlchemy(model_class=Base, disable_autonaming=True)


@realtime
class Note(db.Model):  # type: ignore[name-defined,misc]
    __tablename__ = "note"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


@realtime
class Letter(db.Model):  # type: ignore[name-defined,misc]
    """Has a namesake in the first database, which announces nothing."""

    __bind_key__ = "archive"
    __tablename__ = "silent"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


class Silent(db.Model):  # type: ignore[name-defined,misc]
    __tablename__ = "silent"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


def _answered(_view: object, _context: object, note: Note, _column: str) -> str:
    letter = db.session.get(Letter, note.id)
    return letter.text if letter else "-"


class Notes(RealtimeModelView):
    column_list = ("text", "answer")
    column_formatters = {"answer": _answered}  # noqa: RUF012


@pytest.fixture
def app(pg_server: str, database_url: str) -> Iterator[Flask]:
    """Two databases, one of them given to the dispatcher."""
    app = Flask("archive")
    with fresh_database(pg_server) as archive_url:
        app.config.update(SECRET_KEY="s", SQLALCHEMY_DATABASE_URI=database_url, TESTING=True)
        app.config["SQLALCHEMY_BINDS"] = {"archive": archive_url}
        db.init_app(app)
        Dispatcher().init_app(app, SocketIO(app, async_mode="threading"), engine=db)
        admin = Admin(app)
        admin.add_view(RealtimeModelView(Letter, db, endpoint="letters"))
        admin.add_view(RealtimeModelView(Silent, db, endpoint="silent"))
        admin.add_view(Notes(Note, db, endpoint="notes"))
        with app.app_context():
            db.create_all()
        _write(app, None, "INSERT INTO note VALUES (1, 'first')", "INSERT INTO silent VALUES (1, 'still')")
        _write(app, "archive", "INSERT INTO silent VALUES (1, 'archived')")
        yield app
        with app.app_context():
            for engine in db.engines.values():
                engine.dispose()


def _write(app: Flask, bind: str | None, *statements: str) -> None:
    with app.app_context(), db.engines[bind].begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_its_list_is_read_by_the_clock_and_says_why(app: Flask) -> None:
    """The reading is the page's, of the second database, depends on no table of the first, and is doubted."""
    visitor = Visitor(app)
    query = visitor.follow("/admin/letters/")
    reading = query.read()
    assert shown(reading.rows) == shown(visitor.page("/admin/letters/").rows)
    assert [cells["text"] for _, cells in reading.rows] == ["archived"]
    assert reading.tables == frozenset()
    (doubt,) = reading.doubts
    assert "another database than the one given to dispatcher.init_app" in doubt
    assert "realtime_refresh" in doubt
    _write(app, "archive", "UPDATE silent SET text = 'newer'")
    assert [cells["text"] for _, cells in query.read().rows] == ["newer"]


def test_a_namesake_in_the_first_database_is_judged_by_itself(app: Flask) -> None:
    """Triggers of the second database's table are not taken for those of the first one's."""
    visitor = Visitor(app)
    visitor.follow("/admin/letters/").read()
    (doubt,) = visitor.follow("/admin/silent/").read().doubts
    assert "public.silent" in doubt


def test_a_list_that_also_reads_the_second_database_is_doubted(app: Flask) -> None:
    """Changes of its own table are heard, those of the other are found by the clock."""
    reading = Visitor(app).follow("/admin/notes/").read()
    assert [cells["answer"] for _, cells in reading.rows] == ["archived"]
    assert reading.tables == {"public.note"}
    assert reading.doubts == ("the view reads a second database, whose changes are not announced here",)
