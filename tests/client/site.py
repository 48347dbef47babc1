"""A Flask-Admin site in SQLite whose list page keeps the browser library's markup contract."""

from pathlib import Path
from typing import Any, ClassVar

from flask import Flask
from flask_admin import Admin
from flask_admin.contrib.sqla import ModelView
from flask_sqlalchemy import SQLAlchemy
from jinja2 import DictLoader
from markupsafe import Markup, escape
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.pool import StaticPool

_STATIC = Path(__file__).parents[2] / "sa_notify" / "web" / "static"

TEMPLATE = """
{% extends "admin/model/list.html" %}
{% block head_css %}{{ super() }}<link href="/sa_notify.css" rel="stylesheet">{% endblock %}
{% block model_menu_bar %}
  <template data-sa-notify-bar data-sa-mode="{{ mode }}" data-sa-token="{{ token }}"
            data-sa-rows-token="rows:{% for row in data %}{{ get_pk_value(row) }} {% endfor %}"></template>
  {{ super() }}
{% endblock %}
{% block list_row scoped %}
  <template data-sa-key="{{ get_pk_value(row) }}"></template>{{ super() }}
{% endblock %}
{% block list_pager %}<div id="sa-notify-pager">{{ super() }}</div>{% endblock %}
{% block tail %}{{ super() }}<script src="/sa_notify.js"></script>{% endblock %}
"""


#: Editors in a template of one's own, whose elements have no keys.
PARTS = """
{% extends "admin/master.html" %}
{% import "admin/lib.html" as lib with context %}
{% block body %}
  <template data-sa-notify-bar data-sa-parts data-sa-token="{{ token }}"></template>
  <div id="titles" data-sa-live>
    {% for row in data %}
    <p>{{ list_forms[row.id|string].title(pk=row.id, display_value=row.title) }}</p>
    {% endfor %}
  </div>
{% endblock %}
{% block tail %}{{ super() }}{{ lib.form_js() }}<script src="/sa_notify.js"></script>{% endblock %}
"""


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "items"

    id: Mapped[int] = mapped_column(primary_key=True)
    rank: Mapped[int]
    title: Mapped[str]
    done: Mapped[bool] = mapped_column(default=False)


def _marked(view: Any, context: Any, model: Any, name: str) -> Markup:
    return Markup('<a href="#">{0}</a> <b>of {0}</b>').format(getattr(model, name))


class ItemView(ModelView):
    """Ten rows a page, in the order of rank; title and done can be edited in place when asked for."""

    list_template = "live.html"
    column_list = ("rank", "title", "done")
    page_size = 10
    column_default_sort = ("rank", False)
    column_formatters: ClassVar = {"rank": _marked}
    page_size_options = (10, 50)
    can_set_page_size = True
    column_searchable_list = ("title",)

    def render(self, template: str, **kwargs: Any) -> Any:
        return super().render(template, mode=self.mode, token=f"list {self.tokens}", **kwargs)


class Site:
    """The application, and what a live query over its list would hold."""

    def __init__(
        self, mode: str, *, editable: bool = False, counted: bool = True, parts: bool = False
    ) -> None:
        self.app = Flask(__name__)
        self.app.config.update(
            SECRET_KEY="x",
            SQLALCHEMY_DATABASE_URI="sqlite://",
            SQLALCHEMY_ENGINE_OPTIONS={"poolclass": StaticPool, "connect_args": {"check_same_thread": False}},
        )
        self.app.jinja_loader = DictLoader({"live.html": TEMPLATE, "parts.html": PARTS})
        for name, kind in (("sa_notify.js", "text/javascript"), ("sa_notify.css", "text/css")):
            self._serve(name, kind)
        self.db = SQLAlchemy(self.app, model_class=Base)
        self.view = ItemView(Item, self.db, endpoint="item", url="/admin/item")
        self.view.mode, self.view.tokens = mode, 1
        self.view.simple_list_pager = not counted
        if parts:
            self.view.list_template = "parts.html"
        if editable:
            self.view.column_editable_list = ("title", "done")
            self.view._refresh_cache()
        Admin(self.app, url="/admin").add_view(self.view)
        with self.app.app_context():
            self.db.create_all()

    def _serve(self, name: str, kind: str) -> None:
        self.app.add_url_rule(
            f"/{name}", name, lambda: ((_STATIC / name).read_bytes(), 200, {"Content-Type": kind})
        )

    def write(self, *statements: Any) -> None:
        """Execute and commit."""
        with self.app.app_context():
            for statement in statements:
                self.db.session.execute(statement)
            self.db.session.commit()

    def close(self) -> None:
        """Give the database up; Python 3.13 warns of one that is left open."""
        with self.app.app_context():
            self.db.engine.dispose()

    def window(self, keys: list[str] | None = None) -> tuple[list[list[Any]], int | None]:
        """Rows and count of the list's first page, or the rows with these keys."""
        with self.app.test_request_context("/admin/item/"):
            count, items = self.view.get_list(0, None, None, None, None, page_size=self.view.page_size)
            if keys is not None:
                count, items = None, [self.db.session.get(Item, int(key)) for key in keys]
            return [self._row(item) for item in items if item is not None], count

    def _row(self, item: Item) -> list[Any]:
        columns = [name for name, _ in self.view._list_columns]
        return [
            str(item.id),
            {name: str(escape(self.view.get_list_value(None, item, name))) for name in columns},
        ]
