"""Writes to the tables of :mod:`tests.live.crew`, aimed at what statements read."""

import random
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.live.statements import DAYS, MOMENTS, UUIDS, WORDS, Draw


def refilled(seed: int) -> Iterator[str]:
    """Statements that leave other rows than those that are there."""
    chance = random.Random(seed)
    yield f"TRUNCATE {', '.join(KEYS)}"
    for table, key in KEYS.items():
        names = ", ".join([*key, *(f'"{name}"' for name in COLUMNS[table])])
        parts = [*key.values(), *COLUMNS[table].values()]
        found = [tuple(chance.choice(pool) for pool in parts) for _ in range(8)]
        rows = {row[: len(key)]: row for row in found}.values()
        lines = ", ".join("(" + ", ".join(row) + ")" for row in rows)
        yield f"INSERT INTO {table} ({names}) VALUES {lines}"


@dataclass(frozen=True)
class Aim:
    """What of the database a statement's result hangs on most.

    :param columns: by table; those that decide which rows there are.
    :param values: in SQL, those that it compares with.
    """

    columns: Mapping[str, Collection[str]]
    values: Collection[str]

    @staticmethod
    def at(columns: Mapping[str, Collection[str]], constants: Iterable[Any]) -> "Aim":
        """With the values of a statement's parameters."""
        flat = [v for one in constants for v in (one if isinstance(one, list | tuple) else [one])]
        flat += [v.strip("%_") for v in flat if isinstance(v, str)]
        return Aim(columns, frozenset(_sql(flat)))


@st.composite
def transactions(draw: Any, aim: Aim) -> list[str]:
    """Statements of which each changes a row or several."""
    pool = [table for table in sorted(aim.columns) if table in KEYS] * 5 + sorted(KEYS)
    return [
        _write(draw, draw(st.sampled_from(pool)), aim) for _ in range(draw(st.sampled_from([1, 1, 1, 2])))
    ]


def _write(draw: Draw, table: str, aim: Aim) -> str:
    key, columns = KEYS[table], COLUMNS[table]

    def value(pool: list[str]) -> str:
        likely = [found for found in pool if found in aim.values]
        return str(draw(st.sampled_from(likely if likely and draw(st.booleans()) else pool)))

    sets = ", ".join(f'"{name}" = {value(columns[name])}' for name in _columns(draw, table, aim))
    which = " AND ".join(f"{name} = {value(pool)}" for name, pool in key.items())
    if draw(st.integers(0, 3)) == 0:
        name = draw(st.sampled_from(sorted(columns)))
        which = f'"{name}" IS NOT DISTINCT FROM {value(columns[name])}'
    kind = draw(st.integers(0, 29))
    if kind < 22:
        return f"UPDATE {table} SET {sets} WHERE {which}"
    if kind < 24:
        return f"DELETE FROM {table} WHERE {which}"
    if kind == 24:
        return f"TRUNCATE {table}"
    names = ", ".join([*key, *(f'"{name}"' for name in columns)])
    row = ", ".join(map(value, [*key.values(), *columns.values()]))
    insert = f"INSERT INTO {table} ({names}) VALUES ({row}) ON CONFLICT ({', '.join(key)})"
    return f"{insert} DO {'NOTHING' if kind < 27 else 'UPDATE SET ' + sets}"


def _columns(draw: Draw, table: str, aim: Aim) -> list[str]:
    """One or two to write to; never one that no trigger tells of."""
    pool = sorted(COLUMNS[table].keys() - {"secret"})
    wanted = [name for name in pool if name in aim.columns.get(table, ())]
    if wanted and draw(st.integers(0, 3)):
        pool = wanted
    found: list[str] = draw(st.lists(st.sampled_from(pool), min_size=1, max_size=2, unique=True))
    return found


def _sql(values: Sequence[Any]) -> list[str]:
    return ["NULL" if v is None else str(v) if isinstance(v, int) else f"'{v}'" for v in values]


NUMBER, SURE_NUMBER, NAME = _sql([None, 0, 1, 2, 3]), _sql([0, 1, 2, 3]), _sql(WORDS)
UUID = _sql(UUIDS)
KEYS: dict[str, dict[str, list[str]]] = {
    "teams": {"id": SURE_NUMBER},
    "people": {"id": SURE_NUMBER},
    "badges": {"person_id": SURE_NUMBER, "code": _sql(["", "a", 'q"', "b,", "ä\\"])},
    "vehicles": {"id": UUID},
    "papers": {"id": SURE_NUMBER},
    "memos": {"id": SURE_NUMBER},
    "counted": {"id": SURE_NUMBER},
    "meetings": {"id": SURE_NUMBER},
}
COLUMNS: dict[str, dict[str, list[str]]] = {
    "teams": {"title": NAME, "size": NUMBER, "above_id": NUMBER},
    "people": {
        "full name": NAME,
        "age": NUMBER,
        "score": _sql([None, "0.50", "1", "NaN"]),
        "active": _sql([None, "t", "f"]),
        "rank": _sql([None, "LOW", "HIGH"]),
        "secret": NAME,
        "notes": NAME,
        "team_id": NUMBER,
    },
    "badges": {"worth": NUMBER},
    "vehicles": {"kind": _sql(["any", "car", "van"]), "wheels": NUMBER, "owner_id": NUMBER, "doors": NUMBER},
    "papers": {"kind": _sql(["paper", "memo"]), "title": NAME},
    "memos": {"urgency": NUMBER},
    "counted": {"n": NUMBER},
    "meetings": {
        "day": _sql([None, *DAYS, "infinity", "-infinity", "0044-03-15 BC", "2024-02-29 BC"]),
        "at": _sql([None, *MOMENTS, "2024-01-01 13:00:00+01", "2024-01-01 12:00:00.012", "infinity"]),
        "lasts": _sql(
            [None, "30 days", "1 month", "720:00:00", "-1 day", "-02:00:00", "1 day -26:00:00", "02:00"]
        ),
    },
}
