"""To PostgreSQL and Redis themselves."""

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress

import redis
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from sa_notify.redis.keys import Keys
from tests.faults.fault import Heal, nothing
from tests.faults.rig import PREFIX, Rig
from tests.protocol import wait_for


def listeners_killed(rig: Rig, dice: random.Random) -> Heal:
    others = "pid <> pg_backend_pid() AND application_name = 'sa_notify' AND random() < 0.7"
    for _ in range(3):
        with rig.engine.connect() as connection:
            connection.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"))
        time.sleep(dice.random() / 2)
    return nothing


def postgres(number: signal.Signals) -> Callable[[Rig, random.Random], Heal]:
    """End it; it is started again."""

    def strike(rig: Rig, dice: random.Random) -> Heal:
        assert rig.postgres.child is not None
        os.kill(rig.postgres.child.pid, number)
        rig.postgres.child.wait(20)
        return lambda: rig.postgres.start() and None

    return strike


def failover(rig: Rig, dice: random.Random) -> Heal:
    """The primary dies under load; its address leads to a standby, which is promoted a while later."""
    standby = rig.standby()
    rig.primary_dies()
    rig.lead_to(standby)
    return rig.promote


def queue_is_full(rig: Rig, dice: random.Random) -> Heal:
    """Of notifications, behind a session that LISTENs inside a transaction: ``sa-notify status`` tells."""
    stuck = rig.engine.connect()
    stuck.execute(text("LISTEN anything"))
    stuck.commit()
    stuck.execute(text("SELECT 1"))
    _fill(rig, 0.6)
    # the keeper of the outbox looks every 2 s, and has nobody ring from then on
    time.sleep(4.0)
    _fill(rig, 2.0)
    rig.notices_queue()

    def end() -> None:
        stuck.rollback()
        stuck.close()
        # what did not fit lies there until somebody is woken
        wait_for(lambda: _goes_in(rig), "room in the queue")

    return end


def _goes_in(rig: Rig) -> bool:
    with suppress(DBAPIError), rig.engine.begin() as connection:
        # to ask makes room of what all have read; a NOTIFY that finds none does not
        connection.execute(text("SELECT pg_notification_queue_usage(), pg_notify('anything', '')"))
        return True
    return False


def _fill(rig: Rig, part: float) -> None:
    """So much of it, or until nothing more goes in."""
    said = text("SELECT pg_notify('anything', n || repeat('x', :size)) FROM generate_series(1, :times) n")
    with rig.engine.connect() as connection:
        for size, times in ((7000, 50), (7000, 1), (1, 1)):
            with suppress(DBAPIError):
                while float(connection.scalar(text("SELECT pg_notification_queue_usage()")) or 0) < part:
                    connection.execute(said, {"size": size, "times": times})
                    connection.commit()
            connection.rollback()


def redis_killed(rig: Rig, dice: random.Random) -> Heal:
    assert rig.redis.child is not None
    os.kill(rig.redis.child.pid, signal.SIGKILL)
    rig.redis.child.wait(10)
    return lambda: rig.redis.start() and None


def redis_emptied(rig: Rig, dice: random.Random) -> Heal:
    with rig.client() as client:
        client.flushall()
    return nothing


def redis_memory(policy: str) -> Callable[[Rig, random.Random], Heal]:
    """Less than it has: it throws away what it likes, or refuses to take anything."""

    def allow(rig: Rig, policy: str, memory: int) -> None:
        with rig.client() as client:
            client.config_set("maxmemory-policy", policy)
            client.config_set("maxmemory", memory)

    def strike(rig: Rig, dice: random.Random) -> Heal:
        allow(rig, policy, 1)
        return lambda: allow(rig, "noeviction", 0)

    return strike


def forgeries(rig: Rig, dice: random.Random) -> Heal:
    payloads = [
        "",
        "{",
        "null",
        '{"v":1}',
        '{"v":1,"table":"public.items","op":"update","rows":[["1"]]}',
        "x" * 7000,
    ]
    with rig.engine.begin() as connection:
        for payload in payloads * 20:
            connection.execute(text("SELECT pg_notify('sa_notify', :it)"), {"it": payload})
    keys = Keys(PREFIX)
    with rig.client() as client, suppress(redis.RedisError):
        for _ in range(20):
            client.xadd(keys.asks, {"t": "want", "d": "{not json", "w": "nobody"})
        for worker in list(client.smembers(keys.workers)):  # type: ignore[arg-type]
            client.xadd(keys.feed(worker), {"n": "7", "t": "changes", "d": '[["public.items", {"op": 1}]]'})
    return nothing
