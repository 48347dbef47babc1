"""``metadata.create_all()`` installs capture and ``drop_all()`` removes it, on PostgreSQL."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, MetaData, Table, event

from sa_notify.capture.catalog import existing, find, installed
from sa_notify.capture.ddl import Target, install, remove
from sa_notify.capture.names import stored
from sa_notify.capture.outbox import (
    OUTBOX_TEMPLATES,
    create_outbox,
    drop_outbox,
    outbox_state,
)
from sa_notify.capture.spec import spec_for, specs


def listen(metadata: MetaData) -> None:
    """Follow the metadata's ``create_all()`` and ``drop_all()``; a second call changes nothing."""
    if not event.contains(metadata, "after_create", _after_create):
        event.listen(metadata, "after_create", _after_create)
        event.listen(metadata, "before_drop", _before_drop)


def install_all(connection: Connection, tables: Iterable[Table]) -> None:
    """Bring the capture of those tables that are realtime and exist to what their specs say.

    Reads the catalog first and runs no DDL where nothing differs.
    """
    wanted = {_target(connection, table): _params(table) for table in tables if spec_for(table)}
    if not wanted:
        return
    state, targets = installed(connection), existing(connection, wanted)
    if any(wanted[target].delivery == "outbox" for target in targets):
        install_outbox(connection)
    for target in targets:
        found = find(state, target)
        if found is None or found.drift(target, wanted[target]):
            for statement in install(target, wanted[target]):
                connection.execute(statement)


def install_outbox(connection: Connection) -> None:
    """Make the outbox, or what it lacks; one of a newer release is left as it is."""
    state = outbox_state(connection)
    if state is None or state.missing:
        for statement in create_outbox():
            connection.execute(statement)


def remove_outbox(connection: Connection) -> None:
    """Drop the outbox unless a table, of whatever metadata, still uses it."""
    state = outbox_state(connection)
    if state is not None and state.template in OUTBOX_TEMPLATES:
        for statement in drop_outbox(state.template):
            connection.execute(statement)


def _params(table: Table) -> Any:
    spec = spec_for(table)
    assert spec is not None
    return spec.params(table)


def _after_create(metadata: MetaData, connection: Connection, **_options: Any) -> None:
    # the event's "tables" has only what was created: tables that stood already need their triggers too
    if connection.dialect.name == "postgresql":
        install_all(connection, [metadata.tables[key] for key in specs(metadata) if key in metadata.tables])


def _before_drop(
    _metadata: MetaData, connection: Connection, tables: Iterable[Table] = (), **_options: Any
) -> None:
    if connection.dialect.name != "postgresql":
        return
    found = {table: spec for table in tables if (spec := spec_for(table))}
    for table in found:
        for statement in remove(_target(connection, table)):
            connection.execute(statement)
    if any(spec.delivery == "outbox" for spec in found.values()):
        remove_outbox(connection)


def _target(connection: Connection, table: Table) -> Target:
    translate = connection.get_execution_options().get("schema_translate_map") or {}
    schema = translate.get(table.schema, table.schema)
    return Target(None if schema is None else stored(schema), stored(table.name))
