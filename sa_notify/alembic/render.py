"""Operations as the Python of a revision file: one keyword a line, nothing but literals."""

from collections.abc import Iterable, Iterator, Mapping
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
    if (after := operation.after()) is not None:
        lines += _keywords(after)
    if operation.previous is not None:
        # what runs on the way back has the body
        lines += ["previous=dict(", *_indented(_keywords(operation.previous.keywords())), "),"]
    prefix = (autogen_context.opts or {}).get("alembic_module_prefix") or ""
    return "\n".join([f"{prefix}{operation.name}(", *_indented(lines), ")"])


def _keywords(values: Mapping[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        if name == "body":
            yield from ("body=[", *_indented(f"{line!r}," for line in value), "],")
        else:
            yield f"{name}={value!r},"


def _indented(lines: Iterable[str]) -> list[str]:
    return [_INDENT + line for line in lines]
