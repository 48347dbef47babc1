"""What a row of a list shows beside its columns' values: its buttons, and what its inline editors offer."""

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


def have_looks(context: Context) -> bool:
    """Whether the rows of a page have looks that are not empty."""
    return bool(_edited(context)) or _written(context) is not None


def _edited(context: Context) -> list[str]:
    return [column for column, _ in context["list_columns"] if context["admin_view"].is_editable(column)]


def _editors(context: Context, row: Any) -> Iterator[str]:
    key = context["get_pk_value"](row)
    for column in _edited(context):
        yield str(context["list_forms"][key][column](pk=key, display_value=""))


def _markup(context: Context) -> Iterator[str]:
    found = _written(context)
    if found is not None:
        name, depth = found
        block = context.blocks.get(name, [])[depth : depth + 1]
        yield _TOKENS.sub("", "".join(text for write in block for text in write(context)))


def _written(context: Context) -> tuple[str, int] | None:
    """The block, and which of those by that name, that writes what may depend on more than the row's key.

    That is the whole row where a template of the application writes it, else the buttons.
    """
    # one is ours, one Flask-Admin's
    if len(context.blocks.get("list_row", ())) > 2 or not _flask_admins_own(context.environment):
        return "list_row", 1
    return None if _has_plain_buttons(context) else ("list_row_actions_column", 0)


def _has_plain_buttons(context: Context) -> bool:
    names = ("list_row_actions_column", "list_row_actions")
    if any(len(context.blocks.get(name, ())) > 1 for name in names):
        return False
    return all(type(action) in _PLAIN_ACTIONS for action in context.get("list_row_actions") or ())


def _flask_admins_own(environment: Environment) -> bool:
    files = (environment.get_template(name).filename for name in _TEMPLATES)
    return all(file is not None and Path(file).is_relative_to(_FLASK_ADMIN) for file in files)
