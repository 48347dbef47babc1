"""What a row shows beside its columns is known by a digest, on the page and in its readings alike."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask_admin.contrib.sqla import ModelView
from flask_admin.form import SecureForm
from flask_admin.model.template import EndpointLinkRowAction
from jinja2 import DictLoader

from sa_notify.admin import RealtimeMixin, RealtimeModelView
from tests.admin.applications import execute
from tests.admin.library import Book, db
from tests.admin.visitor import Visitor

# Flask-Admin gives WTForms its choices as tuples, which WTForms 3.3 wants replaced.
pytestmark = pytest.mark.filterwarnings(
    "ignore:(Passing SelectField choices|Yielding raw tuples):DeprecationWarning"
)

_TEMPLATES = {
    "buttons.html": """{% extends 'admin/model/list.html' %}
        {% block list_row_actions scoped %}{% if not row.done %}{{ super() }}{% endif %}{% endblock %}""",
    "cells.html": """{% extends 'admin/model/list.html' %}
        {% block list_row scoped %}{{ super() }}<td>{{ row.genre }}</td>{% endblock %}""",
    "title.html": "{% extends 'admin/model/list.html' %}{% block title %}Books{% endblock %}",
    "cards.html": """{% extends 'admin/master.html' %}
        {% block body %}{% for row in data %}{{ row }}{% endfor %}{% endblock %}""",
    "unkeyed.html": """{% extends 'admin/model/list.html' %}{% block model_list_table %}
        <table class="model-list">{% for row in data %}<tr><td>{{ row }}</td></tr>{% endfor %}</table>
        {% endblock %}""",
    "unnamed.html": """{% extends 'admin/model/list.html' %}{% block model_list_table %}
        <table>{% for row in data %}<tr>{% block list_row scoped %}<td>{{ row }}</td>{% endblock %}</tr>
        {% endfor %}</table>{% endblock %}""",
    "live.html": """{% extends 'admin/master.html' %}{% block body %}{% include 'sa_notify/admin/live.html' %}
        <div id="cards" data-sa-live>{% for row in data %}{{ row }}{% endfor %}</div>{% endblock %}""",
}  # fmt: skip

Add = Callable[..., Visitor]


@pytest.fixture
def add(app: Flask) -> Add:
    """Adds a view of books named ``own``, of a class with these options."""
    app.jinja_loader = DictLoader(_TEMPLATES)

    def with_options(*bases: type, **options: Any) -> Visitor:
        view: Any = type("Own", bases or (RealtimeModelView,), {"column_list": ("title", "done"), **options})
        app.extensions["admin"][0].add_view(view(Book, db, endpoint="own"))
        return Visitor(app)

    return with_options


def looks(visitor: Visitor) -> dict[str, str | None]:
    """By key; those of the page are those of a reading."""
    shown = {key: cells.get("") for key, cells in visitor.page("/admin/own/").rows}
    assert {key: cells.get("") for key, cells in visitor.follow("/admin/own/").read().rows} == shown
    assert len(shown) > 0
    return shown


@pytest.mark.parametrize("options", [{}, {"list_template": "title.html", "can_delete": False}])
def test_a_plain_list_has_no_looks(add: Add, options: dict[str, Any]) -> None:
    """Where buttons depend on the key alone, nothing is computed or sent."""
    assert set(looks(add(**options)).values()) == {None}


@pytest.mark.parametrize(
    ("options", "write"),
    [
        ({"list_template": "buttons.html"}, "UPDATE book SET done = NOT done WHERE id = 3"),
        ({"list_template": "cells.html"}, "UPDATE book SET genre = 'z' WHERE id = 3"),
    ],
)
def test_rows_that_a_template_writes_change_their_look(add: Add, options: dict[str, Any], write: str) -> None:
    """A block of one's own may show anything of the row."""
    visitor = add(**options)
    before = looks(visitor)
    execute(visitor.app, write)
    assert {key for key, look in looks(visitor).items() if look != before[key]} == {"3"}


def test_what_an_editor_offers_is_part_of_every_rows_look(add: Add) -> None:
    """A choice that is renamed is renamed in each row's editor; its table is one that the list depends on."""
    visitor = add(column_list=("title", "author"), column_editable_list=("title", "author"))
    before = looks(visitor)
    assert "public.author" in visitor.follow("/admin/own/").read().tables
    execute(visitor.app, "INSERT INTO author (id, name) VALUES (9, 'New')")
    after = looks(visitor)
    assert all(after[key] != look for key, look in before.items())


def test_tokens_against_forgery_are_no_part_of_it(add: Add) -> None:
    """They are others at each request."""
    add_star = [EndpointLinkRowAction("fa fa-star", ".edit_view")]
    visitor = add(
        form_base_class=SecureForm, column_editable_list=("title",), column_extra_row_actions=add_star
    )
    before = looks(visitor)
    assert "csrf" in visitor.get("/admin/own/")
    assert None not in before.values()
    assert looks(visitor) == before == looks(Visitor(visitor.app))


def test_the_mixin_makes_other_view_classes_live(add: Add) -> None:
    """A view class of one's own keeps what it overrides: its query, its rendering, its columns."""

    class Base(ModelView):
        column_list = ("title",)

        def get_query(self) -> Any:
            return super().get_query().where(Book.genre == "b")

        def render(self, template: str, **kwargs: Any) -> Any:
            return super().render(template, greeting="hello", **kwargs)

        def get_list(self, *args: Any, **kwargs: Any) -> Any:
            count, rows = super().get_list(*args, **kwargs)
            return count, [row for row in rows if row.id != 6]

    visitor = add(RealtimeMixin, Base)
    page, query = visitor.page("/admin/own/"), visitor.follow("/admin/own/")
    assert page.bar["data-sa-token"]
    assert [key for key, _ in query.read().rows] == [key for key, _ in page.rows]
    assert "6" not in dict(page.rows)


@pytest.mark.parametrize(
    ("template", "warned"),
    [
        ("cards.html", True),
        ("unkeyed.html", True),
        ("unnamed.html", True),
        ("live.html", False),
        ("title.html", False),
    ],
)
def test_a_template_that_can_not_be_live_is_told_what_it_needs(
    add: Add, caplog: pytest.LogCaptureFixture, template: str, warned: bool
) -> None:
    """A template without Flask-Admin's blocks works, and the log says once what would make it live."""
    visitor = add(list_template=template)
    html = visitor.get("/admin/own/")
    visitor.get("/admin/own/")
    told = [record.getMessage() for record in caplog.records if "is not live" in record.getMessage()]
    assert len(told) == warned
    assert not warned or '{% include "sa_notify/admin/live.html" %}' in told[0]
    assert ("data-sa-notify-bar" in html) is not warned
    assert ("data-sa-parts" in html) is (template == "live.html")


def test_a_list_with_parts_is_read_like_any_other(add: Add) -> None:
    """The token that the include writes subscribes to the list."""
    visitor = add(list_template="live.html")
    assert len(visitor.follow("/admin/own/").read().rows) == 20
    assert visitor.get("/admin/own/").count("data-sa-notify-bar") == 1
