"""``@dispatcher.on_change``: functions of the application that are called for each change."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Flask
from sqlalchemy import Connection, Engine, Table, inspect, text
from sqlalchemy.exc import NoInspectionAvailable

from sa_notify import metrics
from sa_notify.capture.spec import spec_for
from sa_notify.change import Change, ChangeSet
from sa_notify.errors import QueryError

logger = logging.getLogger(__name__)

_NAME = """
SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = pg_catalog.to_regclass(:name)
"""


@dataclass(frozen=True, slots=True)
class Handler:
    """A function and the tables whose changes it wants.

    :param missed: called when changes may have been missed; ``None`` for nothing.
    """

    function: Callable[[Change], Any]
    tables: tuple[Table, ...]
    missed: Callable[[], Any] | None

    @classmethod
    def of(cls, target: Any, function: Any, missed: Any) -> "Handler":
        """For a model, all its tables.

        :raises QueryError: when the target is no realtime model or table, or a function is none.
        """
        for each in (function, missed):
            if each is not None and not callable(each):
                raise QueryError("@dispatcher.on_change(Model) decorates a function that takes a change")
        tables = (target,) if isinstance(target, Table) else _tables(target)
        if not any(spec_for(table) for table in tables):
            raise QueryError(f"nothing announces changes of {target!r}: decorate the model with @realtime")
        return cls(function, tables, missed)


class HandlerSink:
    """Calls handlers in the application's context, one after the other, in order of commit.

    Implements :class:`sa_notify.sink.base.Sink`. A handler that raises is logged, and the next is called.
    """

    def __init__(self, app: Flask, engine: Engine, handlers: Sequence[Handler]) -> None:
        self._app, self._handlers = app, handlers
        self._by_table: dict[str, list[Handler]] = {}
        with engine.connect() as connection:
            # quote_ident() quotes everything where this is on
            connection.execute(text("SET LOCAL quote_all_identifiers = off"))
            for handler in handlers:
                for table in handler.tables:
                    self._by_table.setdefault(_name(connection, table), []).append(handler)

    @property
    def tables(self) -> frozenset[str]:
        """Those of all handlers."""
        return frozenset(self._by_table)

    def begin_epoch(self, epoch: str) -> None:
        for handler in self._handlers:
            if handler.missed is not None:
                self._call(handler.missed)

    def receive(self, changesets: Sequence[ChangeSet]) -> None:
        for changeset in changesets:
            for change in changeset.changes:
                for handler in self._by_table.get(change.table, ()):
                    self._call(handler.function, change)

    def close(self) -> None:
        pass

    def _call(self, function: Callable[..., Any], *arguments: Any) -> None:
        try:
            with self._app.app_context():
                function(*arguments)
        except Exception:
            metrics.SINK_FAILURES.labels("on_change").inc()
            logger.exception("a handler of changes failed")


def _tables(model: Any) -> tuple[Table, ...]:
    try:
        mapper = inspect(model)
        return tuple(table for table in mapper.tables if isinstance(table, Table))
    except (NoInspectionAvailable, AttributeError):
        raise QueryError(f"{model!r} is no model: write @dispatcher.on_change(Model)") from None


def _name(connection: Connection, table: Table) -> str:
    quoted = connection.dialect.identifier_preparer.format_table(table)
    return str(connection.scalar(text(_NAME), {"name": quoted}))
