"""Function bodies that somebody had edited: a migration that mends one carries it, for the way back."""

from collections.abc import Iterator

from sa_notify.capture.catalog import Installed
from sa_notify.capture.ddl import Generated, Target, install
from sa_notify.capture.names import literal
from sa_notify.capture.render import render_body
from sa_notify.capture.spec import TriggerParams

_QUOTE = "$sa_notify$"


def edited_body(found: Installed) -> str | None:
    """The function's body where it is not what its own parameters say."""
    generated = None if found.params is None else render_body(found.params)
    return None if found.body == generated else found.body


def install_edited(target: Target, params: TriggerParams, body: str) -> Iterator[Generated]:
    """What ``install()`` does, with that body: escaped, since it may hold anything."""
    for statement in install(target, params):
        head, function, rest = statement.sql.partition(f"AS {_QUOTE}")
        tail = rest.rpartition(_QUOTE)[2]
        yield Generated(f"{head}AS {literal(body)}{tail}") if function else statement
