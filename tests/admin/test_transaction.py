"""A reading is one transaction, and leaves nothing behind."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask_admin import Admin
from flask_socketio import SocketIO
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from sa_notify import Dispatcher
from sa_notify.admin import RealtimeModelView
from sa_notify.errors import SubscriptionError
from tests.admin.library import Book, db
from tests.admin.pages import shown
from tests.admin.visitor import Visitor


def view_of(visitor: Visitor, endpoint: str) -> Any:
    return next(view for view in visitor.app.extensions["admin"][0]._views if view.endpoint == endpoint)


def idle_in_transaction(app: Flask) -> int:
    sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
    with app.app_context(), db.engine.connect() as connection:
        return int(connection.scalar(text(sql)) or 0)


def test_count_rows_and_snapshot_agree(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """What commits between the count and the rows is in neither, and the snapshot says so."""
    view, xids = view_of(visitor, "unordered"), list[int]()
    paginate = view._apply_pagination

    def racing(query: Any, page: int | None, page_size: int | None) -> Any:
        with db.engine.begin() as connection:
            connection.execute(text("DELETE FROM book WHERE id = 3"))
            xids.append(int(connection.scalar(text("SELECT pg_current_xact_id()::text")) or 0))
        return paginate(query, page, None)

    query = visitor.follow("/admin/unordered/")
    monkeypatch.setattr(view, "_apply_pagination", racing)
    monkeypatch.setattr(view, "page_size", 0)
    reading = query.read()
    assert reading.total == len(reading.rows) == 40
    assert not reading.snapshot.sees(xids[0])
    again = query.read()
    assert again.total == len(again.rows) == 39
    assert again.snapshot.sees(xids[0])


def test_nothing_is_left_in_a_transaction(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a reading nor one that fails keeps a transaction open."""
    query = visitor.follow("/admin/plain/")
    query.read()
    assert idle_in_transaction(visitor.app) == 0

    def fail(*args: Any) -> Any:
        db.session.execute(text("SELECT 1"))
        raise SubscriptionError("query_failed", "on purpose")

    monkeypatch.setattr(view_of(visitor, "plain"), "column_formatters", {"title": fail})
    with pytest.raises(SubscriptionError):
        query.read()
    assert idle_in_transaction(visitor.app) == 0


def test_the_session_of_whoever_calls_is_left_alone(visitor: Visitor) -> None:
    """A reading made inside another request neither uses nor closes that request's session."""
    query = visitor.follow("/admin/plain/")
    with visitor.app.app_context():
        book = db.session.get(Book, 3)
        assert book is not None
        book.title = "pending"
        assert dict(query.read().rows)["3"]["title"] != "pending"
        assert book in db.session.dirty
        assert book.title == "pending"


def test_an_access_check_that_commits_is_no_harm(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user loader that writes and commits ends its own transaction, not the reading's."""

    def touch() -> bool:
        db.session.execute(text("UPDATE silent SET note = note || '.'"))
        db.session.commit()
        db.session.execute(text("SELECT 1"))
        return True

    query = visitor.follow("/admin/plain/")
    monkeypatch.setattr(view_of(visitor, "plain"), "is_accessible", touch)
    levels = list[str]()

    def level(_view: Any, _context: Any, _book: Any, _column: str) -> str:
        levels.append(str(db.session.scalar(text("SHOW transaction_isolation"))))
        return ""

    monkeypatch.setattr(view_of(visitor, "plain"), "column_formatters", {"title": level})
    reading = query.read()
    assert set(levels) == {"repeatable read"}
    assert "public.silent" not in reading.tables


def test_a_view_that_commits_while_it_is_read_is_doubted(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the view itself has ended the snapshot the reading can't vouch for more."""

    def commit(_view: Any, _context: Any, book: Any, _column: str) -> str:
        db.session.commit()
        return str(book.title)

    query = visitor.follow("/admin/plain/")
    monkeypatch.setattr(view_of(visitor, "plain"), "column_formatters", {"title": commit})
    assert any("ends its transaction" in doubt for doubt in query.read().doubts)


def test_two_rows_with_one_key_are_refused(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list that can't be told apart row by row is closed with an error, not shown wrongly."""
    query = visitor.follow("/admin/plain/")
    monkeypatch.setattr(view_of(visitor, "plain"), "get_pk_value", lambda _row: "same")
    with pytest.raises(SubscriptionError, match="same primary key"):
        query.read()


class Shim:
    """A scoped_session as Flask-Admin wants it without Flask-SQLAlchemy."""

    def __init__(self, session: scoped_session[Session]) -> None:
        self.session = session

    def __getattr__(self, name: str) -> Any:
        return getattr(self.session, name)


@pytest.fixture
def plain(app: Flask, database_url: str) -> Iterator[tuple[Visitor, scoped_session[Session]]]:
    """An application without Flask-SQLAlchemy, on the library's database."""
    engine = create_engine(database_url)
    session = scoped_session(sessionmaker(engine))
    other = Flask("plain")
    other.config["SECRET_KEY"] = "s"
    Dispatcher().init_app(other, SocketIO(other, async_mode="threading"), engine=engine)
    Admin(other).add_view(RealtimeModelView(Book, Shim(session), endpoint="plain"))
    yield Visitor(other), session
    engine.dispose()


def test_a_plain_scoped_session_will_do(plain: tuple[Visitor, scoped_session[Session]], app: Flask) -> None:
    """Without Flask-SQLAlchemy a reading has a session of its own too, and gives it back."""
    visitor, session = plain
    page = visitor.page("/admin/plain/")
    session.remove()
    query = visitor.subscribe(page.bar["data-sa-token"])
    reading = query.read()
    assert shown(reading.rows) == shown(page.rows)
    assert reading.doubts == ()
    assert idle_in_transaction(app) == 0
    book = session().get(Book, 3)
    assert book is not None
    book.title = "pending"
    assert query.read().rows == reading.rows
    assert book in session().dirty
    session.remove()
