"""Notices when a page uses columns that ``@realtime`` excludes: nothing announces their changes."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Column, FromClause, event, inspect
from sqlalchemy.orm import Mapper, Session

from sa_notify.live.excluded import is_excluded, shown_by

_ATTRIBUTES: "WeakKeyDictionary[Mapper[Any], tuple[str, ...]]" = WeakKeyDictionary()


class Excluded:
    """Follows the excluded attributes of what a session loads.

    They are expired as they are loaded, so that one that has a value afterwards has been read. Of
    instances that were in the session before, only the columns of the list itself are known to be used.
    """

    def __init__(self) -> None:
        self._loaded: list[tuple[Any, tuple[str, ...]]] = []

    @contextmanager
    def of(self, session: Session) -> Iterator["Excluded"]:
        """Follow the session in this block."""
        event.listen(session, "loaded_as_persistent", self._load)
        try:
            yield self
        finally:
            event.remove(session, "loaded_as_persistent", self._load)

    def forget(self) -> None:
        """Begin anew: what was loaded until now was for the access check."""
        self._loaded.clear()

    def doubts(self, model: Any, columns: Iterable[str]) -> frozenset[str]:
        """One sentence for each model of which an excluded attribute was read.

        :param columns: names of the page's columns, of ``model``.
        """
        read = {
            inspect(instance).mapper
            for instance, names in self._loaded
            if any(name in inspect(instance).dict for name in names)
        }
        mapper = inspect(model)
        if not set(columns).isdisjoint(_attributes(mapper)):
            read.add(mapper)
        return frozenset(doubt(mapper.local_table) for mapper in read)

    def _load(self, session: Session, instance: Any) -> None:
        names = _attributes(inspect(instance).mapper)
        if names:
            session.expire(instance, names)
            self._loaded.append((instance, names))


def doubts_of(statement: Any) -> frozenset[str]:
    """The same for columns that a statement selects by themselves; other uses its dependencies tell."""
    selected = (item for item in getattr(statement, "_raw_columns", ()) if not isinstance(item, FromClause))
    return frozenset(doubt(column.table) for item in selected for column in shown_by(item))


def doubt(table: Any) -> str:
    return (
        f"the page uses a column of {table} that @realtime excludes, whose changes are not announced: "
        "leave the column out of the page, or do not exclude it"
    )


def _attributes(mapper: Mapper[Any]) -> tuple[str, ...]:
    found = _ATTRIBUTES.get(mapper)
    if found is None:
        found = _ATTRIBUTES[mapper] = tuple(
            attribute.key
            for attribute in mapper.column_attrs
            if any(isinstance(column, Column) and is_excluded(column) for column in attribute.columns)
        )
    return found
