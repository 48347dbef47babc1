"""A live details page reads what the same page shows when it is loaded."""

import pytest
from flask import Flask, abort
from flask_admin import Admin
from flask_admin.contrib.sqla import ModelView
from sqlalchemy import Connection, text

from sa_notify.admin import RealtimeMixin
from sa_notify.errors import SubscriptionError
from tests.admin.applications import dispose, execute
from tests.admin.desk import Kind, Task, Tasks, db, make_desk, seed
from tests.admin.records import details, follow, has_marker, marker
from tests.admin.visitor import XSS, Visitor

# Flask-Admin gives WTForms its choices as tuples, which WTForms 3.3 wants replaced.
pytestmark = pytest.mark.filterwarnings(
    "ignore:(Passing SelectField choices|Yielding raw tuples):DeprecationWarning"
)


PAGES = [
    "/admin/tasks/details/?id=1",
    "/admin/modals/details/?id=1&modal=True&url=/admin/modals/",
    "/admin/ajax/details/?id=1",
    "/admin/inline/details/?id=1",
    "/admin/spots/details/?id=a...,%22%3Cb,1",
]
WRITES = [
    "UPDATE task SET title = '<script>alert(1)</script> & co', notes = E'a\\nb' WHERE id = 1",
    "UPDATE task SET price = NULL, kind = 'ERRAND', done = true WHERE id = 1",
    "UPDATE person SET name = '<i>Anna</i>' WHERE id = 1",
    "UPDATE task SET owner_id = NULL WHERE id = 1",
    "UPDATE spot SET note = '<u>there</u>'",
]


@pytest.mark.parametrize("url", PAGES)
def test_a_reading_equals_the_page(visitor: Visitor, url: str) -> None:
    """Formatters, macros, related rows and escaping are the page's own, after each write."""
    query = follow(visitor, url)
    for sql in ["SELECT 1", *WRITES]:
        execute(visitor.app, sql)
        html = visitor.get(url)
        shown = details(html)
        values = list(dict(query.read().rows)[str(marker(html)["data-sa-key"])].values())
        assert values == ([cell for cell in shown if not cell.startswith("<b>") or "&euro;" in cell])
        assert len(values) >= 3


def test_the_columns_are_marked_for_the_browser(visitor: Visitor) -> None:
    """The mark names kind, record, address and columns; script and style sheet carry the nonce."""
    html = visitor.get("/admin/tasks/details/?id=1&url=/admin/tasks/?page%3D2")
    mark = marker(html)
    assert mark["data-sa-notify-record"] == "details"
    assert mark["data-sa-key"] == "1"
    assert mark["data-sa-url"] == "/admin/tasks/details/?id=1&url=/admin/tasks/?page%3D2"
    names = ["title", "notes", "price", "kind", "done", "owner"]
    assert mark["columns"] == [[name, name.title()] for name in names]
    assert '<script nonce="n0nce" src="/sa_notify/static/sa_notify.js' in html
    assert 'nonce="n0nce"' in html[html.index("/sa_notify/static/sa_notify.css") :][:120]
    assert "<title>A task</title>" in html


def test_a_modal_brings_no_script(visitor: Visitor) -> None:
    """The page that opens a modal has the library already; asked for as a page the same view has it."""
    modal = visitor.get("/admin/modals/details/?id=1&modal=True")
    assert marker(modal)["data-sa-notify-record"] == "details"
    assert "sa_notify.js" not in modal
    assert "<html" not in modal
    assert "sa_notify.js" in visitor.get("/admin/modals/details/?id=1")


def test_what_a_reading_depends_on(visitor: Visitor) -> None:
    """The record's table and those of related rows, with changes heard of all of them."""
    reading = follow(visitor, "/admin/tasks/details/?id=1").read()
    assert reading.tables == {"public.task", "public.person"}
    assert reading.doubts == ()


def test_a_record_that_is_gone_is_no_row(visitor: Visitor) -> None:
    """A deleted record is an empty window, not a failure; inserted again it is back."""
    query = follow(visitor, "/admin/tasks/details/?id=1")
    execute(visitor.app, "DELETE FROM task WHERE id = 1")
    reading = query.read()
    assert reading.rows == ()
    assert "public.task" in reading.tables
    execute(
        visitor.app, "INSERT INTO task (id, title, notes, done, rank, kind) VALUES (1,'','',true,1,'CHORE')"
    )
    assert [key for key, _ in query.read().rows] == ["1"]


@pytest.mark.parametrize("url", ["/admin/mine/details/?id=1", "/admin/mine/details/?id=1&strict=1"])
def test_a_record_that_the_view_withholds_is_gone(visitor: Visitor, url: str) -> None:
    """A get_one that looks at the user decides, whether it answers None or raises."""
    query = follow(visitor, url)
    assert [key for key, _ in query.read().rows] == ["1"]
    execute(visitor.app, "UPDATE task SET kind = 'ERRAND' WHERE id = 1")
    assert query.read().rows == ()


def test_a_view_that_answers_404_means_gone(visitor: Visitor) -> None:
    """Views that abort(404) for a record that is not there are understood too."""
    query = follow(visitor, "/admin/strict/details/?id=2")
    execute(visitor.app, "DELETE FROM task WHERE id = 2")
    assert query.read().rows == ()


