"""``Table.to_metadata()``: a copy of a realtime table is one too, and keeps to itself what the table does."""

from collections.abc import Callable
from typing import Any
from weakref import WeakSet

from sqlalchemy import Table, event

_followed: WeakSet[Table] = WeakSet()


def follow_copies(table: Table, adopt: Callable[[Table, Table], None]) -> None:
    """Have ``adopt(table, copy)`` called for each copy of the table that has its name; once is enough.

    A table tells nobody that it is copied, its columns do. They are copied into other tables as well, into
    one that keeps their history for instance, which has a name of its own and is nobody's copy. Copies of
    copies are told of too.
    """
    if table in _followed:
        return
    _followed.add(table)

    def attached(_column: Any, parent: Any) -> None:
        if isinstance(parent, Table) and parent is not table and parent.name == table.name:
            adopt(table, parent)

    first = next(iter(table.primary_key.columns))
    event.listen(first, "after_parent_attach", attached, propagate=True)
