"""The options of ``@realtime`` checked against a model, one spec for each of its tables."""

import os
from collections.abc import Iterable
from typing import Any, Literal

from sqlalchemy import Table

from sa_notify.capture.carried import deferred
from sa_notify.capture.mapped import column_names, tables_of
from sa_notify.capture.names import stored
from sa_notify.capture.spec import DELIVERIES, TriggerSpec, is_virtual
from sa_notify.errors import RealtimeError

#: What a model gets that names none, in a process that names none.
DEFAULT_DELIVERY = "outbox"
_LATER_DELIVERIES = ("wal",)
#: What an integer of PostgreSQL holds; a trigger that counted past it would fail.
_LARGEST_LIMIT = 2**31 - 1


def choose(
    target: object,
    *,
    exclude: Iterable[str],
    carry: Iterable[str] | Literal["all"] | None,
    bulk_limit: int,
    delivery: str | None,
    always: bool,
) -> dict[Table, TriggerSpec]:
    """The specs that the options mean for the target's tables.

    :raises RealtimeError: an option can't be; the message says what to write instead.
    """
    way = _delivery(delivery)
    excluded, carried = column_names(target, exclude, "exclude"), _carried(target, carry, way)
    if both := [name for name in carried or () if name in excluded]:
        raise RealtimeError(f"{both[0]!r} is both in exclude= and in carry=: leave it in one of them")
    limit, replicas = _limit(bulk_limit), _always(always)
    tables = tables_of(target)
    for table in tables:
        _check_columns(table, excluded, carried or ())
    return {
        table: TriggerSpec(
            exclude=_in(table, excluded),
            carry="all" if carried is None else _in(table, carried),
            bulk_limit=limit,
            delivery=way,
            always=replicas,
            deferred=_in(table, deferred(target, table)),
        )
        for table in tables
    }


def _carried(target: object, carry: Iterable[str] | None, delivery: str) -> tuple[str, ...] | None:
    """The columns named; ``None`` is all of them."""
    if carry is None:
        return None if delivery == "outbox" else ()
    if carry == "all":
        if delivery == "outbox":
            return None
        raise RealtimeError(
            'carry="all" is for delivery="outbox", which the dispatcher alone can read: name the columns '
            "that every role may read in carry=[...]"
        )
    return column_names(target, carry, "carry")


def _in(table: Table, names: Iterable[str]) -> tuple[str, ...]:
    """Those of the names that the table has, in the table's order, so that specs compare."""
    wanted = set(names)
    return tuple(stored(column.name) for column in table.columns if stored(column.name) in wanted)


def _limit(bulk_limit: Any) -> int:
    if (
        not isinstance(bulk_limit, int)
        or isinstance(bulk_limit, bool)
        or not 1 <= bulk_limit <= _LARGEST_LIMIT
    ):
        raise RealtimeError(
            f"bulk_limit={bulk_limit!r}: write a number of rows from 1 to {_LARGEST_LIMIT}, 1000 by default"
        )
    return bulk_limit


def _always(always: Any) -> bool:
    if not isinstance(always, bool):
        raise RealtimeError(f"always={always!r}: write always=True where replication fills the table")
    return always


def _delivery(delivery: str | None) -> str:
    source = "delivery" if delivery is not None else "SA_NOTIFY_DELIVERY"
    chosen = delivery if delivery is not None else os.environ.get("SA_NOTIFY_DELIVERY") or DEFAULT_DELIVERY
    if chosen in _LATER_DELIVERIES:
        raise RealtimeError(f"{source}={chosen!r} is not in this release: write one of {_ways()}")
    if chosen not in DELIVERIES:
        raise RealtimeError(f"{source}={chosen!r} is not a delivery: write one of {_ways()}")
    return chosen


def _ways() -> str:
    return ", ".join(f'"{delivery}"' for delivery in DELIVERIES)


def _check_columns(table: Table, excluded: Iterable[str], carried: Iterable[str]) -> None:
    for column in table.columns:
        name = stored(column.name)
        if column.primary_key and name in excluded:
            raise RealtimeError(
                f"{table.fullname}.{name} is part of the primary key, by which changes name their row: "
                "take it out of exclude="
            )
        if is_virtual(column) and name in carried:
            raise RealtimeError(
                f"{table.fullname}.{name} is computed when read, so triggers can't see its value: take it "
                "out of carry=, or store it with Computed(..., persisted=True)"
            )
