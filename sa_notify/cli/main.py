"""``sa-notify``: the commands for any SQLAlchemy project."""

from typing import Any

import click

from sa_notify import __version__
from sa_notify.cli import (
    check as checking,
    dispatch as dispatching,
    explain as explaining,
    status as looking,
    tail as tailing,
    triggers as listing,
)
from sa_notify.cli.check import json_option, schemas_option
from sa_notify.cli.dispatch import http_option, redis_options, sink_option
from sa_notify.cli.place import Place, with_place


@click.group()
@click.version_option(__version__, prog_name="sa-notify")
def main() -> None:
    """Live SQLAlchemy models on PostgreSQL."""


@main.command(help=checking.HELP)
@schemas_option
@json_option
@with_place
def check(place: Place, **options: Any) -> None:
    checking.check(place, **options)


@main.command(help=listing.HELP)
@schemas_option
@redis_options
@json_option
@with_place
def triggers(place: Place, **options: Any) -> None:
    listing.triggers(place, **options)


@main.command(help=dispatching.HELP)
@redis_options
@http_option
@sink_option
@with_place
def dispatch(place: Place, **options: Any) -> None:
    dispatching.dispatch(place, **options)


@main.command(help=explaining.HELP)
@click.option(
    "--app", envvar="FLASK_APP", help="The application, as in flask --app; else FLASK_APP or app.py."
)
@explaining.explain_options
def explain(app: str | None, **options: Any) -> None:
    explaining.explain(explaining.loaded(app), **options)


@main.command(help=looking.STATUS)
@redis_options
@json_option
@with_place
def status(place: Place, **options: Any) -> None:
    looking.status(place, **options)


@main.command(help=looking.CLIENTS)
@redis_options
@json_option
def clients(**options: Any) -> None:
    looking.clients(**options)


@main.command(help=tailing.HELP)
@tailing.tables_argument
@json_option
@with_place
def tail(place: Place, **options: Any) -> None:
    tailing.tail(place, **options)
