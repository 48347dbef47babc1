"""What a row of a list shows beside its columns' values: buttons, what its inline editors hold and offer."""

import re
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

import flask_admin
from flask_admin.model import template as flask_admin_rows
from jinja2 import Environment, pass_context
from jinja2.runtime import Context

_FLASK_ADMIN = Path(flask_admin.__file__).parent
#: Templates that write a row's cells and buttons.
_TEMPLATES = ("admin/model/list.html", "admin/model/row_actions.html")
#: Buttons that depend on the row's key alone.
_PLAIN_ACTIONS = (
    flask_admin_rows.ViewRowAction,
    flask_admin_rows.ViewPopupRowAction,
    flask_admin_rows.EditRowAction,
    flask_admin_rows.EditPopupRowAction,
    flask_admin_rows.DeleteRowAction,
)
# they are others at each request
_TOKENS = re.compile(r'<input[^>]*\bname="csrf_token"[^>]*>|\sdata-csrf="[^"]*"')


@pass_context
def look_of(context: Context, row: Any) -> str:
    """A digest of the row's look; empty where that follows from the row's key.

    A page that is open can be told the values of its cells, but not how a row looks: it fetches itself
    when that changes. Called while the page is rendered, and with its context when it is read.
    """
    parts = [*_editors(context, row), *_markup(context)]
    if not parts:
        return ""
    return blake2b("\0".join(parts).encode(), digest_size=9).hexdigest()


def _editors(context: Context, row: Any) -> Iterator[str]:
    view, key = context["admin_view"], context["get_pk_value"](row)
    for column, _ in context["list_columns"]:
        if view.is_editable(column):
            yield str(context["list_forms"][key][column](pk=key, display_value=""))


def _markup(context: Context) -> Iterator[str]:
    """The whole row where a template of the application writes it, its buttons where they depend on it."""
    rows = context.blocks.get("list_row", [])
    if len(rows) > 2 or not _flask_admins_own(context.environment):  # ours, and Flask-Admin's
        yield _rendered(rows[1:2], context)
    elif not _plain_buttons(context):
        yield _rendered(context.blocks.get("list_row_actions_column", [])[:1], context)


def _plain_buttons(context: Context) -> bool:
    names = ("list_row_actions_column", "list_row_actions")
    if any(len(context.blocks.get(name, ())) > 1 for name in names):
        return False
    return all(type(action) in _PLAIN_ACTIONS for action in context.get("list_row_actions") or ())


def _flask_admins_own(environment: Environment) -> bool:
    files = (environment.get_template(name).filename for name in _TEMPLATES)
    return all(file is not None and Path(file).is_relative_to(_FLASK_ADMIN) for file in files)


def _rendered(block: list[Any], context: Context) -> str:
    return _TOKENS.sub("", "".join(text for write in block for text in write(context)))
