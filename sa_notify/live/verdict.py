"""What a reading rests on: the names its changes are announced under, and why some may not be."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sa_notify.capture.coverage import Coverage, Key
from sa_notify.live.dependencies import Dependencies
from sa_notify.live.hidden import Hidden
from sa_notify.live.interned import interned


@dataclass(frozen=True, slots=True)
class Used:
    """A table, and which of its columns may matter; ``None`` for all."""

    table: Coverage
    columns: frozenset[str] | None


def own_tables(found: Dependencies, hidden: Hidden, covered: Mapping[Key, Coverage]) -> list[Used]:
    """The statement's own tables, with the columns that it names."""
    used = []
    for key, table in covered.items():
        named = {name for *of, name in found.columns if tuple(of) == key}
        used.append(Used(table, frozenset(named | table.meant_by(found.names | hidden.names))))
    return used


def verdict(
    found: Dependencies, hidden: Hidden, used: Iterable[Used], unread: Mapping[str, str]
) -> tuple[frozenset[str], tuple[str, ...]]:
    """Names that changes are announced under, and doubts.

    :param used: every table that is read, by whatever way.
    :param unread: deliveries that are not followed, see :meth:`Coverage.unread`.
    """
    names: set[str] = set()
    doubts = set(found.doubts) - found.askable | hidden.doubts
    if found.declared is None:
        doubts |= hidden.unknown
    for item in used:
        table = item.table
        columns = table.meant_by("*") if item.columns is None else item.columns
        names |= set() if table.is_view else table.names
        doubts.update(table.plain, table.unread(unread), table.blind_to(columns))
    return interned(frozenset(names)), tuple(sorted(doubts))
