"""``sa-notify triggers``: what is announced, as a table."""

import json
import shutil
import sys
from collections.abc import Sequence

import click

from sa_notify.capture.survey import Entry
from sa_notify.cli.check import told
from sa_notify.cli.look import look
from sa_notify.cli.place import Place

HELP = """List the tables whose changes are announced, with the state of their triggers and their options."""

_TITLES = ("TABLE", "STATE", "OPTIONS")


def triggers(place: Place, *, schemas: Sequence[str], as_json: bool) -> None:
    """Print a row for each table."""
    entries = look(place, schemas)
    if as_json:
        click.echo(json.dumps([told(entry) for entry in entries], indent=2))
    elif not entries:
        click.echo("Nothing of sa_notify is in this database.")
    else:
        for line in _lines([_row(entry) for entry in entries], _width()):
            click.echo(line)


def _width() -> int | None:
    """Columns of the terminal; ``None`` elsewhere, where nothing is cut off."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _row(entry: Entry) -> tuple[str, str, str]:
    return entry.name, ", ".join(dict.fromkeys(each.state for each in entry.findings)), _options(entry)


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


def _lines(rows: Sequence[tuple[str, str, str]], width: int | None) -> Sequence[str]:
    names, states = (max(len(row[i]) for row in [_TITLES, *rows]) for i in (0, 1))
    head = "  ".join([_TITLES[0].ljust(names), _TITLES[1].ljust(states), _TITLES[2]])
    return [head, *(_line(row, names, states, width) for row in rows)]


def _line(row: tuple[str, str, str], names: int, states: int, width: int | None) -> str:
    name, state, options = row
    room = None if width is None else max(10, width - names - states - 4)
    if room is not None and len(options) > room:
        options = options[: room - 1] + "…"
    colour = {"live": "green", "always": "yellow"}.get(state, "red")
    return "  ".join([name.ljust(names), click.style(state.ljust(states), fg=colour), options]).rstrip()
