"""The demo's Flask-Admin: its list pages follow the database."""

from flask import Flask
from flask_admin import Admin
from flask_admin.theme import Bootstrap4Theme
from markupsafe import Markup

from demo.models import TodoItem, User, db
from sa_notify.admin import RealtimeModelView

_COLOURS = {1: "danger", 2: "warning", 3: "info"}


def _priority(_view: object, _context: object, item: TodoItem, _name: str) -> Markup:
    colour = _COLOURS.get(item.priority, "secondary")
    return Markup('<span class="badge badge-{}">P{}</span>').format(colour, item.priority)


class TodoView(RealtimeModelView):
    """Follows its filters, search, sort and page: rows enter, leave and move."""

    column_list = ("title", "owner", "priority", "due", "done")
    column_filters = ("owner.name", "priority", "done", "due")
    column_searchable_list = ("title",)
    column_sortable_list = ("title", ("owner", "owner.name"), "priority", "due", "done")
    column_default_sort = "priority"
    column_editable_list = ("title", "done")
    column_formatters = {"priority": _priority}
    page_size = 20
    can_set_page_size = True
    named_filter_urls = True


class UserView(RealtimeModelView):
    """Keeps the rows on the page up to date; a banner counts what else changed."""

    realtime_mode = "rows"
    column_list = ("id", "name")
    column_editable_list = ("name",)


def init_admin(app: Flask) -> None:
    """Add the admin at ``/admin/``."""
    admin = Admin(app, name="sa_notify demo", theme=Bootstrap4Theme(swatch="default"))
    admin.add_view(TodoView(TodoItem, db, name="To do"))
    admin.add_view(UserView(User, db, name="People"))
