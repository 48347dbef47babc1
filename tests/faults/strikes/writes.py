"""Writes that are large, many, odd or past the triggers.

Statements that change rows of the writers lock them first, in the order of their keys as the writers do:
otherwise they deadlock with each other, whoever listens.
"""

import random
import time
from collections.abc import Callable

from sqlalchemy import Connection, text

from tests.faults.fault import Heal, nothing
from tests.faults.rig import Rig

#: Past what one NOTIFY holds many times over.
_LONG = "repeat(chr(8364) || chr(128512), 6000)"


def lock(connection: Connection, rows: str) -> None:
    """Rows of ``items``, in the order in which writers lock them."""
    connection.execute(text(f"SELECT id FROM items WHERE {rows} ORDER BY id FOR UPDATE"))


def large_statements(rig: Rig, dice: random.Random) -> Heal:
    many = (
        "INSERT INTO items (owner_id, title, priority, done, secret) SELECT 0, 'owner-0 many', 99, false, 's'"
    )
    with rig.engine.begin() as connection:
        connection.execute(text(f"{many} FROM generate_series(1, 100000)"))
    with rig.engine.begin() as connection:
        connection.execute(text("UPDATE items SET done = NOT done WHERE title = 'owner-0 many'"))
    with rig.engine.begin() as connection:
        connection.execute(text("DELETE FROM items WHERE title = 'owner-0 many'"))
    return nothing


def burst(rig: Rig, dice: random.Random) -> Heal:
    """As many transactions as one writer can make in five seconds."""
    until = time.monotonic() + 5.0
    with rig.engine.connect() as connection:
        while time.monotonic() < until:
            changed = {"id": dice.randint(1, 200), "priority": dice.randint(0, 9)}
            connection.execute(text("UPDATE items SET priority = :priority WHERE id = :id"), changed)
            connection.commit()
    return nothing


def odd_values(rig: Rig, dice: random.Random) -> Heal:
    """Hard to tell, in rows that pages show."""
    odd = "' ' || chr(1) || chr(8232) || '\"\\</script>&' || chr(128512)"
    with rig.engine.begin() as connection:
        lock(connection, "id % 5 = 0")
        connection.execute(
            text(f"UPDATE items SET price = 'NaN', title = 'owner-' || owner_id || {odd} WHERE id % 5 = 0")
        )
    return nothing


def long_values(rig: Rig, dice: random.Random) -> Heal:
    """Of characters of three and four bytes, with a megabyte in a column that is not captured."""
    some = "id IN (SELECT id FROM items WHERE priority < 90 ORDER BY id LIMIT 3)"
    changed = f"title = 'owner-' || owner_id || ' ' || {_LONG}, secret = secret || repeat('x', 1000000)"
    with rig.engine.begin() as connection:
        lock(connection, some)
        connection.execute(text(f"UPDATE items SET {changed} WHERE {some}"))

    def shorten() -> None:
        with rig.engine.begin() as connection:
            long = "length(title) > 5000 OR length(secret) > 100"
            lock(connection, long)
            short = "title = left(title, 9), secret = left(secret, 13)"
            connection.execute(text(f"UPDATE items SET {short} WHERE {long}"))

    return shorten


def emptied(rig: Rig, dice: random.Random) -> Heal:
    """TRUNCATE, and all rows again with something else in them."""
    with rig.engine.begin() as connection:
        connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        connection.execute(text("LOCK TABLE items IN ACCESS EXCLUSIVE MODE"))
        connection.execute(text("CREATE TEMP TABLE kept ON COMMIT DROP AS SELECT * FROM items"))
        connection.execute(text("TRUNCATE items"))
        connection.execute(text("UPDATE kept SET done = NOT done WHERE id % 4 = 0"))
        connection.execute(text("INSERT INTO items SELECT * FROM kept"))
    return nothing


def at_commit(rig: Rig, dice: random.Random) -> Heal:
    """A deferred trigger of the application's own changes rows when its writers commit."""
    body = "BEGIN UPDATE items SET done = NOT done WHERE id = NEW.id; RETURN NULL; END"
    event = "AFTER INSERT ON items DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
    _all(
        rig,
        f"CREATE FUNCTION later() RETURNS trigger LANGUAGE plpgsql AS '{body}'",
        f"CREATE CONSTRAINT TRIGGER later {event} EXECUTE FUNCTION later()",
    )
    return lambda: _all(rig, "DROP TRIGGER later ON items", "DROP FUNCTION later()")


def _all(rig: Rig, *statements: str) -> None:
    with rig.engine.begin() as connection:
        connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        for statement in statements:
            connection.execute(text(statement))


def past_triggers(*, before: str, after: str = "") -> Callable[[Rig, random.Random], Heal]:
    """Change a third of the rows where no trigger sees it.

    :param before: switches triggers off, in the same transaction.
    :param after: switches them on.
    """

    def strike(rig: Rig, dice: random.Random) -> Heal:
        rows = "id % 3 = 0 AND priority < 90"
        with rig.engine.begin() as connection:
            connection.execute(text(before))
            lock(connection, rows)
            connection.execute(text(f"UPDATE items SET done = NOT done WHERE {rows}"))
            if after:
                connection.execute(text(after))
        return nothing

    return strike


def long_transaction(rig: Rig, dice: random.Random) -> Heal:
    connection = rig.engine.connect()
    connection.execute(text("INSERT INTO owners (id, name) VALUES (99, 'late')"))
    connection.execute(text("SAVEPOINT a"))
    connection.execute(text("UPDATE owners SET name = 'phantom' WHERE id = 99"))
    connection.execute(text("ROLLBACK TO SAVEPOINT a"))

    def end() -> None:
        connection.execute(text("DELETE FROM owners WHERE id = 99"))
        connection.commit()
        connection.close()

    return end
