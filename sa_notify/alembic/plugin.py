"""Registration with Alembic, the same for every version and order of imports."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alembic.runtime.plugins import Plugin

#: Alembic's default, ``autogenerate_plugins=["alembic.autogenerate.*"]``, is what makes it run unasked.
DEFAULT_NAME = "alembic.autogenerate.sa_notify"

_registered: list[object] = []


def register(plugin: "Plugin | None" = None) -> None:
    """Make Alembic know the operations, their rendering and the comparison; a second call changes nothing.

    :param plugin: what Alembic 1.18 and later made for the entry point, in the middle of its own import:
        then its registry of comparators is not there yet.
    """
    if _registered:
        return
    _registered.append(plugin)
    from sa_notify.alembic import operations, outbox, render  # noqa: F401
    from sa_notify.alembic.compare import compare_triggers
    from sa_notify.alembic.compare_outbox import compare_outbox, hide_outbox

    plugins = _plugins(plugin)
    for each in plugins:
        each.add_autogenerate_comparator(compare_triggers, "table", "sa_notify")
        first, last = _first_and_last()
        each.add_autogenerate_comparator(hide_outbox, "schema", "sa_notify before", priority=first)
        each.add_autogenerate_comparator(compare_outbox, "schema", "sa_notify", priority=last)
    if not plugins:
        from alembic.autogenerate.compare import comparators

        comparators.dispatch_for("table")(compare_triggers)

        # what is for one dialect runs instead of what is for all, which is what compares tables
        @comparators.dispatch_for("schema", qualifier="postgresql")
        def compare_schemas(*context: Any) -> None:
            hide_outbox(*context)
            comparators.dispatch("schema")(*context)
            compare_outbox(*context)


def _first_and_last() -> Any:
    from alembic.util import DispatchPriority

    return DispatchPriority.FIRST, DispatchPriority.LAST


def _plugins(plugin: Any) -> "list[Plugin]":
    """One that is on by default, one to list as ``"sa_notify"``; none before Alembic 1.18."""
    try:
        from alembic.runtime.plugins import Plugin
    except ImportError:
        return []
    return [plugin or Plugin("sa_notify"), Plugin(DEFAULT_NAME)]
