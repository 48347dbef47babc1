"""``flask sa-notify``: the same commands with an application's own engine and models."""

from typing import Any

import click
from click.core import ParameterSource
from flask import current_app
from flask.cli import AppGroup

from sa_notify.capture.spec import realtime_metadatas
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
from sa_notify.cli.place import Place, Refused

group = AppGroup("sa-notify", help="Live SQLAlchemy models on PostgreSQL.")


@group.command("check", help=checking.HELP)
@schemas_option
@json_option
def check(**options: Any) -> None:
    checking.check(_place(), **options)


@group.command("triggers", help=listing.HELP)
@schemas_option
@redis_options
@json_option
def triggers(**options: Any) -> None:
    listing.triggers(_place(), **_with_redis(options))


@group.command("dispatch", help=dispatching.HELP)
@redis_options
@http_option
@sink_option
def dispatch(**options: Any) -> None:
    place, extension = _place(), current_app.extensions["sa_notify"]
    listen_url = extension.settings.listen_url
    dispatching.dispatch(place, own=extension.sinks, listen_url=listen_url, **_with_redis(options))


@group.command("explain", help=explaining.HELP)
@explaining.explain_options
def explain(**options: Any) -> None:
    _place()
    app: Any = current_app
    explaining.explain(app._get_current_object(), **options)  # noqa: SLF001


@group.command("status", help=looking.STATUS)
@redis_options
@json_option
def status(**options: Any) -> None:
    looking.status(_place(), **_with_redis(options))


@group.command("clients", help=looking.CLIENTS)
@redis_options
@json_option
def clients(**options: Any) -> None:
    looking.clients(**_with_redis(options))


@group.command("tail", help=tailing.HELP)
@tailing.tables_argument
@json_option
def tail(**options: Any) -> None:
    place = _place()
    tailing.tail(place, listen_url=current_app.extensions["sa_notify"].settings.listen_url, **options)


def _with_redis(options: dict[str, Any]) -> dict[str, Any]:
    """The application's own Redis, and names in it, where none are named."""
    config, context = current_app.config, click.get_current_context()
    found = {**options, "redis_url": options["redis_url"] or config.get("SA_NOTIFY_REDIS_URL")}
    if context.get_parameter_source("prefix") is ParameterSource.DEFAULT:
        found["prefix"] = config.get("SA_NOTIFY_REDIS_PREFIX", options["prefix"])
    return found


def _place() -> Place:
    extension = current_app.extensions.get("sa_notify")
    if extension is None:
        raise Refused(
            "this application has no dispatcher: call dispatcher.init_app(app, socketio, engine=...)"
        )
    found = realtime_metadatas()
    if not found:
        click.echo("No model of this application says @realtime.", err=True)
    return Place(extension.engine, found)
