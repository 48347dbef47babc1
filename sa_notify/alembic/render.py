"""Operations as the Python of a revision file: one keyword a line, nothing but literals."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from alembic.autogenerate.render import renderers

from sa_notify.alembic.operations import (
    CreateNotifyTriggerOp,
    DropNotifyTriggerOp,
    NotifyTriggerOp,
    ReplaceNotifyTriggerOp,
)

if TYPE_CHECKING:  # loaded in the middle of Alembic's import
    from alembic.autogenerate.api import AutogenContext

_INDENT = "    "


@renderers.dispatch_for(CreateNotifyTriggerOp)
@renderers.dispatch_for(ReplaceNotifyTriggerOp)
@renderers.dispatch_for(DropNotifyTriggerOp)
def render_operation(autogen_context: "AutogenContext", operation: NotifyTriggerOp) -> str:
    """The call that :class:`NotifyTriggerOp` stands for."""
    lines = [f"{str(operation.target.table)!r},"]
    if operation.target.schema is not None:
        lines.append(f"schema={str(operation.target.schema)!r},")
    if operation.params is not None:
        lines += _keywords(operation.params.keywords())
    if operation.previous is not None:
        before = [_INDENT + line for line in _keywords(operation.previous.keywords())]
        lines += ["previous=dict(", *before, "),"]
    prefix = (autogen_context.opts or {}).get("alembic_module_prefix") or ""
    return "\n".join([f"{prefix}{operation.name}(", *(_INDENT + line for line in lines), ")"])


def _keywords(values: Mapping[str, Any]) -> list[str]:
    return [f"{name}={value!r}," for name, value in values.items()]
