"""Reads what the commands tell about: the catalog, beside the models."""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, MetaData, Table

from sa_notify.capture.catalog import existing, installed
from sa_notify.capture.ddl import Target
from sa_notify.capture.names import stored
from sa_notify.capture.outbox import outbox_state
from sa_notify.capture.spec import TriggerParams, spec_for
from sa_notify.capture.survey import Entry, survey, survey_outbox
from sa_notify.cli.place import Place


def look(place: Place, schemas: Iterable[str] = ()) -> list[Entry]:
    """Every table that is wanted or has something of ours; one read-only transaction, no locks.

    :param schemas: where tables without a schema are looked for, such as one for each tenant.
    :raises Refused: the database can't be asked.
    """
    with place.reading() as connection:
        return _look(connection, place.metadatas, tuple(schemas) or (None,))


def announced(place: Place) -> frozenset[str]:
    """Tables whose changes triggers tell of, named as :attr:`sa_notify.change.Change.table`.

    :raises Refused: the database can't be asked.
    """
    return frozenset(entry.name for entry in look(place) if entry.params is not None)


def _look(
    connection: Connection, metadatas: tuple[MetaData, ...] | None, schemas: tuple[str | None, ...]
) -> list[Entry]:
    state = installed(connection)
    wanted = None if metadatas is None else _wanted(metadatas, schemas)
    entries = survey(state, wanted, existing(connection, wanted or ()))
    if any(item.params and item.params.delivery == "outbox" for item in state):
        entries += survey_outbox(outbox_state(connection))
    return entries


def _wanted(
    metadatas: tuple[MetaData, ...], schemas: tuple[str | None, ...]
) -> Mapping[Target, TriggerParams]:
    tables = [table for metadata in metadatas for table in metadata.tables.values() if spec_for(table)]
    return {target: _params(table) for table in tables for target in _targets(table, schemas)}


def _targets(table: Table, schemas: tuple[str | None, ...]) -> Iterable[Target]:
    found = schemas if table.schema is None else (stored(table.schema),)
    return [Target(schema, stored(table.name)) for schema in found]


def _params(table: Table) -> TriggerParams:
    spec = spec_for(table)
    assert spec is not None
    return spec.params(table)
