"""``explain``: how a live query or an admin list is kept up to date, and why so."""

import json
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click
from sqlalchemy.exc import SQLAlchemyError

from sa_notify.cli.place import Refused
from sa_notify.cli.table import lines
from sa_notify.errors import SubscriptionError
from sa_notify.live.explain import Explained, explain as explained
from sa_notify.live.query import Query, Reading

if TYPE_CHECKING:
    from flask import Flask
    from flask.sessions import SessionMixin

    from sa_notify.web.context import SavedRequest

HELP = """Say how a live query is followed: its tier, tables, columns and index, what a change costs, and why.

NAME is what the page subscribes to, PARAMS its parameters as JSON. It is read three times.
"""

_Command = Callable[..., Any]
_READS = 3


def explain_options(command: _Command) -> _Command:
    """The arguments of the command."""
    options = (
        click.argument("name", required=False),
        click.argument("params", default="{}"),
        click.option("--admin", "url", help="An admin list instead, by its URL: /admin/todoitem/?page=3"),
        click.option("--user", help="As whom: an id that Flask-Login knows. Else as nobody."),
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def explain(
    app: "Flask", *, name: str | None, params: str, url: str | None, user: str | None, as_json: bool
) -> None:
    """Print the explanation.

    :raises Refused: there is no such query, or it can't be read as asked.
    """
    if (name is None) == (url is None):
        raise Refused("name a query and its parameters, or an admin list with --admin URL")
    with _subscriber(app, user) as request:
        try:
            query = _admin(app, url, request) if url else _query(app, str(name), params, request)
            seconds, reading = _read(query)
        except SubscriptionError as error:
            raise Refused(f"{name or url} is refused ({error.code}): {error.message}") from error
        except SQLAlchemyError as error:
            raise Refused(f"{name or url} can't be read: {_first_line(error)}") from error
    found = explained(query, reading)
    if as_json:
        click.echo(json.dumps({**asdict(found), "rows": len(reading.rows), "milliseconds": seconds * 1000}))
    else:
        click.echo("\n".join(_text(found, reading, seconds)))


def loaded(path: str | None) -> "Flask":
    """The application, as ``flask --app`` finds it.

    :raises Refused: there is none.
    """
    try:
        from flask.cli import NoAppException, ScriptInfo
    except ImportError:
        raise Refused('live queries live in a Flask application: pip install "sa-notify[flask]"') from None
    try:
        return ScriptInfo(app_import_path=path).load_app()
    except NoAppException as error:
        raise Refused(f"{error} Name it with --app, as in --app app:create_app") from error


def _read(query: Query) -> tuple[float, Reading]:
    seconds = []
    for _ in range(_READS):
        began = time.perf_counter()
        reading = query.read()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds), reading


def _first_line(error: SQLAlchemyError) -> str:
    """Of what the database said, without the statement."""
    said = str(getattr(error, "orig", None) or error).strip()
    return said.splitlines()[0] if said else type(error).__name__


# -- what is asked for


def _query(app: "Flask", name: str, params: str, request: "SavedRequest") -> Query:
    from sa_notify.web.queries import build

    try:
        arguments = json.loads(params)
    except ValueError as error:
        raise Refused(f"PARAMS is no JSON: write them as '{{\"owner\": 5}}' ({error})") from error
    if not isinstance(arguments, dict):
        raise Refused("PARAMS must be an object: '{\"owner\": 5}'")
    return build(app.extensions["sa_notify"].find(name), arguments, request)


def _admin(app: "Flask", url: str, request: "SavedRequest") -> Query:
    from sa_notify.web.queries import build

    with app.test_request_context(url) as context:
        endpoint = str(context.request.endpoint).removesuffix(".index_view")
        registered: Any = app.extensions.get("sa_notify.queries", {}).get(f"admin:{endpoint}")
        params = None if registered is None else registered.here()
    if params is None:
        raise Refused(
            f"{url} is no list of a RealtimeModelView: write its path, as in /admin/todoitem/?page=3"
        )
    return build(registered, params, request)


@contextmanager
def _subscriber(app: "Flask", user: str | None) -> Iterator["SavedRequest"]:
    """A request of somebody, in whose context queries are built and read."""
    from flask import session

    from sa_notify.web.context import SavedRequest

    with app.test_request_context("/") as context:
        environ = dict(context.request.environ)
        if user is not None:
            session["_user_id"], session["_fresh"] = user, True
            environ["HTTP_COOKIE"] = _cookie(app, context.session)
    request = SavedRequest.of(environ)
    with request.context(app):
        yield request


def _cookie(app: "Flask", current: "SessionMixin") -> str:
    response = app.response_class()
    app.session_interface.save_session(app, current, response)
    return "; ".join(value.partition(";")[0] for value in response.headers.getlist("Set-Cookie"))


# -- telling


def _text(found: Explained, reading: Reading, seconds: float) -> Iterator[str]:
    total = "" if reading.total is None else f" of {reading.total:,}"
    yield f"{found.name}: {found.tier}"
    yield f"    {found.way}"
    yield f"    {len(reading.rows):,} rows{total}, read in {seconds * 1000:.1f} ms"
    yield ""
    yield from lines(("TABLE", "COLUMNS", "INDEX"), found.tables)
    yield ""
    yield f"order       {found.order}"
    for number, sentence in enumerate(found.per_change):
        yield f"{'' if number else 'per change':<12}{sentence}"
    for number, sentence in enumerate(found.why):
        yield f"{'' if number else 'why':<12}{sentence}"
