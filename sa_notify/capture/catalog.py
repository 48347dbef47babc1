"""What of ours stands in a database, read from the catalog alone: no DDL, no locks, read-only."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

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


@dataclass(frozen=True, slots=True)
class Installed:
    """One function of ours and the table whose triggers call it.

    :param table: ``None`` for an orphan, a function that no trigger calls.
    :param visible: whether ``search_path`` finds the table by its name alone.
    :param whole: triggers that are as generated.
    :param disabled: triggers that do not fire in ordinary sessions.
    """

    function_schema: str
    function: str
    body: str
    schema: str | None
    table: str | None
    visible: bool
    whole: frozenset[str]
    disabled: frozenset[str]

    @property
    def params(self) -> TriggerParams | None:
        """What the function says it was generated from; ``None`` of a newer release."""
        return read_header(self.body)

    def drift(self, target: Target, params: TriggerParams) -> tuple[str, ...]:
        """How it differs from what it should be; disabled triggers are somebody's decision."""
        found = []
        if self.params != params:
            found.append("options")
        elif self.body != render_body(params):
            found.append("body")
        if self.whole != frozenset(SHELLS):
            found.append("triggers")
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
    shells = row["shells"]
    if isinstance(shells, str):  # asyncpg leaves JSON to its user
        shells = json.loads(shells)
    return Installed(
        function_schema=row["function_schema"],
        function=row["function_name"],
        body=row["body"],
        schema=row["table_schema"],
        table=row["table_name"],
        visible=row["visible"],
        whole=frozenset(shell["name"] for shell in shells if _is_whole(shell)),
        disabled=frozenset(shell["name"] for shell in shells if shell["enabled"] in ("D", "R")),
    )


def _is_whole(shell: Mapping[str, Any]) -> bool:
    expected = SHELLS[shell["name"]]
    return shell["plain"] and (shell["type"], shell["old"], shell["new"]) == expected
