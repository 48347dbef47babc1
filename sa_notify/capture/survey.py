"""What stands in a database beside what the models say: one entry for each table."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Literal

from sa_notify.capture.catalog import ROW_SHELL, SHELLS, Installed, Triggers, find
from sa_notify.capture.ddl import Target
from sa_notify.capture.names import identifier
from sa_notify.capture.outbox import Outbox
from sa_notify.capture.render import render_body
from sa_notify.capture.spec import TriggerParams

_PLAIN = re.compile("[a-z_][a-z0-9_]*")

State = Literal[
    "live",
    "missing",
    "outdated",
    "edited",
    "damaged",
    "partitions",
    "disabled",
    "always",
    "unwanted",
    "newer",
    "orphaned",
    "absent",
]

MIGRATE = "alembic revision --autogenerate, then alembic upgrade head"
UPGRADE = "alembic upgrade head"
#: States that somebody may well have meant: they are told and are no difference.
NOTES: frozenset[State] = frozenset({"live", "always"})


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know about a table.

    :param detail: what exactly; may be empty.
    :param mend: what to do about it; empty where nothing is to be done.
    """

    state: State
    detail: str = ""
    mend: str = ""

    @property
    def differs(self) -> bool:
        """Whether a check fails for it."""
        return self.state not in NOTES


@dataclass(frozen=True, slots=True)
class Entry:
    """A table, or a function that lost its table.

    :param params: what is installed; ``None`` where nothing is, or of a newer release.
    :param findings: never empty; in the order of their weight.
    """

    name: str
    params: TriggerParams | None
    findings: tuple[Finding, ...]


def survey(
    state: Iterable[Installed], wanted: Mapping[Target, TriggerParams] | None, tables: Iterable[Target]
) -> list[Entry]:
    """An entry for each table that is wanted or has something of ours, by name.

    :param wanted: what the models say; ``None`` when no models are known, and only the database is asked.
    :param tables: those of the wanted that exist.
    """
    left, there, entries = list(state), set(tables), []
    for target, params in (wanted or {}).items():
        found = find(left, target)
        if found is not None:
            left.remove(found)
        entries.append(
            Entry(
                _shown(target, found), found.params if found else None, _wanted(target, params, found, there)
            )
        )
    entries += [_unasked(found, known=wanted is not None) for found in left]
    return sorted(entries, key=lambda entry: entry.name)


def survey_outbox(found: Outbox | None) -> list[Entry]:
    """An entry where functions write to an outbox that is not whole: they fall back to NOTIFY."""
    if found is None:
        findings = [Finding("missing", "functions write to an outbox that is not there", MIGRATE)]
    elif found.template is None or found.missing:
        findings = [Finding("damaged", f"missing: {_list(found.missing)}", MIGRATE)]
    elif not found.complete:
        findings = [Finding("newer", "it is of a newer sa_notify", "update sa_notify here")]
    else:
        return []
    return [Entry("schema sa_notify", None, tuple(findings))]


def _shown(target: Target, found: Installed | None) -> str:
    return str(target) if found is None else f"{found.schema}.{found.table}"


def _wanted(
    target: Target, params: TriggerParams, found: Installed | None, there: set[Target]
) -> tuple[Finding, ...]:
    if target not in there:
        return (Finding("absent", "there is no such table", UPGRADE),)
    if found is None:
        return (Finding("missing", "no triggers: its changes are not announced", MIGRATE),)
    return tuple(_against(target, params, found)) or (Finding("live"),)


def _against(target: Target, params: TriggerParams, found: Installed) -> Iterator[Finding]:
    if found.params is None:
        yield Finding("newer", "its function is of a newer sa_notify", "update sa_notify here")
        return
    drift = found.drift(target, params)
    if "options" in drift:
        yield Finding("outdated", _difference(found.params, params), MIGRATE)
    yield from _edited(found)
    if "function name" in drift:
        yield Finding("outdated", "its function is named for another table", MIGRATE)
    yield from _triggers(found, params)


def _unasked(found: Installed, *, known: bool) -> Entry:
    """What has no model, or whose models are not known."""
    if found.triggers is None:
        name = f"{found.function_schema}.{found.function}()"
        mend = f"DROP FUNCTION {_sql(found.function_schema, found.function)}()"
        return Entry(name, found.params, (Finding("orphaned", "no trigger calls it", mend),))
    params, name = found.params, f"{found.schema}.{found.table}"
    if params is None:
        return Entry(
            name, None, (Finding("newer", "its function is of a newer sa_notify", "update sa_notify here"),)
        )
    if known:
        return Entry(name, params, (Finding("unwanted", "no model says @realtime", MIGRATE),))
    findings = (*_edited(found), *_triggers(found, params))
    return Entry(name, params, findings or (Finding("live"),))


def _edited(found: Installed) -> Iterator[Finding]:
    """Whether the function is what its own first line says."""
    if found.params is not None and found.body != render_body(found.params):
        yield Finding("edited", f"{found.function}() was changed by hand", MIGRATE)
    if found.altered:
        yield Finding("edited", f"{found.function}(): {'; '.join(found.altered)}", MIGRATE)


def _triggers(found: Installed, params: TriggerParams) -> Iterator[Finding]:
    assert found.triggers is not None
    if not found.triggers.as_generated(params):
        yield Finding("damaged", _lacking(found.triggers), MIGRATE)
    bare = [f"{each.schema}.{each.table}" for each in found.members if not each.as_generated(params)]
    if bare:
        yield Finding("partitions", f"without whole triggers: {', '.join(bare)}", MIGRATE)
    for each in (found.triggers, *found.members):
        if each.disabled:
            yield Finding("disabled", f"{_list(each.disabled)} on {each.schema}.{each.table}", _enable(each))
    always = {name for name in SHELLS if found.triggers.states.get(name) == "A"}
    if params.always:
        always.discard("_sa_notify_trunc")
    if always:
        yield Finding("always", f"{_list(always)}: ENABLE ALWAYS, set by hand")


def _lacking(triggers: Triggers) -> str:
    missing = sorted(set(SHELLS) - triggers.states.keys())
    return f"missing: {_list(missing)}" if missing else "triggers are not as they were made"


def _enable(triggers: Triggers) -> str:
    table = f"ALTER TABLE {_sql(triggers.schema, triggers.table)}"
    return "; ".join(f"{table} {_mode(name)} TRIGGER {name}" for name in sorted(triggers.disabled))


def _sql(*names: str) -> str:
    """As a statement has it, which somebody may run as it stands: anybody may have made the name."""
    return ".".join(name if _PLAIN.fullmatch(name) else identifier(name) for name in names)


def _mode(name: str) -> str:
    return "ENABLE REPLICA" if name == ROW_SHELL else "ENABLE"


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _difference(before: TriggerParams, after: TriggerParams) -> str:
    """What a migration would change, in the words of its operation."""
    names = (field.name for field in fields(TriggerParams))
    return "; ".join(
        f"{name}: {_change(getattr(before, name), getattr(after, name))}"
        for name in names
        if getattr(before, name) != getattr(after, name)
    )


def _change(before: object, after: object) -> str:
    if not (isinstance(before, tuple) and isinstance(after, tuple)):
        return f"{before} -> {after}"
    moved = [f"+{name}" for name in after if name not in before]
    moved += [f"-{name}" for name in before if name not in after]
    return " ".join(moved) or "in another order"
