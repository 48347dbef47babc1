"""``sa-notify check``: whether the database has what the models say, for CI."""

import json
from collections.abc import Sequence

import click

from sa_notify.capture.survey import Entry, Finding
from sa_notify.cli.look import look
from sa_notify.cli.place import Place
from sa_notify.cli.table import printable

HELP = """Compare the database's triggers with the models.

Reads the catalog alone, in a read-only transaction, so a replica will do. Without models it finds what
the database tells by itself: edited functions, damaged or disabled triggers, orphans.

Exit status: 0 no difference, 1 differences, 2 it could not be found out.
"""

schemas_option = click.option(
    "--schema", "schemas", multiple=True, help="Where tables without a schema are; may be repeated."
)
json_option = click.option("--json", "as_json", is_flag=True, help="For programs.")


def check(place: Place, *, schemas: Sequence[str], as_json: bool) -> None:
    """Print the differences; leaves with status 1 when there are any."""
    entries = look(place, schemas)
    if as_json:
        click.echo(json.dumps([told(entry) for entry in entries], indent=2))
    else:
        for entry in entries:
            _print(entry)
        _conclude(entries, known=place.metadatas is not None)
    if any(finding.differs for entry in entries for finding in entry.findings):
        raise click.exceptions.Exit(1)


def told(entry: Entry) -> dict[str, object]:
    """An entry for programs."""
    findings = [
        {"state": each.state, "detail": each.detail, "mend": each.mend, "differs": each.differs}
        for each in entry.findings
    ]
    options = entry.params and {"template": entry.params.template, **entry.params.keywords()}
    return {"table": entry.name, "options": options, "findings": findings}


def _print(entry: Entry) -> None:
    for finding in entry.findings:
        if finding.state == "live":
            continue
        colour = "red" if finding.differs else "yellow"
        click.echo(f"{printable(entry.name)}: {click.style(finding.state, fg=colour)}{_about(finding)}")


def _about(finding: Finding) -> str:
    lines = f" ({printable(finding.detail)})" if finding.detail else ""
    return f"{lines}\n    {printable(finding.mend)}" if finding.mend else lines


def _conclude(entries: Sequence[Entry], *, known: bool) -> None:
    wrong = sum(any(finding.differs for finding in entry.findings) for entry in entries)
    tables = "1 table" if len(entries) == 1 else f"{len(entries)} tables"
    if wrong:
        click.echo(f"{wrong} of {tables} differ{'s' if wrong == 1 else ''}.")
    elif not entries:
        click.echo("Nothing of sa_notify is in this database.")
    else:
        click.echo(f"{tables}: no difference.")
    if not known:
        click.echo("Without models: give --models package.module to compare with what they say.", err=True)
