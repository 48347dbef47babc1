"""``@realtime``: changes of this model's rows are announced."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Literal, TypeVar, overload

from sqlalchemy import Table

from sa_notify._alembic_entry import offer
from sa_notify.capture.choice import choose
from sa_notify.capture.copies import follow_copies
from sa_notify.capture.listeners import listen
from sa_notify.capture.spec import BULK_LIMIT, TriggerSpec, record, spec_for
from sa_notify.errors import RealtimeError

_Target = TypeVar("_Target", bound=type[Any] | Table)


@overload
def realtime(target: _Target, /) -> _Target: ...
@overload
def realtime(
    *,
    exclude: Iterable[str] = (),
    carry: Iterable[str] | Literal["all"] | None = None,
    bulk_limit: int = BULK_LIMIT,
    delivery: str | None = None,
    always: bool = False,
) -> Callable[[_Target], _Target]: ...
def realtime(
    target: Any = None,
    /,
    *,
    exclude: Iterable[str] = (),
    carry: Iterable[str] | Literal["all"] | None = None,
    bulk_limit: int = BULK_LIMIT,
    delivery: str | None = None,
    always: bool = False,
) -> Any:
    """Announce changes of a model's rows: on a mapped class of any style, or ``realtime(table)``.

    ``metadata.create_all()`` installs the triggers, ``alembic revision --autogenerate`` writes them into
    migrations. Of a joined-table subclass the parents' tables are announced too; a single-table
    subclass means its parent's table. Use it bare or with options; names are of attributes or columns.

    :param exclude: columns that are not captured: their changes are not announced, their names never sent.
    :param carry: columns whose old and new values travel. Without values a reader looks the row up. With the
        outbox all captured columns by default, ``"all"``, but not deferred ones and those of large types
        (documents, binary, arrays, vectors) unless they are named here, when it is exactly those; a value
        that takes more than 2,000 bytes is left out of its row. With ``"notify"`` none by default, since any
        role that can connect to the database can read them.
    :param bulk_limit: a statement that touches more rows is announced as one "read the table again".
    :param delivery: how changes travel: ``"outbox"``, through a table that the dispatcher alone reads and
        that never makes commits wait for each other, or ``"notify"``, in the NOTIFY itself, without any
        table; by default ``SA_NOTIFY_DELIVERY`` or ``"outbox"``.
    :param always: announce what a replica writes too: the apply worker of a logical subscription, and
        sessions under ``session_replication_role = replica``, where ordinary triggers don't fire.
    :returns: what it was put on, unchanged.
    :raises RealtimeError: this model or option can't be; the message says what to do instead.
    """
    options = {
        "exclude": exclude, "carry": carry, "bulk_limit": bulk_limit, "delivery": delivery, "always": always,
    }  # fmt: skip
    if target is not None:
        return _decorate(target, options)
    return lambda decorated: _decorate(decorated, options)


def _decorate(target: _Target, options: dict[str, Any]) -> _Target:
    chosen = choose(target, **options)
    *inherited, (own, spec) = chosen.items()
    _record(own, spec)
    for table, parent_spec in inherited:
        if spec_for(table) is None:
            _record(table, parent_spec)
    offer()
    return target


def _record(table: Table, spec: TriggerSpec) -> None:
    before = spec_for(table)
    if before is not None:
        if before != spec:
            raise RealtimeError(f"{table.fullname} is @realtime already, with {before}: decorate it once")
        spec = replace(spec, deferred=tuple(dict.fromkeys((*before.deferred, *spec.deferred))))
    record(table, spec)
    listen(table.metadata)
    follow_copies(table, _adopt)


def _adopt(table: Table, copy: Table) -> None:
    """What is said of a table holds for its copies, as long as nothing else is said of them."""
    spec = spec_for(table)
    if spec is not None and spec_for(copy) is None:
        record(copy, spec)
        listen(copy.metadata)
