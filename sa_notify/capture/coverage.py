"""Whether every change of a table will be announced: the catalog's answer, asked in one SELECT.

A reader asks this beside its statement, on its own connection, so that names are resolved under
the same ``search_path`` and row-level security is judged for the same role.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, text

from sa_notify.capture.spec import read_header
from sa_notify.capture.template import catalog_sql

#: Schema (``None``: found by ``search_path``) and name, as SQLAlchemy knows them.
TableKey = tuple[str | None, str]
#: Or a whole name with quotes, as the catalog has it, which no ``schema_translate_map`` leads elsewhere.
Key = TableKey | str

_SYSTEM = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})
_ANNOUNCING = {"r": "table", "p": "partitioned table"}
#: Types of which equal values may look different: 1 and 1.0, 0 and -0, a month and 30 days.
_LOOSE = frozenset({"numeric", "float4", "float8", "interval", "jsonb", "nondeterministic"})
_OTHER_KINDS = {"m": "materialized view", "f": "foreign table", "S": "sequence"}


@dataclass(frozen=True, slots=True)
class Coverage:
    """What PostgreSQL knows about one table that a statement reads.

    :param name: schema and name, each quoted as ``quote_ident`` does, which is what changes of the
        table are announced under; ``None`` when there is no such table.
    :param doubts: sentences, each a way for the table's content to change unannounced, with the mend.
    :param relatives: names under which changes of this table's rows are announced besides its own:
        its partitions and children, and the tables that it is a partition or child of.
    :param captured: columns whose changes are announced by all of these.
    :param columns: every column that PostgreSQL finds by its name, its own (``ctid``) included.
    :param deliveries: how changes of these travel.
    :param types: of its columns, as the catalog names them; ``enum`` for any of these, ``other`` for what
        PostgreSQL does not ship, ``nondeterministic`` where equal texts may differ.
    :param key: columns of its key in the order in which its own changes have them; empty where that is
        not known, or where rows count that are not announced under its name (row-level security).
    :param incarnations: other ones when any of these is dropped and made again, or rewritten, or a label of
        an enum is called otherwise, each of which changes rows without an announcement.
    :param computed: columns that are computed when read, which the triggers take for stored ones.
    :param other: columns of whose type the triggers expect that what is equal also looks equal.
    :param is_view: it has no rows of its own.
    :param hides: those of the doubts that come from what it hides, which the catalog can be asked about.
    """

    name: str | None
    doubts: tuple[str, ...] = ()
    relatives: tuple[str, ...] = ()
    captured: frozenset[str] = frozenset()
    columns: frozenset[str] = frozenset()
    deliveries: frozenset[str] = frozenset()
    incarnations: tuple[str, ...] = ()
    types: Mapping[str, str] = field(default_factory=dict, hash=False)
    key: tuple[str, ...] = ()
    oid: int | None = None
    is_view: bool = False
    computed: frozenset[str] = frozenset()
    other: frozenset[str] = frozenset()
    hides: frozenset[str] = frozenset()

    @property
    def plain(self) -> tuple[str, ...]:
        """Doubts that only a mend of the table takes away."""
        return tuple(doubt for doubt in self.doubts if doubt not in self.hides)

    @property
    def names(self) -> frozenset[str]:
        """Every name under which a change of this table may be announced."""
        return frozenset(self.relatives if self.name is None else (self.name, *self.relatives))

    def blind_to(self, columns: Iterable[str]) -> tuple[str, ...]:
        """Sentences for those of the columns whose changes would not be announced."""
        if self.plain or self.is_view:
            return ()
        missing = sorted(set(columns) - self.captured)
        return tuple(
            f"changes of {self.name}.{column} are not announced: {self._mend(column)}" for column in missing
        )

    def _mend(self, column: str) -> str:
        if column in self.computed:
            return (
                "it is computed when read, which its model does not say: declare it with Computed(..., "
                "persisted=False), run `alembic revision --autogenerate` and `alembic upgrade head`"
            )
        if column in self.other:
            return "its type is not what its model says: give the model the database's type, and migrate"
        return (
            "take it out of exclude=, or run `alembic revision --autogenerate` and `alembic upgrade head` "
            "if the column is new"
        )

    def unread(self, deliveries: Mapping[str, str]) -> tuple[str, ...]:
        """Sentences for those of its deliveries that nobody follows.

        :param deliveries: what becomes of changes that travel so, and the mend, by delivery.
        """
        found = sorted(self.deliveries & deliveries.keys())
        return tuple(f"changes of {self.name} {deliveries[delivery]}" for delivery in found)

    def meant_by(self, names: Iterable[str]) -> frozenset[str]:
        """Columns that names in a statement's text may stand for; ``*`` is all but PostgreSQL's own."""
        asked = set(names)
        stars = {name for name in self.columns if "*" in asked and name not in _SYSTEM}
        return self.columns & (asked | stars)


def coverage(connection: Connection, tables: Iterable[Table | Key]) -> dict[Key, Coverage]:
    """Ask PostgreSQL which of these tables announce all their changes.

    Reads the catalog only, in the connection's current transaction; honours the connection's
    ``schema_translate_map``.

    :param tables: ``Table`` objects, ``(schema, name)`` pairs or whole names, in any mixture.
    :returns: one entry for each table, under its ``(schema, name)`` or name as given.
    """
    keys = list(dict.fromkeys(_key(table) for table in tables))
    if not keys:
        return {}
    translate: Mapping[str | None, str | None] = (
        connection.get_execution_options().get("schema_translate_map") or {}
    )
    asked = [{"i": i, **_asked(key, translate)} for i, key in enumerate(keys)]
    found = {int(row["i"]): _read(row) for row in _rows(connection, json.dumps(asked))}
    return {key: found.get(i) or _missing(key) for i, key in enumerate(keys)}


def _rows(connection: Connection, tables: str) -> Sequence[Mapping[Any, Any]]:
    rows = connection.execute(text(catalog_sql("coverage")), {"tables": tables}).mappings().all()
    if not any(row["quotes_all"] for row in rows):
        return rows
    # quote_ident() then quotes what the triggers do not
    connection.execute(text("SET LOCAL quote_all_identifiers = off"))
    return connection.execute(text(catalog_sql("coverage")), {"tables": tables}).mappings().all()


def _asked(key: Key, translate: Mapping[str | None, str | None]) -> dict[str, str | None]:
    if isinstance(key, str):
        return {"q": key}
    schema, name = key
    return {"s": translate.get(schema, schema), "n": name}


def _key(table: Table | Key) -> Key:
    if isinstance(table, Table):
        return (None if table.schema is None else str(table.schema), str(table.name))
    return table


def _missing(key: Key) -> Coverage:
    shown = key if isinstance(key, str) else ".".join(part for part in key if part)
    return Coverage(
        None, (f"{shown} does not exist for this connection: check its search_path and migrations",)
    )


def _read(row: Mapping[Any, Any]) -> Coverage:
    name = str(row["name"])
    hides = frozenset(_hides(name, row))
    relatives = tuple(sorted(str(relative) for relative in row["relatives"]))
    seen, virtual, fixed = _captured(row["headers"])
    computed = frozenset(row["computed"]) - virtual
    other = frozenset(name for name in fixed if (row["types"] or {}).get(name) in _LOOSE)
    return Coverage(
        name,
        (*_doubts(name, row), *sorted(hides)),
        relatives,
        seen - computed - other,
        frozenset(row["columns"]),
        _deliveries(row["headers"]),
        (*sorted(row["incarnations"]), *([row["labels"]] if row["labels"] else [])),
        row["types"] or {},
        _key_of(row["headers"]) if row["kind"] in _ANNOUNCING and not row["row_security"] else (),
        int(row["relation"]),
        row["kind"] == "v",
        computed,
        other,
        hides,
    )


def _captured(headers: Iterable[str]) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """What every one of the functions announces, what of it each takes for computed when read, and what any
    compares by its type's own equality.

    Nothing where one is of a newer release.
    """
    found = [read_header(header) for header in headers]
    known = [frozenset((*params.key, *params.columns)) if params else frozenset() for params in found]
    virtual = [frozenset(params.virtual) if params else frozenset() for params in found]
    return (
        frozenset[str].intersection(*known) if known else frozenset(),
        frozenset[str].intersection(*virtual) if virtual else frozenset(),
        frozenset(name for params in found if params for name in params.fixed),
    )


def _key_of(headers: Iterable[str]) -> tuple[str, ...]:
    """The same in all of the functions, or nothing."""
    keys = {params.key if (params := read_header(header)) else () for header in headers}
    return keys.pop() if len(keys) == 1 else ()


def _deliveries(headers: Iterable[str]) -> frozenset[str]:
    return frozenset(params.delivery for header in headers if (params := read_header(header)))


def _doubts(name: str, row: Mapping[Any, Any]) -> Iterable[str]:
    if row["kind"] == "v":
        return
    if row["kind"] not in _ANNOUNCING:
        kind = _OTHER_KINDS.get(row["kind"], f"relation of kind {row['kind']!r}")
        yield f"{name} is a {kind}, which announces nothing: select from @realtime tables instead"
    elif not row["announces"]:
        yield (
            f"{name} has no enabled sa_notify triggers: decorate its model with @realtime, run "
            "`alembic revision --autogenerate` and `alembic upgrade head`"
        )
    for relative in sorted(row["silent_relatives"]):
        yield (
            f"{relative} shares rows with {name} and has no enabled sa_notify triggers: run "
            "`alembic revision --autogenerate` and `alembic upgrade head` (partitions made since then get "
            "theirs), or decorate its model with @realtime too"
        )
    for subscribed in sorted(row["subscribed"]):
        yield (
            f"{subscribed} is filled by a subscription, whose writes fire no triggers of statements: "
            "decorate its model with @realtime(always=True), run `alembic revision --autogenerate` and "
            "`alembic upgrade head`"
        )


def _hides(name: str, row: Mapping[Any, Any]) -> Iterable[str]:
    if row["kind"] == "v":
        yield f"{name} is a view, which announces nothing: select from @realtime tables instead"
    if row["row_security"]:
        yield (
            f"{name} has row-level security for this role, whose policies may depend on settings or "
            "other tables: read it with a role that bypasses it and put the condition into the select()"
        )
