"""A live edit form reads what a form opened now would submit."""

from typing import Any

import pytest
from flask import Flask, request
from sqlalchemy import event

from sa_notify.errors import SubscriptionError
from tests.admin.applications import execute
from tests.admin.desk import FIELDS, Tasks, db
from tests.admin.records import follow, has_marker, marker, submitted
from tests.admin.visitor import Visitor

# Flask-Admin gives WTForms its choices as tuples, which WTForms 3.3 wants replaced.
pytestmark = pytest.mark.filterwarnings(
    "ignore:(Passing SelectField choices|Yielding raw tuples):DeprecationWarning"
)

PAGES = [
    "/admin/tasks/edit/?id=1",
    "/admin/modals/edit/?id=1&modal=True",
    "/admin/ajax/edit/?id=1&url=/admin/ajax/",
    "/admin/inline/edit/?id=1",
    "/admin/mine/edit/?id=1",
    "/admin/spots/edit/?id=a...,%22%3Cb,1",
]
WRITES = [
    "UPDATE task SET title = '<script>alert(1)</script> & \"co\"', notes = E'a\\nb </textarea>' WHERE id = 1",
    "UPDATE task SET done = true, rank = 7, price = NULL, kind = 'ERRAND' WHERE id = 1 AND title <> 'mine'",
    "UPDATE task SET due = NULL, starts = '2027-01-01 00:00:01', data = '[\"<\"]' WHERE id = 1",
    "UPDATE task SET owner_id = 2 WHERE id = 1",
    "DELETE FROM labelled WHERE label_id = 1",
    "UPDATE task SET owner_id = NULL WHERE id = 1",
    "UPDATE step SET what = '<b>' WHERE task_id = 1",
    "INSERT INTO step (what, task_id) VALUES ('third', 1)",
    "UPDATE spot SET note = '<u>there</u>'",
]


def fields(reading: Any) -> dict[str, Any]:
    ((_, values),) = reading.rows
    return dict(values)


def together(values: dict[str, Any]) -> list[tuple[str, str]]:
    return sorted(pair for value in values.values() for pair in submitted(value["html"]))


@pytest.mark.parametrize("url", PAGES)
def test_a_reading_equals_the_form(visitor: Visitor, url: str) -> None:
    """After each write the fields hold what the form would submit if it were opened now."""
    query = follow(visitor, url)
    for sql in ["SELECT 1", *(WRITES if "mine" not in url else WRITES[:1])]:
        execute(visitor.app, sql)
        html = visitor.get(url)
        assert together(fields(query.read())) == submitted(html), sql


def test_the_generated_comparison_sees_fields_of_every_kind(visitor: Visitor) -> None:
    """The forms compared hold text, boxes, choices, dates, documents and related rows."""
    values = fields(follow(visitor, "/admin/tasks/edit/?id=1").read())
    assert tuple(values) == FIELDS
    assert dict(together(values)).items() >= {
        ("title", "Task 1"),
        ("notes", "line\nand <more>"),
        ("price", "4.50"),
        ("kind", "CHORE"),
        ("due", "2026-02-03"),
        ("starts", "2026-02-03 04:05:06"),
        ("data", '{"a": [1, "ä"]}'),
        ("owner", "1"),
    }
    assert ("labels", "1") in together(values)
    assert values["title"]["label"] == "Title"
    ajax = fields(follow(visitor, "/admin/ajax/edit/?id=1").read())
    assert "data-json" in ajax["owner"]["html"]
    assert 'data-hint="x"' in ajax["title"]["html"]


def test_the_forms_mark(visitor: Visitor) -> None:
    """The mark names kind and record; a form that was sent back with errors says so."""
    html = visitor.get("/admin/tasks/edit/?id=1")
    mark = marker(html)
    assert (mark["data-sa-notify-record"], mark["data-sa-key"]) == ("edit", "1")
    assert "data-sa-posted" not in mark
    assert "sa_notify.js" in html
    assert "sa_notify.js" not in visitor.get("/admin/modals/edit/?id=1&modal=True")
    answer = visitor.client.post("/admin/tasks/edit/?id=1", data={"title": "", "kind": "CHORE"})
    assert "data-sa-posted" in marker(answer.get_data(as_text=True))


def test_hidden_fields_stay_out(visitor: Visitor) -> None:
    """Tokens against forgery are not sent; keys of inline rows come with their form alone."""
    values = fields(follow(visitor, "/admin/inline/edit/?id=1").read())
    assert set(values) == {"title", "secret", "labels", "steps"}
    assert not any("csrf" in value["html"] for value in values.values())


def test_unchosen_rows_of_a_relation_are_not_read(visitor: Visitor) -> None:
    """A reading looks the chosen rows up, not everybody who could be chosen."""
    query = follow(visitor, "/admin/tasks/edit/?id=1")
    statements: list[str] = []
    with visitor.app.app_context():
        engine = db.engine

    def note(*args: Any) -> None:
        statements.append(args[2])

    event.listen(engine, "before_cursor_execute", note)
    html = fields(query.read())["owner"]["html"]
    event.remove(engine, "before_cursor_execute", note)
    assert html.count("<option") == 2  # and the blank one
    assert [sql for sql in statements if "FROM person" in sql and "WHERE" not in sql] == []


def test_what_a_reading_depends_on(visitor: Visitor) -> None:
    """The record's table and those of its relations; an excluded column is read by the clock."""
    reading = follow(visitor, "/admin/tasks/edit/?id=1").read()
    assert reading.tables == {"public.task", "public.person", "public.labelled", "public.label"}
    assert reading.doubts == ()
    inline = follow(visitor, "/admin/inline/edit/?id=1").read()
    assert "public.step" in inline.tables
    assert any("excludes" in doubt for doubt in inline.doubts)


def test_a_record_that_is_gone_is_no_row(visitor: Visitor) -> None:
    """A deleted record is an empty window."""
    query = follow(visitor, "/admin/tasks/edit/?id=1")
    execute(visitor.app, "DELETE FROM task WHERE id = 1")
    assert query.read().rows == ()


def test_whoever_may_not_edit_is_refused(visitor: Visitor, app: Flask) -> None:
    """can_edit is asked when a page subscribes and at every reading."""
    token = marker(visitor.get("/admin/mine/edit/?id=1"))["data-sa-token"]
    query = visitor.subscribe(token)
    assert len(fields(query.read())) == 1
    reader = Visitor(app)
    reader.get("/login/CHORE/reader")
    with pytest.raises(SubscriptionError, match="forbidden"):
        reader.subscribe(token)


def test_a_reading_changes_nothing(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The form is bound as for GET, whatever on_form_prefill does; nothing is written."""
    methods: list[str] = []

    def prefill(self: Any, form: Any, id: str) -> None:  # noqa: A002
        methods.append(request.method)
        form.title.data += f" of {id}"

    monkeypatch.setattr(Tasks, "on_form_prefill", prefill)
    values = fields(follow(visitor, "/admin/tasks/edit/?id=1").read())
    assert ("title", "Task 1 of 1") in together(values)
    assert set(methods) == {"GET"}
    execute(visitor.app, "UPDATE task SET rank = 1 WHERE title = 'Task 1'")
    assert ("rank", "1") in together(fields(follow(visitor, "/admin/tasks/edit/?id=1").read()))


def test_create_is_left_alone(visitor: Visitor) -> None:
    """A form for a record that is not there yet has nothing to follow."""
    assert not has_marker(visitor.get("/admin/tasks/new/"))
