"""Remembers what statements hide, until the catalog says that it is something else."""

from collections.abc import Collection, Hashable
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import Connection

from sa_notify.capture.coverage import Coverage
from sa_notify.capture.definitions import Definitions, locked_relations
from sa_notify.live.dependencies import Dependencies
from sa_notify.live.hidden import Hidden, Search

#: So many statements are remembered; text that is put together anew for everybody would fill the memory.
LIMIT = 2000

NOTHING = Hidden()


@dataclass(slots=True)
class _Memory:
    definitions: Definitions = field(default_factory=Definitions)
    found: dict[Hashable, Hidden] = field(default_factory=dict)


class HiddenCache:
    """What is behind views, text, functions and policies."""

    def __init__(self) -> None:
        self._memory = _Memory()

    def of(
        self, connection: Connection, found: Dependencies, tables: Collection[Coverage], *, alone: bool
    ) -> Hidden:
        """What the statement reads besides its own tables.

        :param tables: its own tables.
        :param alone: the transaction has read it, and nothing else.
        """
        hiding = frozenset(table.oid for table in tables if table.hides and table.oid)
        attributes = found.attributes.difference(*(table.columns for table in tables))
        if not (hiding or found.askable or attributes or found.known):
            return NOTHING
        memory = self._memory
        own = frozenset(table.oid for table in tables if table.oid)
        key = (hiding, own, found.texts, found.calls, found.known, attributes, found.settings)
        if key not in memory.found:
            search = Search(partial(memory.definitions.ask, connection), found.settings, own)
            search.relations(hiding)
            search.calls(found.calls)
            search.overloads(found.known)
            search.attributes(attributes)
            search.texts(found.texts, locked_relations(connection) if found.texts and alone else None)
            if len(memory.found) >= LIMIT:
                memory.found.clear()
            memory.found[key] = search.found()
        return memory.found[key]

    def changed(self, connection: Connection) -> bool:
        """Whether something that was found is something else now."""
        return self._memory.definitions.changed(connection)

    def clear(self) -> None:
        """Ask again; what is being found out meanwhile is forgotten too."""
        self._memory = _Memory()
