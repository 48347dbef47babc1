"""What a model wants announced, and what a trigger is generated from."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal
from weakref import WeakSet

from sqlalchemy import Column, MetaData, Table

from sa_notify.capture.carried import carried, kind_of
from sa_notify.capture.names import json_text, stored

#: The newest template; older ones stay for the migrations that name them.
TEMPLATE = 2
TEMPLATES = (1, 2)
BULK_LIMIT = 1000
DELIVERIES = ("notify", "outbox")

_INFO = "sa_notify"
_HEADER = re.compile(r"-- sa_notify:(\d+) (\{.*\})")
_metadatas: WeakSet[MetaData] = WeakSet()


@dataclass(frozen=True, slots=True)
class TriggerParams:
    """All that varies in a generated function; migrations freeze it.

    :param key: primary key columns, in the key's order.
    :param columns: names of the captured columns outside the key, in the table's order.
    :param carry: columns whose old and new values travel in messages.
    :param fixed: carried columns of types whose own equality is identity and whose values are small.
    :param texts: carried columns whose values are the same when their texts are, and travel as that. Whatever
        else is carried is told and compared in ways that hold for any type and take three times as long.
    :param virtual: captured columns that are computed when read, which triggers can't see: they count
        as changed when anything in the row did.
    :param bulk_limit: a statement that touches more rows is announced as one ``bulk`` change.
    :param always: rows that a replica writes, where ordinary triggers don't fire, are announced too.
    """

    key: tuple[str, ...]
    columns: tuple[str, ...]
    carry: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    virtual: tuple[str, ...] = ()
    bulk_limit: int = BULK_LIMIT
    delivery: str = "notify"
    always: bool = False
    template: int = TEMPLATE

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "TriggerParams":
        """From keyword arguments or JSON, where tuples are lists."""
        names = {field.name for field in fields(cls)}
        if unknown := sorted(set(values) - names):
            raise TypeError(f"unknown trigger parameter {unknown[0]!r}: this release knows {sorted(names)}")
        frozen: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        return cls(**frozen)

    def keywords(self) -> dict[str, Any]:
        """As keyword arguments of a migration: empty options are left out, tuples are lists."""
        named = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}
        return {k: v for k, v in named.items() if v not in ([], False) or k in ("key", "columns")}

    @property
    def plausible(self) -> bool:
        """Whether each is of its kind: whoever may create a function may write anything into it."""
        lists = (self.key, self.columns, self.carry, self.fixed, self.texts, self.virtual)
        named = all(type(each) is tuple and all(isinstance(name, str) for name in each) for each in lists)
        return named and type(self.bulk_limit) is int and type(self.always) is bool

    def header(self) -> str:
        """Canonical JSON, for the function's first line; :func:`read_header` reads it back."""
        return json_text({k: v for k, v in self.keywords().items() if k != "template"})


@dataclass(frozen=True, slots=True)
class TriggerSpec:
    """What ``@realtime`` was told about one table, in column names.

    :param exclude: columns that are neither captured nor named anywhere.
    :param carry: columns whose values travel; ``"all"`` is every captured one but those that are
        deferred, of a large type or computed when read.
    :param deferred: columns that the mapped class loads only when they are asked for.
    """

    exclude: tuple[str, ...] = ()
    carry: tuple[str, ...] | Literal["all"] = ()
    bulk_limit: int = BULK_LIMIT
    delivery: str = "notify"
    always: bool = False
    # classes that share a table may differ in it
    deferred: tuple[str, ...] = field(default=(), compare=False)

    def params(self, table: Table) -> TriggerParams:
        """The trigger that the table should have, from its columns as they are now."""
        key = tuple(stored(column.name) for column in table.primary_key.columns)
        captured = [c for c in table.columns if stored(c.name) not in (*key, *self.exclude)]
        virtual = tuple(stored(column.name) for column in captured if is_virtual(column))
        carry = carried(captured, (*self.deferred, *virtual)) if self.carry == "all" else self.carry
        kinds = self._kinds([column for column in captured if stored(column.name) in carry])
        return TriggerParams(
            key=key,
            columns=tuple(stored(column.name) for column in captured),
            carry=carry,
            fixed=kinds.get("fixed", ()),
            texts=kinds.get("texts", ()),
            virtual=virtual,
            bulk_limit=self.bulk_limit,
            delivery=self.delivery,
            always=self.always,
        )

    def _kinds(self, columns: Iterable[Column[Any]]) -> dict[str, tuple[str, ...]]:
        if self.delivery == "notify":
            return {}
        kinds = {stored(column.name): kind_of(column) for column in columns}
        return {kind: tuple(c for c in kinds if kinds[c] == kind) for kind in ("fixed", "texts")}


def is_virtual(column: Column[Any]) -> bool:
    """Whether the column may be computed when read: transition tables hold NULL for it (PostgreSQL 18)."""
    return column.computed is not None and column.computed.persisted is not True


def record(table: Table, spec: TriggerSpec) -> None:
    """Keep the spec with the table's metadata.

    Not in ``Table.info``: Alembic would write that into ``op.create_table()``.
    """
    table.metadata.info.setdefault(_INFO, {})[table.key] = spec
    _metadatas.add(table.metadata)


def realtime_metadatas() -> tuple[MetaData, ...]:
    """Every metadata of this process that has a realtime table, as long as somebody else uses it."""
    return tuple(_metadatas)


def specs(metadata: MetaData) -> Mapping[str, TriggerSpec]:
    """Specs of the metadata's realtime tables by ``Table.key``."""
    found: Mapping[str, TriggerSpec] = metadata.info.get(_INFO, {})
    return found


def spec_for(table: Table) -> TriggerSpec | None:
    """The table's spec; ``None`` when it is not realtime."""
    return specs(table.metadata).get(table.key)


def read_header(body: str) -> TriggerParams | None:
    """The parameters that a stored function says it was generated from.

    ``None`` when it is not one of ours, or of a newer release.
    """
    found = _HEADER.match(body)
    if found is None or int(found[1]) not in TEMPLATES:
        return None
    try:
        params = TriggerParams.of({**json.loads(found[2]), "template": int(found[1])})
    except (ValueError, TypeError, RecursionError):
        return None
    return params if params.plausible and params.delivery in DELIVERIES else None
