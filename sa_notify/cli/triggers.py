"""``sa-notify triggers``: what is announced, as a table."""

import json
import shutil
import sys
from collections.abc import Mapping, Sequence

import click

from sa_notify.capture.survey import Entry
from sa_notify.cli.check import told
from sa_notify.cli.look import look
from sa_notify.cli.place import Place, Refused
from sa_notify.cli.status import asked
from sa_notify.cli.table import printable

HELP = """List the tables whose changes are announced, with the state of their triggers and their options.

Where a dispatcher works with Redis, also how many changes of each it has seen in the last hour: those that
somebody wanted to know.
"""


def triggers(
    place: Place, *, schemas: Sequence[str], redis_url: str | None, prefix: str, as_json: bool
) -> None:
    """Print a row for each table."""
    entries = look(place, schemas)
    traffic = _last_hour(redis_url, prefix)
    if as_json:
        click.echo(json.dumps([{**told(entry), **_told(entry, traffic)} for entry in entries], indent=2))
    elif not entries:
        click.echo("Nothing of sa_notify is in this database.")
    else:
        titles = ["TABLE", "STATE", *([] if traffic is None else ["LAST HOUR"]), "OPTIONS"]
        for line in _lines(titles, [_row(entry, traffic) for entry in entries], _width()):
            click.echo(line)


def _last_hour(redis_url: str | None, prefix: str) -> Mapping[str, int] | None:
    """``None`` where that is not known."""
    if not redis_url:
        return None
    from sa_notify.redis.traffic import last_hour

    try:
        return asked(redis_url, prefix, last_hour)
    except Refused as refused:
        click.echo(f"The traffic of the last hour is not known: {refused.message}", err=True)
        return None


def _told(entry: Entry, traffic: Mapping[str, int] | None) -> dict[str, int]:
    return {} if traffic is None else {"last_hour": traffic.get(entry.name, 0)}


def _width() -> int | None:
    """Columns of the terminal; ``None`` elsewhere, where nothing is cut off."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _row(entry: Entry, traffic: Mapping[str, int] | None) -> list[str]:
    state = ", ".join(dict.fromkeys(each.state for each in entry.findings))
    seen = [] if traffic is None else [f"{traffic.get(entry.name, 0):,}"]
    return [printable(entry.name), state, *seen, printable(_options(entry))]


def _options(entry: Entry) -> str:
    if entry.params is None:
        return ""
    params = entry.params
    found = [f"key {'+'.join(params.key)}", _count(len(params.columns)), params.delivery]
    if params.carry:
        found.append(f"carry {','.join(params.carry)}")
    found.append(f"bulk_limit {params.bulk_limit}")
    if params.always:
        found.append("always")
    return "  ".join(found)


def _count(columns: int) -> str:
    return "1 column" if columns == 1 else f"{columns} columns"


def _lines(titles: Sequence[str], rows: Sequence[Sequence[str]], width: int | None) -> Sequence[str]:
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)][:-1]
    return [_joined(titles, widths), *(_line(row, widths, width) for row in rows)]


def _line(row: Sequence[str], widths: Sequence[int], width: int | None) -> str:
    *others, options = row
    room = None if width is None else max(10, width - sum(widths) - 2 * len(widths))
    if room is not None and len(options) > room:
        options = options[: room - 1] + "…"
    line = _joined([*others, options], widths)
    colour = {"live": "green", "always": "yellow"}.get(row[1], "red")
    start, end = widths[0] + 2, widths[0] + 2 + widths[1]
    return line[:start] + click.style(line[start:end], fg=colour) + line[end:]


def _joined(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = map(str.ljust, cells, widths)
    return "  ".join([*padded, cells[-1]]).rstrip()
