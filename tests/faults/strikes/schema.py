"""To what is captured, while it is looked at."""

import random
from collections.abc import Callable

from sqlalchemy import text

from tests.faults.fault import Heal
from tests.faults.rig import Rig


def altered(there: str, back: str) -> Callable[[Rig, random.Random], Heal]:
    """Do a statement of DDL, and another afterwards."""

    def strike(rig: Rig, dice: random.Random) -> Heal:
        _alter(rig, there)
        return lambda: _alter(rig, back)

    return strike


def _alter(rig: Rig, statement: str) -> None:
    with rig.engine.begin() as connection:
        connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        connection.execute(text(statement))


def trigger_dropped(rig: Rig, dice: random.Random) -> Heal:
    """By hand; it is installed again as a migration would."""
    _alter(rig, "DROP TRIGGER _sa_notify_upd ON items")
    return rig.install


def partition_attached(rig: Rig, dice: random.Random) -> Heal:
    """With rows in it that nobody has announced; it is detached again with those that came meanwhile."""
    _alter(rig, "CREATE TABLE measures_2 (LIKE measures)")
    _alter(rig, "INSERT INTO measures_2 SELECT 1000 + n, n FROM generate_series(1, 5) n")
    _alter(rig, "ALTER TABLE measures ATTACH PARTITION measures_2 FOR VALUES FROM (1000) TO (2000)")
    _alter(rig, "INSERT INTO measures VALUES (1500, 1)")
    _alter(rig, "UPDATE measures SET value = value + 1")

    def detach() -> None:
        _alter(rig, "ALTER TABLE measures DETACH PARTITION measures_2")
        _alter(rig, "UPDATE measures SET value = value + 1")
        _alter(rig, "DROP TABLE measures_2")

    return detach
