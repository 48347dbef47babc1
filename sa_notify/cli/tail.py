"""``sa-notify tail``: changes as they commit."""

import asyncio
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import click

from sa_notify.change import Change, ChangeSet, dump_changeset
from sa_notify.cli.look import announced
from sa_notify.cli.place import Place, Refused
from sa_notify.cli.table import printable
from sa_notify.dispatch.follow import follow
from sa_notify.errors import SaNotifyError, SourceLost
from sa_notify.source.connect import listen_connect
from sa_notify.source.database import DatabaseSource, database_source

HELP = """Print changes as they commit, of these tables or of all that are announced, until Ctrl-C.

A table is named as in `sa-notify triggers`. Needs the rights of a dispatcher; values are shown.
"""

_COLOURS = {"insert": "green", "update": "yellow", "delete": "red", "truncate": "red", "bulk": "magenta"}

tables_argument = click.argument("tables", nargs=-1, metavar="[TABLE]...")


def tail(place: Place, *, tables: Sequence[str], as_json: bool, listen_url: str | None = None) -> None:
    """Print until interrupted.

    :param listen_url: as :func:`sa_notify.cli.dispatch.dispatch` has it.
    :raises Refused: when a table is not announced, or the database can't be followed.
    """
    wanted = _wanted(place, tables)
    try:
        connect = listen_connect(place.engine, listen_url or os.environ.get("SA_NOTIFY_LISTEN_URL"))
        source = database_source(connect, "notify")
    except SaNotifyError as error:
        raise Refused(str(error)) from error
    with suppress(KeyboardInterrupt):
        asyncio.run(follow(source, _Printer(source, wanted, as_json=as_json)))


def lines(change: Change) -> list[str]:
    """One change for a person: what happened to which row, and each value that was carried."""
    key = printable("/".join(change.key)) if change.key is not None else "whole table"
    op = click.style(change.op.ljust(8), fg=_COLOURS[change.op])
    found = [f"  {op} {printable(change.table)} {click.style(key, bold=True)}"]
    for name, (old, new) in change.values.items():
        if old != new:
            shown = _shown(new) if change.op == "insert" else f"{_shown(old)} -> {_shown(new)}"
            found.append(f"           {printable(name)}: {_shown(old) if change.op == 'delete' else shown}")
    unseen = (printable(name) for name in change.columns or () if name not in change.values)
    return [*found, *(f"           {name}: changed" for name in unseen)]


class _Printer:
    """The receiver of a feed."""

    def __init__(self, source: DatabaseSource, wanted: frozenset[str], *, as_json: bool) -> None:
        self._source, self._wanted, self._json = source, wanted, as_json
        self._asking: Any = None

    def begin_epoch(self, epoch: str) -> None:
        self._asking = asyncio.ensure_future(self._ask())

    def receive(self, changesets: Sequence[ChangeSet]) -> None:
        for changeset in changesets:
            changes = tuple(change for change in changeset.changes if change.table in self._wanted)
            if changes and self._json:
                click.echo(dump_changeset(replace(changeset, changes=changes)))
            elif changes:
                click.echo(click.style(f"transaction {changeset.xid}", dim=True))
                for change in changes:
                    click.echo("\n".join(lines(change)))

    def proved(self, age: float) -> None:
        pass

    def lost(self) -> None:
        if self._asking is not None:
            self._asking.cancel()

    async def _ask(self) -> None:
        """Have the tables captured, which writers that began before may delay."""
        missing = self._wanted
        while missing and (interest := self._source.interest) is not None:
            with suppress(SourceLost):
                await asyncio.to_thread(interest.keep, self._wanted)
                missing -= await asyncio.to_thread(interest.take, missing)
        click.echo(click.style("following; changes from now on are shown", dim=True), err=True)


def _wanted(place: Place, tables: Sequence[str]) -> frozenset[str]:
    known = announced(place)
    for name in tables:
        if name not in known:
            names = printable(", ".join(sorted(known)) or "none")
            raise Refused(f"{printable(name)} is not announced; these are: {names}")
    return frozenset(tables) or known


def _shown(value: Any) -> str:
    return printable(json.dumps(value, ensure_ascii=False))
