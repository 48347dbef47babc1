"""``sa-notify status`` and ``sa-notify clients``: who dispatches, who works, who is connected."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

import click
from sqlalchemy import text

from sa_notify.cli.dispatch import needed_redis
from sa_notify.cli.place import Place, Refused
from sa_notify.cli.table import ago, lines, printable
from sa_notify.errors import SetupError

STATUS = """Show the dispatcher that leads, the web workers, and how full PostgreSQL's NOTIFY queue is.

Exit status: 0 a dispatcher leads and follows the database, 1 none does, 2 it could not be found out.
"""
CLIENTS = """List every connected client: its worker, user, since when, and the queries it looks at."""

_QUEUE = "SELECT pg_catalog.pg_notification_queue_usage()"

T = TypeVar("T")


def status(place: Place, *, redis_url: str | None, prefix: str, as_json: bool) -> None:
    """Print it; leaves with status 1 when nobody dispatches."""
    from sa_notify.redis.overview import overview

    found = asked(redis_url, prefix, overview)
    with place.reading() as connection:
        queue = float(connection.scalar(text(_QUEUE)) or 0)
    if as_json:
        told = {"leader": found.leader, "workers": found.workers, "notify_queue": queue}
        click.echo(json.dumps(told, indent=2))
    else:
        for line in _status_lines(found, queue):
            click.echo(line)
    if not (found.leader or {}).get("epoch"):
        raise click.exceptions.Exit(1)


def clients(*, redis_url: str | None, prefix: str, as_json: bool) -> None:
    """Print a row for each."""
    from sa_notify.redis.overview import clients as connected

    found = asked(redis_url, prefix, connected)
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    rows = [
        [
            f"{each['host']}:{each['pid']}", each["user"] or "-", ago(each["since"]),
            " ".join(map(str, each["queries"])) or "-",
        ]
        for each in found
    ]  # fmt: skip
    for line in lines(("WORKER", "USER", "SINCE", "QUERIES"), rows):
        click.echo(line)


def _status_lines(found: Any, queue: float) -> list[str]:
    leader = found.leader
    if leader is None:
        told = [click.style("No dispatcher leads.", fg="red")]
    else:
        where = (
            f"{printable(leader['host'])}:{leader['pid']}, term {leader['term']}, for {ago(leader['since'])}"
        )
        follows = (
            f"epoch {printable(str(leader['epoch']))}, position {leader['position']}, "
            f"{leader['lag']:.1f} s behind"
            if leader.get("epoch")
            else click.style("does not follow the database: its log says why", fg="red")
        )
        told = [f"dispatcher    {where}", f"              {follows}"]
        told += [f"              tables {printable(str(each))}" for each in leader["unread"].values()]
    told.append(f"NOTIFY queue  {queue:.1%} full")
    told.append("")
    rows = [
        [
            f"{each['host']}:{each['pid']}", each["clients"], each["queries"],
            max(0, each["told"] - each["read"]),
            f"{each['database_used']:.2f} of {each['database_budget']:g} s/s", ago(each["since"]),
        ]
        for each in found.workers.values()
    ]  # fmt: skip
    return [*told, *lines(("WORKER", "CLIENTS", "QUERIES", "UNREAD", "DATABASE", "SINCE"), rows)]


def asked(redis_url: str | None, prefix: str, ask: Callable[[Any, Any], T]) -> T:
    """What is asked of Redis.

    :raises Refused: when it can't be asked.
    """
    url = needed_redis(redis_url)
    from sa_notify.redis.connect import FAILURES, connect, told
    from sa_notify.redis.keys import Keys

    try:
        with connect(url) as client:
            return ask(client, Keys(prefix))
    except SetupError as error:
        raise Refused(str(error)) from error
    except FAILURES as error:
        raise Refused(told(error)) from error
