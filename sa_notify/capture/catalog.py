"""What of ours stands in a database, read from the catalog alone: no DDL, no locks, read-only."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from sa_notify.capture.attributes import Attributes
from sa_notify.capture.ddl import Target
from sa_notify.capture.render import render_body
from sa_notify.capture.spec import TriggerParams, read_header
from sa_notify.capture.template import catalog_sql

#: Name of a trigger: ``tgtype``, name of the old rows, name of the new rows.
SHELLS = {
    "_sa_notify_ins": (4, None, "_sa_notify_new"),
    "_sa_notify_upd": (16, "_sa_notify_old", "_sa_notify_new"),
    "_sa_notify_del": (8, "_sa_notify_old", None),
    "_sa_notify_trunc": (32, None, None),
}

#: With ``always=``, on tables that hold rows: fires where those above don't, and only there.
ROW_SHELL = "_sa_notify_row"
_ROW_TYPE = 29


@dataclass(frozen=True, slots=True)
class Triggers:
    """Those of our triggers that one table has.

    :param kind: ``relkind``: ``"r"`` a table, ``"p"`` a partitioned one.
    :param whole: triggers that are as generated.
    :param states: ``tgenabled`` of each trigger by its name: ``O`` ordinary, ``A`` always, ``R`` replica,
        ``D`` disabled.
    """

    schema: str
    table: str
    kind: str
    whole: frozenset[str]
    states: Mapping[str, str]

    @property
    def disabled(self) -> frozenset[str]:
        """Triggers that do not fire where they should: somebody's decision."""
        silent = {name for name, state in self.states.items() if state == "D"}
        return frozenset(
            silent | {name for name, state in self.states.items() if name in SHELLS and state == "R"}
        )

    def as_generated(self, params: TriggerParams) -> bool:
        """Whether it has all that the parameters mean, and nothing else of ours."""
        wanted = set(SHELLS)
        if params.always and self.kind == "r":
            wanted.add(ROW_SHELL)
        trunc_fires = not params.always or self.states.get("_sa_notify_trunc") != "O"
        row_fires = self.states.get(ROW_SHELL, "R") in ("R", "D")
        return self.whole == wanted and self.states.keys() == wanted and trunc_fires and row_fires


@dataclass(frozen=True, slots=True)
class Installed:
    """One function of ours and the table whose triggers call it.

    :param attributes: what the function has beside its body.
    :param triggers: of the table itself; ``None`` for an orphan, a function that no trigger calls.
    :param members: of its partitions and children, those that are captured for themselves left out.
    :param visible: whether ``search_path`` finds the table by its name alone.
    """

    function_schema: str
    function: str
    body: str
    attributes: Attributes
    triggers: Triggers | None
    members: tuple[Triggers, ...]
    visible: bool

    @property
    def schema(self) -> str | None:
        return self.triggers.schema if self.triggers else None

    @property
    def table(self) -> str | None:
        return self.triggers.table if self.triggers else None

    @property
    def whole(self) -> frozenset[str]:
        """The table's triggers that are as generated."""
        return self.triggers.whole if self.triggers else frozenset()

    @property
    def disabled(self) -> frozenset[str]:
        """The table's triggers that do not fire where they should."""
        return self.triggers.disabled if self.triggers else frozenset()

    @property
    def params(self) -> TriggerParams | None:
        """What the function says it was generated from; ``None`` of a newer release."""
        return read_header(self.body)

    @property
    def altered(self) -> tuple[str, ...]:
        """How the function's settings and rights differ from what it was generated with."""
        params = self.params
        return () if params is None else tuple(self.attributes.differences(params))

    def drift(self, target: Target, params: TriggerParams) -> tuple[str, ...]:
        """How it differs from what it should be; disabled triggers are somebody's decision."""
        found = []
        if self.params != params:
            found.append("options")
        elif self.body != render_body(params):
            found.append("body")
        if self.altered:
            found.append("settings")
        if self.triggers is None or not self.triggers.as_generated(params):
            found.append("triggers")
        if not all(member.as_generated(params) for member in self.members):
            found.append("partitions")
        if (self.function, self.function_schema) != (target.function, self.schema):
            found.append("function name")
        return tuple(found)


def installed(connection: Connection) -> list[Installed]:
    """Everything of ours in the database."""
    return [_read(row) for row in connection.execute(text(catalog_sql("installed"))).mappings()]


def existing(connection: Connection, targets: Iterable[Target]) -> list[Target]:
    """Those of the targets that are tables, in the order given."""
    asked = list(targets)
    rows = [{"i": i, "s": target.schema, "n": target.table} for i, target in enumerate(asked)]
    found = connection.execute(text(catalog_sql("existing")), {"tables": json.dumps(rows)}).scalars()
    return [asked[i] for i in sorted(found)]


def find(state: Iterable[Installed], target: Target, default_schema: str | None = None) -> Installed | None:
    """What stands on the target.

    :param default_schema: where a table without a schema is; ``None`` asks ``search_path``.
    """
    for item in state:
        if item.table == target.table and _same_schema(item, target, default_schema):
            return item
    return None


def _same_schema(item: Installed, target: Target, default_schema: str | None) -> bool:
    schema = target.schema or default_schema
    return item.visible if schema is None else item.schema == schema


def _read(row: Mapping[Any, Any]) -> Installed:
    own = {"schema": row["table_schema"], "table": row["table_name"], **row}
    return Installed(
        function_schema=row["function_schema"],
        function=row["function_name"],
        body=row["body"],
        attributes=Attributes.of(row),
        triggers=None if row["table_name"] is None else _triggers(own),
        members=tuple(_triggers(member) for member in _json(row["members"])),
        visible=row["visible"],
    )


def _triggers(row: Mapping[str, Any]) -> Triggers:
    shells = _json(row["shells"])
    return Triggers(
        schema=row["schema"],
        table=row["table"],
        kind=row["kind"],
        whole=frozenset(shell["name"] for shell in shells if _is_whole(shell)),
        states={shell["name"]: shell["enabled"] for shell in shells},
    )


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value  # asyncpg leaves JSON to its user


def _is_whole(shell: Mapping[str, Any]) -> bool:
    expected = SHELLS.get(shell["name"], (_ROW_TYPE, None, None))
    return shell["plain"] and (shell["type"], shell["old"], shell["new"]) == expected
