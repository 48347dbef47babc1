"""What autogenerate finds about the outbox: needed for the first time, or by no table any more."""

import logging
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from sa_notify.alembic.compare import STOP, installed_state, is_wanted
from sa_notify.alembic.outbox import CreateOutboxOp, DropOutboxOp, trigger_operations
from sa_notify.capture.catalog import find
from sa_notify.capture.outbox import OUTBOX_TEMPLATE, OUTBOX_TEMPLATES, SCHEMA, outbox_state

if TYPE_CHECKING:  # loaded in the middle of Alembic's import
    from alembic.autogenerate.api import AutogenContext
    from alembic.operations.ops import UpgradeOps

log = logging.getLogger(__name__)

_done: "WeakKeyDictionary[UpgradeOps, bool]" = WeakKeyDictionary()


def hide_outbox(
    autogen_context: "AutogenContext", _upgrade_ops: "UpgradeOps", schemas: set[str | None]
) -> Any:
    """Called by Alembic before it compares tables: with ``include_schemas`` those of the outbox are ours."""
    theirs = any(table.schema == SCHEMA for table in autogen_context.sorted_tables)
    if is_wanted(autogen_context) and not theirs:
        schemas.discard(SCHEMA)
    return STOP


def compare_outbox(
    autogen_context: "AutogenContext", upgrade_ops: "UpgradeOps", _schemas: set[str | None]
) -> Any:
    """Called by Alembic after it compared all tables.

    The outbox is made before anything else and dropped after everything else, which downwards is the
    other way round, so that it is there whenever a table with that delivery is.

    :returns: "stop", so that it runs once where it is registered under two names.
    """
    if not is_wanted(autogen_context) or upgrade_ops in _done:
        return STOP
    _done[upgrade_ops] = True
    assert autogen_context.connection is not None
    found = outbox_state(autogen_context.connection)
    deliveries = _deliveries(autogen_context, upgrade_ops)
    if "outbox" in deliveries:
        if found is None or found.missing:
            log.info("Detected the outbox missing")
            upgrade_ops.ops.insert(0, CreateOutboxOp(OUTBOX_TEMPLATE))
    elif found is not None and found.template in OUTBOX_TEMPLATES and None not in deliveries:
        log.info("Detected the outbox in use by no table")
        upgrade_ops.ops.append(DropOutboxOp(found.template))
    return STOP


def _deliveries(autogen_context: "AutogenContext", upgrade_ops: "UpgradeOps") -> set[str | None]:
    """Those of all tables after the operations, of whichever project; ``None`` of a newer release."""
    state, operations = installed_state(autogen_context), list(trigger_operations(upgrade_ops.ops))
    schema = autogen_context.dialect.default_schema_name
    changed = [find(state, each.target, schema) for each in operations]
    after = [item.params for item in state if item.table is not None and item not in changed]
    after += [each.params for each in operations if each.params is not None]
    return {None if params is None else params.delivery for params in after}
