"""What live queries want to be told of, all together."""

from collections.abc import Iterable

from sa_notify.change import Key
from sa_notify.live.state import LiveQuery
from sa_notify.source.wanted import Wanted


def wanted_by(queries: Iterable[LiveQuery], number: int) -> Wanted:
    """Every table that one of them reads whole; of the others, their rows and tallies."""
    whole: set[str] = set()
    tallies: set[str] = set()
    rows: dict[str, set[Key]] = {}
    for live in queries:
        for table in live.tables or ():
            keys = live.only.get(table)
            if live.query.by_tally:
                tallies.add(table)
            elif keys is None:
                whole.add(table)
            else:
                rows.setdefault(table, set()).update(keys)
    found = {table: frozenset(keys) for table, keys in rows.items() if keys and table not in whole}
    return Wanted(number, frozenset(whole), found, frozenset(tallies - whole))


def and_also(wanted: Wanted, queries: Iterable[LiveQuery], number: int) -> Wanted:
    """That, and what these queries want."""
    more = wanted_by(queries, number)
    rows = {table: wanted.rows.get(table, frozenset()) | keys for table, keys in more.rows.items()}
    return Wanted(number, wanted.tables | more.tables, {**wanted.rows, **rows}, wanted.tallies | more.tallies)


def covers(wanted: Wanted, live: LiveQuery, table: str) -> bool:
    """Whether that is all that a query wants of a table."""
    return wanted.covers(table, live.only.get(table), tally=live.query.by_tally)
