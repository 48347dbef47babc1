"""What autogenerate finds: models whose triggers are missing, outdated or no longer wanted."""

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import alembic.util
from sqlalchemy import Table

from sa_notify.alembic.edited import edited_body
from sa_notify.alembic.operations import (
    CreateNotifyTriggerOp,
    DropNotifyTriggerOp,
    NotifyTriggerOp,
    ReplaceNotifyTriggerOp,
)
from sa_notify.capture.catalog import Installed, find, installed
from sa_notify.capture.ddl import Target
from sa_notify.capture.spec import TriggerParams, spec_for

if TYPE_CHECKING:  # loaded in the middle of Alembic's import
    from alembic.autogenerate.api import AutogenContext
    from alembic.operations.ops import ModifyTableOps

log = logging.getLogger(__name__)

# before Alembic 1.18 comparators return nothing
STOP: Any = getattr(getattr(alembic.util, "PriorityDispatchResult", None), "STOP", None)
_states: "WeakKeyDictionary[AutogenContext, list[Installed]]" = WeakKeyDictionary()


def compare_triggers(
    autogen_context: "AutogenContext",
    modify_table_ops: "ModifyTableOps",
    schema: str | None,
    table_name: str,
    conn_table: Table | None,
    metadata_table: Table | None,
) -> Any:
    """Called by Alembic for each table, between the columns it adds and those it drops.

    That place makes the order right without any sorting: after a table is created and before it is
    dropped, upwards and downwards.

    :returns: "stop", so that it runs once where it is registered under two names.
    """
    if not is_wanted(autogen_context):
        return STOP
    target = Target(schema, str(table_name))
    found = find(installed_state(autogen_context), target, autogen_context.dialect.default_schema_name)
    spec = None if metadata_table is None else spec_for(metadata_table)
    params = None if spec is None or metadata_table is None else spec.params(metadata_table)
    # a table that is about to be created has no triggers, whatever stands under its name elsewhere
    operation = _difference(target, params, None if conn_table is None else found)
    if operation is not None:
        modify_table_ops.ops.append(operation)
    return STOP


def is_wanted(autogen_context: "AutogenContext") -> bool:
    """Whether this run is one that capture belongs to."""
    plugins: Iterable[str] = (autogen_context.opts or {}).get("autogenerate_plugins") or ()
    return autogen_context.dialect.name == "postgresql" and "~sa_notify" not in plugins


def installed_state(autogen_context: "AutogenContext") -> list[Installed]:
    """Everything installed, read once in a run."""
    if autogen_context not in _states:
        assert autogen_context.connection is not None
        _states[autogen_context] = installed(autogen_context.connection)
        _report(_states[autogen_context])
    return _states[autogen_context]


def _report(state: Iterable[Installed]) -> None:
    for item in state:
        if item.table is None:
            log.warning(
                "Function %s.%s of sa_notify is called by no trigger: drop it",
                item.function_schema, item.function,
            )  # fmt: skip
        elif item.disabled:
            log.warning(
                "Triggers %s on %s.%s are disabled; sa_notify leaves them so",
                ", ".join(sorted(item.disabled)), item.schema, item.table,
            )  # fmt: skip


def _difference(
    target: Target, params: TriggerParams | None, found: Installed | None
) -> NotifyTriggerOp | None:
    if found is None:
        if params is None:
            return None
        log.info("Detected added realtime on table %r", str(target))
        return CreateNotifyTriggerOp(target, params)
    if found.params is None:
        log.warning("Triggers on %s are of a newer sa_notify: update it; they are left alone", target)
        return None
    if params is None:
        log.info("Detected removed realtime on table %r", str(target))
        return DropNotifyTriggerOp(target, previous=found.params, previous_body=edited_body(found))
    if reasons := found.drift(target, params):
        log.info("Detected changed realtime (%s) on table %r", ", ".join(reasons), str(target))
        return ReplaceNotifyTriggerOp(target, params, found.params, previous_body=edited_body(found))
    return None
