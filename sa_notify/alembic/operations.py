"""``op.create_notify_trigger()``, ``op.replace_notify_trigger()`` and ``op.drop_notify_trigger()``."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from alembic.operations import MigrateOperation, Operations

from sa_notify.alembic.edited import install_edited
from sa_notify.capture.ddl import Generated, Target, install, remove
from sa_notify.capture.spec import BULK_LIMIT, TEMPLATE, TEMPLATES, TriggerParams
from sa_notify.errors import ConfigurationError


class NotifyTriggerOp(MigrateOperation):
    """What the three operations have in common: a table and frozen parameters.

    :param params: what stands afterwards; ``None`` when nothing does.
    :param previous: what stood before; without it the operation can't be reversed.
    :param body: the function's body afterwards, where it is not the one that ``params`` generate.
    :param previous_body: the same of what stood before.
    """

    name = ""

    def __init__(
        self,
        target: Target,
        params: TriggerParams | None = None,
        previous: TriggerParams | None = None,
        *,
        body: str | None = None,
        previous_body: str | None = None,
    ) -> None:
        self.target = target
        self.params = params
        self.previous = previous
        self.body = body
        self.previous_body = previous_body

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """For ``alembic check`` and ``compare_metadata()``: the operation, its table, after, before."""
        return (self.name, self.target.schema, self.target.table, self.after(), self.before())

    def after(self) -> dict[str, Any] | None:
        """What stands afterwards, as keyword arguments."""
        return _keywords(self.params, self.body)

    def before(self) -> dict[str, Any] | None:
        """What stood before, as keyword arguments."""
        return _keywords(self.previous, self.previous_body)

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
        fixed: Sequence[str] = (),
        texts: Sequence[str] = (),
        virtual: Sequence[str] = (),
        bulk_limit: int = BULK_LIMIT,
        delivery: str = "notify",
        always: bool = False,
        template: int = TEMPLATE,
        body: Sequence[str] | None = None,
    ) -> None:
        """Announce a table's changes: create its capture function and four triggers.

        :param schema: without it ``search_path`` finds the table.
        :param key: primary key columns, in the key's order.
        :param columns: the captured columns; no other column's change is ever announced.
        :param carry: columns whose old and new values travel in messages.
        :param fixed: carried columns whose types' own equality is identity.
        :param texts: carried columns that are told and compared as texts.
        :param virtual: captured columns that PostgreSQL computes when they are read.
        :param bulk_limit: rows of one statement beyond which it is announced as a whole.
        :param delivery: how changes travel.
        :param always: whether what a replica writes is announced too.
        :param template: version of the SQL that is generated; it never changes under a migration.
        :param body: lines of the function's body in place of the generated one: how a way back restores
            what somebody had edited.
        """
        params = _params(
            key=key, columns=columns, carry=carry, fixed=fixed, texts=texts, virtual=virtual,
            bulk_limit=bulk_limit, delivery=delivery, always=always, template=template,
        )  # fmt: skip
        operations.invoke(cls(Target(schema, table_name), params, body=_joined(body)))

    def reverse(self) -> "DropNotifyTriggerOp":
        return DropNotifyTriggerOp(self.target, previous=self.params, previous_body=self.body)


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
        fixed: Sequence[str] = (),
        texts: Sequence[str] = (),
        virtual: Sequence[str] = (),
        bulk_limit: int = BULK_LIMIT,
        delivery: str = "notify",
        always: bool = False,
        template: int = TEMPLATE,
        body: Sequence[str] | None = None,
        previous: Mapping[str, Any] | None = None,
    ) -> None:
        """Change what is announced of a table; takes no lock on it while its triggers are whole.

        :param previous: the parameters that stood before, for the way back; the others are those of
            ``create_notify_trigger()``.
        """
        params = _params(
            key=key, columns=columns, carry=carry, fixed=fixed, texts=texts, virtual=virtual,
            bulk_limit=bulk_limit, delivery=delivery, always=always, template=template,
        )  # fmt: skip
        operations.invoke(cls(Target(schema, table_name), params, _previous(previous), body=_joined(body)))

    def reverse(self) -> "ReplaceNotifyTriggerOp":
        return ReplaceNotifyTriggerOp(
            self.target,
            self._known_previous(),
            self.params,
            body=self.previous_body,
            previous_body=self.body,
        )


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
        return CreateNotifyTriggerOp(self.target, self._known_previous(), body=self.previous_body)


@Operations.implementation_for(CreateNotifyTriggerOp)
@Operations.implementation_for(ReplaceNotifyTriggerOp)
def _install(operations: Operations, operation: NotifyTriggerOp) -> None:
    assert operation.params is not None
    target = _translated(operations, operation.target)
    if operation.body is None:
        execute(operations, install(target, operation.params))
    else:
        execute(operations, install_edited(target, operation.params, operation.body))


@Operations.implementation_for(DropNotifyTriggerOp)
def _remove(operations: Operations, operation: NotifyTriggerOp) -> None:
    execute(operations, remove(_translated(operations, operation.target)))


def execute(operations: Operations, statements: Iterable[Generated]) -> None:
    """Run generated statements where they mean something: on PostgreSQL."""
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


def _joined(body: Sequence[str] | None) -> str | None:
    return None if body is None else "".join(body)


def _keywords(params: TriggerParams | None, body: str | None) -> dict[str, Any] | None:
    if params is None:
        return None
    return params.keywords() | ({} if body is None else {"body": body.splitlines(keepends=True)})


def _frozen(value: Any) -> Any:
    return value if isinstance(value, int | str) else tuple(value)
