"""``op.create_outbox()`` and ``op.drop_outbox()``, and where autogenerate writes them."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from alembic.autogenerate.render import renderers
from alembic.operations import MigrateOperation, Operations

from sa_notify.alembic.operations import NotifyTriggerOp, execute
from sa_notify.capture.outbox import OUTBOX_TEMPLATE, create_outbox, drop_outbox

if TYPE_CHECKING:  # loaded in the middle of Alembic's import
    from alembic.autogenerate.api import AutogenContext


class OutboxOp(MigrateOperation):
    """What the two operations have in common.

    :param template: version of the SQL; it never changes under a migration.
    """

    name = ""

    def __init__(self, template: int = OUTBOX_TEMPLATE) -> None:
        self.template = template

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """For ``alembic check`` and ``compare_metadata()``: the operation and its template."""
        return (self.name, self.template)


@Operations.register_operation("create_outbox")
class CreateOutboxOp(OutboxOp):
    """Make the schema ``sa_notify``, which tables with ``delivery="outbox"`` need."""

    name = "create_outbox"

    @classmethod
    def create_outbox(cls, operations: Operations, *, template: int = OUTBOX_TEMPLATE) -> None:
        """Make the schema ``sa_notify`` with its tables, as far as it is missing.

        :param template: version of the SQL that is generated; it never changes under a migration.
        """
        operations.invoke(cls(template))

    def reverse(self) -> "DropOutboxOp":
        return DropOutboxOp(self.template)


@Operations.register_operation("drop_outbox")
class DropOutboxOp(OutboxOp):
    """Drop the schema ``sa_notify``."""

    name = "drop_outbox"

    @classmethod
    def drop_outbox(cls, operations: Operations, *, template: int = OUTBOX_TEMPLATE) -> None:
        """Drop the schema ``sa_notify`` with its tables; while any table uses it, it stays.

        :param template: the version that made it.
        """
        operations.invoke(cls(template))

    def reverse(self) -> CreateOutboxOp:
        return CreateOutboxOp(self.template)


@Operations.implementation_for(CreateOutboxOp)
def _create(operations: Operations, operation: CreateOutboxOp) -> None:
    execute(operations, create_outbox(operation.template))


@Operations.implementation_for(DropOutboxOp)
def _drop(operations: Operations, operation: DropOutboxOp) -> None:
    execute(operations, drop_outbox(operation.template))


@renderers.dispatch_for(CreateOutboxOp)
@renderers.dispatch_for(DropOutboxOp)
def _render(autogen_context: "AutogenContext", operation: OutboxOp) -> str:
    prefix = (autogen_context.opts or {}).get("alembic_module_prefix") or ""
    return f"{prefix}{operation.name}(template={operation.template!r})"


def trigger_operations(operations: Iterable[MigrateOperation]) -> Iterator[NotifyTriggerOp]:
    """Those of capture, wherever they are nested."""
    for operation in operations:
        if isinstance(operation, NotifyTriggerOp):
            yield operation
        yield from trigger_operations(getattr(operation, "ops", ()))
