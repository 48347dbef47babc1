"""``op.create_notify_trigger()``, ``op.replace_notify_trigger()`` and ``op.drop_notify_trigger()``."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from alembic.operations import MigrateOperation, Operations

from sa_notify.capture.ddl import Generated, Target, install, remove
from sa_notify.capture.spec import BULK_LIMIT, TEMPLATE, TEMPLATES, TriggerParams
from sa_notify.errors import ConfigurationError


class NotifyTriggerOp(MigrateOperation):
    """What the three operations have in common: a table and frozen parameters.

    :param params: what stands afterwards; ``None`` when nothing does.
    :param previous: what stood before; without it the operation can't be reversed.
    """

    name = ""

    def __init__(
        self,
        target: Target,
        params: TriggerParams | None = None,
        previous: TriggerParams | None = None,
    ) -> None:
        self.target = target
        self.params = params
        self.previous = previous

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """For ``alembic check`` and ``compare_metadata()``: the operation, its table, after, before."""
        states = (self.params, self.previous)
        return (self.name, self.target.schema, self.target.table, *(s and s.keywords() for s in states))

    def _known_previous(self) -> TriggerParams:
        if self.previous is None:
            raise ConfigurationError(
                f"op.{self.name}({self.target.table!r}) can't be reversed: give it previous=dict(...)"
            )
        return self.previous


@Operations.register_operation("create_notify_trigger")
class CreateNotifyTriggerOp(NotifyTriggerOp):
    """Announce a table's changes."""

    name = "create_notify_trigger"

    @classmethod
    def create_notify_trigger(
        cls,
        operations: Operations,
        table_name: str,
        *,
        schema: str | None = None,
        key: Sequence[str],
        columns: Sequence[str],
        carry: Sequence[str] = (),
        virtual: Sequence[str] = (),
        bulk_limit: int = BULK_LIMIT,
        delivery: str = "notify",
        always: bool = False,
        template: int = TEMPLATE,
    ) -> None:
        """Announce a table's changes: create its capture function and four triggers.

        :param schema: without it ``search_path`` finds the table.
        :param key: primary key columns, in the key's order.
        :param columns: the captured columns; no other column's change is ever announced.
        :param carry: columns whose old and new values travel in messages.
        :param virtual: captured columns that PostgreSQL computes when they are read.
        :param bulk_limit: rows of one statement beyond which it is announced as a whole.
        :param delivery: how changes travel.
        :param always: whether what a replica writes is announced too.
        :param template: version of the SQL that is generated; it never changes under a migration.
        """
        params = _params(
            key=key, columns=columns, carry=carry, virtual=virtual,
            bulk_limit=bulk_limit, delivery=delivery, always=always, template=template,
        )  # fmt: skip
        operations.invoke(cls(Target(schema, table_name), params))

    def reverse(self) -> "DropNotifyTriggerOp":
        return DropNotifyTriggerOp(self.target, previous=self.params)


@Operations.register_operation("replace_notify_trigger")
class ReplaceNotifyTriggerOp(NotifyTriggerOp):
    """Change what is announced of a table."""

    name = "replace_notify_trigger"

    @classmethod
    def replace_notify_trigger(
        cls,
        operations: Operations,
        table_name: str,
        *,
        schema: str | None = None,
        key: Sequence[str],
        columns: Sequence[str],
        carry: Sequence[str] = (),
        virtual: Sequence[str] = (),
        bulk_limit: int = BULK_LIMIT,
        delivery: str = "notify",
        always: bool = False,
        template: int = TEMPLATE,
        previous: Mapping[str, Any] | None = None,
    ) -> None:
        """Change what is announced of a table; takes no lock on it while its triggers are whole.

        :param previous: the parameters that stood before, for the way back; the others are those of
            ``create_notify_trigger()``.
        """
        params = _params(
            key=key, columns=columns, carry=carry, virtual=virtual,
            bulk_limit=bulk_limit, delivery=delivery, always=always, template=template,
        )  # fmt: skip
        operations.invoke(cls(Target(schema, table_name), params, _previous(previous)))

    def reverse(self) -> "ReplaceNotifyTriggerOp":
        return ReplaceNotifyTriggerOp(self.target, self._known_previous(), self.params)


@Operations.register_operation("drop_notify_trigger")
class DropNotifyTriggerOp(NotifyTriggerOp):
    """Announce a table's changes no more."""

    name = "drop_notify_trigger"

    @classmethod
    def drop_notify_trigger(
        cls,
        operations: Operations,
        table_name: str,
        *,
        schema: str | None = None,
        previous: Mapping[str, Any] | None = None,
    ) -> None:
        """Drop a table's capture: its triggers and function, as far as they are there.

        :param previous: the parameters that stood before, for the way back.
        """
        operations.invoke(cls(Target(schema, table_name), previous=_previous(previous)))

    def reverse(self) -> CreateNotifyTriggerOp:
        return CreateNotifyTriggerOp(self.target, self._known_previous())


@Operations.implementation_for(CreateNotifyTriggerOp)
@Operations.implementation_for(ReplaceNotifyTriggerOp)
def _install(operations: Operations, operation: NotifyTriggerOp) -> None:
    assert operation.params is not None
    _execute(operations, install(_translated(operations, operation.target), operation.params))


@Operations.implementation_for(DropNotifyTriggerOp)
def _remove(operations: Operations, operation: NotifyTriggerOp) -> None:
    _execute(operations, remove(_translated(operations, operation.target)))


def _execute(operations: Operations, statements: Iterable[Generated]) -> None:
    # a migration that other databases run too leaves them alone, as create_all() does
    if operations.migration_context.dialect.name == "postgresql":
        for statement in statements:
            operations.execute(statement)


def _translated(operations: Operations, target: Target) -> Target:
    context = operations.migration_context
    # with --sql the connection is a mock that has no options
    options = (
        {} if context.as_sql or context.connection is None else context.connection.get_execution_options()
    )
    translate: Mapping[str | None, str | None] = options.get("schema_translate_map") or {}
    return Target(translate.get(target.schema, target.schema), target.table)


def _params(**values: Any) -> TriggerParams:
    if values["template"] not in TEMPLATES:
        raise ConfigurationError(
            f"template={values['template']!r} is of a newer sa_notify: update it (this one has {TEMPLATES})"
        )
    return TriggerParams.of({name: _frozen(value) for name, value in values.items()})


def _previous(values: Mapping[str, Any] | None) -> TriggerParams | None:
    return None if values is None else _params(**{"template": TEMPLATE, **values})


def _frozen(value: Any) -> Any:
    return value if isinstance(value, int | str) else tuple(value)