def test_others_are_refused(app: Flask, visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page's token is of no use to somebody whom the view does not admit, also when lost meanwhile."""
    token = marker(visitor.get("/admin/mine/details/?id=1"))["data-sa-token"]
    query = visitor.subscribe(token)
    with pytest.raises(SubscriptionError, match="forbidden"):
        Visitor(app).subscribe(token)
    visitor.client.set_cookie("banned", "1")
    with pytest.raises(SubscriptionError, match="forbidden"):
        visitor.subscribe(token)
    view = next(view for view in app.extensions["admin"][0]._views if view.endpoint == "mine")
    monkeypatch.setattr(view, "can_view_details", False)
    with pytest.raises(SubscriptionError, match="forbidden"):
        query.read()
    visitor.client.delete_cookie("banned")
    with pytest.raises(SubscriptionError, match="forbidden"):
        visitor.subscribe(token)


def test_everybody_has_a_reading_of_their_own(app: Flask, visitor: Visitor) -> None:
    """Readings are never shared between users; for one user, they are by page."""
    other = Visitor(app)
    other.get("/login/CHORE/reader")
    identity = follow(visitor, "/admin/mine/details/?id=1").identity
    assert follow(other, "/admin/mine/details/?id=1").identity != identity
    assert follow(visitor, "/admin/mine/details/?id=2").identity != identity
    assert follow(visitor, "/admin/mine/details/?id=1").identity == identity


def test_a_formatter_that_fails_is_no_deletion(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """404 from something else than the record closes the query with what the page answers."""
    query = follow(visitor, "/admin/tasks/details/?id=1")
    monkeypatch.setitem(Tasks.column_formatters_detail, "price", lambda *_: abort(404))
    with pytest.raises(SubscriptionError, match="query_failed"):
        query.read()


def test_pages_can_be_left_as_they_are(visitor: Visitor) -> None:
    """realtime_details and realtime_edit switch the pages off, not the list."""
    for url in ("/admin/off/details/?id=1", "/admin/off/edit/?id=1"):
        html = visitor.get(url)
        assert not has_marker(html)
        assert "sa_notify.js" not in html
    assert "data-sa-notify-bar" in visitor.get("/admin/off/")


def test_the_mount_point_is_part_of_the_page(app: Flask) -> None:
    """Under a prefix the page is found again."""
    mounted = Visitor(app, "/shop")
    html = mounted.get("/admin/tasks/details/?id=1")
    assert marker(html)["data-sa-url"] == "/shop/admin/tasks/details/?id=1"
    assert 'data-path="/shop/socket.io/"' in html
    assert [key for key, _ in follow(mounted, "/admin/tasks/details/?id=1").read().rows] == ["1"]


def test_a_token_is_of_one_kind_of_page(visitor: Visitor) -> None:
    """What is signed for the details page does not open another page of the view."""
    registered = visitor.app.extensions["sa_notify.queries"]["admin:tasks:details"]
    saved = visitor.saved
    for path in ("/admin/tasks/", "/admin/tasks/edit/", "/admin/modals/details/"):
        address = {"root": "", "path": path, "query": "id=1", "mode": "query", "keys": []}
        with saved.context(visitor.app), pytest.raises(SubscriptionError, match="bad_token"):
            registered.build(address, saved)


def test_nothing_is_left_in_a_transaction(visitor: Visitor) -> None:
    """Neither a reading nor one of a record that is gone keeps a transaction open."""
    query = follow(visitor, "/admin/tasks/details/?id=1")
    query.read()
    execute(visitor.app, "DELETE FROM task WHERE id = 1")
    query.read()
    with visitor.app.app_context(), db.engine.connect() as connection:
        assert _idle(connection) == 0


def _idle(connection: Connection) -> int:
    sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
    return int(connection.scalar(text(sql)) or 0)


def test_xss_is_text(visitor: Visitor) -> None:
    """A payload in a related row comes escaped, as on the page."""
    execute(visitor.app, "UPDATE task SET owner_id = 2 WHERE id = 1")
    cells = dict(follow(visitor, "/admin/tasks/details/?id=1").read().rows)["1"]
    assert cells["owner"].startswith("Bob &lt;script&gt;")
    assert XSS not in cells["owner"]


def test_messages_wait_for_a_page_that_is_shown(visitor: Visitor) -> None:
    """A page fetched in the background, to renew a token, does not use up flashed messages."""
    with visitor.client.session_transaction() as session:
        session["_flashes"] = [("message", "kept for later")]
    for url in ("/admin/tasks/details/?id=1", "/admin/tasks/edit/?id=1"):
        assert "kept for later" not in visitor.get(url, **{"X-SA-Notify": "1"})
    assert "kept for later" in visitor.get("/admin/tasks/details/?id=1")


def test_view_classes_and_admins_of_ones_own(database_url: str) -> None:
    """The mixin makes another view class's pages live, in each of several admins."""

    class House(ModelView):
        can_view_details = True
        column_details_list = ("title",)

    class Live(RealtimeMixin, House):
        form_columns = ("title",)

    app = make_desk(database_url)
    seed(app)
    Admin(app, name="Two", url="/deep/two", endpoint="two").add_view(Live(Task, db, endpoint="second"))
    visitor = Visitor(app)
    for page in ("details", "edit"):
        query = follow(visitor, f"/deep/two/second/{page}/?id=1")
        assert [key for key, _ in query.read().rows] == ["1"]
        assert query.identity != follow(visitor, f"/admin/tasks/{page}/?id=1").identity
    dispose(app)


def test_on_another_database_the_pages_are_just_not_live() -> None:
    """On SQLite the pages are Flask-Admin's own."""
    app = make_desk("sqlite://")
    with app.app_context():
        db.session.add(Task(id=1, title="one", kind=Kind.CHORE))
        db.session.commit()
    for url in ("/admin/tasks/details/?id=1", "/admin/tasks/edit/?id=1"):
        assert not has_marker(Visitor(app).get(url))
    dispose(app)
