"""What goes wrong, one at a time; each gives back what heals it."""

import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import redis
from sqlalchemy import text

from sa_notify.redis.keys import Keys
from tests.faults.rig import PREFIX, Dispatcher, Rig
from tests.link import Link

Heal = Callable[[], None]
#: A view whose server hears nothing says so within 3 s; one that hears nothing itself, after 5 s of silence.
FEED_SECONDS, SILENT_SECONDS = 3.0, 6.5


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind.

    :param strike: does it.
    :param seconds: how long it lasts, from and to.
    :param recovery: seconds after which everything is live again at the latest.
    :param stale: how old what a live view shows may be meanwhile.
    :param rest: until windows are right afterwards, while nobody writes.
    :param bypasses: rows change and no trigger tells of it, so windows may be found wrong.
    """

    name: str
    strike: Callable[[Rig, random.Random], Heal]
    seconds: tuple[float, float] = (1.0, 4.0)
    recovery: float = 15.0
    stale: float = FEED_SECONDS
    rest: float = 5.0
    bypasses: bool = False


def _nothing() -> None:
    pass


def _leader(rig: Rig) -> Dispatcher:
    return rig.leader() or rig.dispatchers[0]


def _listeners_killed(rig: Rig, dice: random.Random) -> Heal:
    others = "pid <> pg_backend_pid() AND application_name = 'sa_notify' AND random() < 0.7"
    for _ in range(3):
        with rig.engine.connect() as connection:
            connection.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"))
        time.sleep(dice.random() / 2)
    return _nothing


def _postgres(number: signal.Signals) -> Callable[[Rig, random.Random], Heal]:
    def strike(rig: Rig, dice: random.Random) -> Heal:
        assert rig.postgres.child is not None
        os.kill(rig.postgres.child.pid, number)
        rig.postgres.child.wait(20)
        return lambda: rig.postgres.start() and None

    return strike


def _link(
    choose: Callable[[Rig, random.Random], Sequence[Link]], how: str
) -> Callable[[Rig, random.Random], Heal]:
    def strike(rig: Rig, dice: random.Random) -> Heal:
        links = choose(rig, dice)
        for link in links:
            if how == "hangs":
                link.hang()
            elif how == "half-open":
                link.half_open(dice.randrange(2))
            elif how == "late":
                link.delay(0.2)
            elif how == "refused":
                link.refuse()
            else:
                link.reset()
        # what was held back comes late, or never
        comes = dice.random() < 0.5
        return lambda: [link.resume() if comes or how == "late" else link.heal() for link in links] and None

    return strike


def _dispatcher(number: signal.Signals, *, both: bool = False) -> Callable[[Rig, random.Random], Heal]:
    def strike(rig: Rig, dice: random.Random) -> Heal:
        struck = rig.dispatchers if both else [_leader(rig)]
        for each in struck:
            each.process.end(number)
        return lambda: [each.restart() for each in struck] and None

    return strike


def _leader_stopped(rig: Rig, dice: random.Random) -> Heal:
    leader = _leader(rig)
    leader.process.send(signal.SIGSTOP)
    return lambda: leader.process.send(signal.SIGCONT)


def _redis_killed(rig: Rig, dice: random.Random) -> Heal:
    assert rig.redis.child is not None
    os.kill(rig.redis.child.pid, signal.SIGKILL)
    rig.redis.child.wait(10)
    return lambda: rig.redis.start() and None


def _redis_emptied(rig: Rig, dice: random.Random) -> Heal:
    with rig.client() as client:
        client.flushall()
    return _nothing


def _redis_memory(policy: str) -> Callable[[Rig, random.Random], Heal]:
    """Less than it has: it throws away what it likes, or refuses to take anything."""

    def allow(rig: Rig, policy: str, memory: int) -> None:
        with rig.client() as client:
            client.config_set("maxmemory-policy", policy)
            client.config_set("maxmemory", memory)

    def strike(rig: Rig, dice: random.Random) -> Heal:
        allow(rig, policy, 1)
        return lambda: allow(rig, "noeviction", 0)

    return strike


def _worker(number: signal.Signals) -> Callable[[Rig, random.Random], Heal]:
    def strike(rig: Rig, dice: random.Random) -> Heal:
        pid = dice.choice(rig.webs).pid
        os.kill(pid, number)
        return (lambda: os.kill(pid, signal.SIGCONT)) if number == signal.SIGSTOP else _nothing

    return strike


def _large_statements(rig: Rig, dice: random.Random) -> Heal:
    many = (
        "INSERT INTO items (owner_id, title, priority, done, secret) SELECT 0, 'owner-0 many', 99, false, 's'"
    )
    with rig.engine.begin() as connection:
        connection.execute(text(f"{many} FROM generate_series(1, 20000)"))
        connection.execute(text("UPDATE items SET done = NOT done WHERE title = 'owner-0 many'"))
    with rig.engine.begin() as connection:
        connection.execute(text("DELETE FROM items WHERE title = 'owner-0 many'"))
    return _nothing


def _burst(rig: Rig, dice: random.Random) -> Heal:
    """As many transactions as one writer can make in two seconds."""
    until = time.monotonic() + 2.0
    with rig.engine.connect() as connection:
        while time.monotonic() < until:
            changed = {"id": dice.randint(1, 200), "priority": dice.randint(0, 9)}
            connection.execute(text("UPDATE items SET priority = :priority WHERE id = :id"), changed)
            connection.commit()
    return _nothing


def _poison(rig: Rig, dice: random.Random) -> Heal:
    """Values that are hard to tell, in rows that pages show."""
    odd = "' ' || chr(1) || chr(8232) || '\"\\</script>&' || chr(128512)"
    with rig.engine.begin() as connection:
        connection.execute(
            text(f"UPDATE items SET price = 'NaN', title = 'owner-' || owner_id || {odd} WHERE id % 5 = 0")
        )
    return _nothing


def _unheard(rig: Rig, dice: random.Random) -> Heal:
    with rig.engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("UPDATE items SET done = NOT done WHERE id % 3 = 0 AND priority < 90"))
    return _nothing


def _frozen(rig: Rig, dice: random.Random) -> Heal:
    """As a browser does with a tab that nobody looks at."""
    if not rig.tabs:
        return _nothing
    tab = dice.choice(rig.tabs)
    tab.freeze()
    return tab.thaw


def _long_transaction(rig: Rig, dice: random.Random) -> Heal:
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


def _forgeries(rig: Rig, dice: random.Random) -> Heal:
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
    return _nothing


def _schema_changes(rig: Rig, dice: random.Random) -> Heal:
    with rig.engine.begin() as connection:
        connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        connection.execute(text("ALTER TABLE items ADD COLUMN more text DEFAULT 'x'"))

    def back() -> None:
        with rig.engine.begin() as connection:
            connection.execute(text("ALTER TABLE items DROP COLUMN more"))

    return back


def _leaders_postgres(rig: Rig, dice: random.Random) -> Sequence[Link]:
    return [_leader(rig).postgres]


def _leaders_redis(rig: Rig, dice: random.Random) -> Sequence[Link]:
    return [_leader(rig).redis]


def _workers_redis(rig: Rig, dice: random.Random) -> Sequence[Link]:
    return [dice.choice(rig.webs).redis]


def _workers_postgres(rig: Rig, dice: random.Random) -> Sequence[Link]:
    return [dice.choice(rig.webs).postgres]


def _clients(rig: Rig, dice: random.Random) -> Sequence[Link]:
    return [dice.choice(rig.webs).clients]


def _every_redis(rig: Rig, dice: random.Random) -> Sequence[Link]:
    return [each.redis for each in (*rig.dispatchers, *rig.webs)]


FAULTS = [
    Fault("listening sessions are killed", _listeners_killed),
    Fault("PostgreSQL is restarted", _postgres(signal.SIGINT), (0.0, 3.0)),
    Fault("PostgreSQL is killed", _postgres(signal.SIGKILL), (0.0, 3.0)),
    Fault("leader - PostgreSQL hangs", _link(_leaders_postgres, "hangs"), (1.0, 12.0), 20),
    Fault("leader - PostgreSQL is half open", _link(_leaders_postgres, "half-open"), (1.0, 12.0), 20),
    Fault("leader - PostgreSQL is reset", _link(_leaders_postgres, "reset"), (0.0, 1.0)),
    Fault("leader - PostgreSQL is refused", _link(_leaders_postgres, "refused"), (1.0, 8.0)),
    Fault("leader - PostgreSQL is 200 ms late", _link(_leaders_postgres, "late"), (3.0, 6.0)),
    Fault("leader - Redis hangs", _link(_leaders_redis, "hangs"), (1.0, 12.0), 20),
    Fault("leader - Redis is half open", _link(_leaders_redis, "half-open"), (1.0, 12.0), 20),
    Fault("leader - Redis is reset", _link(_leaders_redis, "reset"), (0.0, 1.0)),
    Fault("leader is killed", _dispatcher(signal.SIGKILL), (0.0, 8.0)),
    Fault("leader is stopped", _leader_stopped, (1.0, 18.0), 20),
    Fault("leader is replaced in order", _dispatcher(signal.SIGTERM), (0.0, 4.0)),
    Fault("both dispatchers are killed", _dispatcher(signal.SIGKILL, both=True), (0.0, 4.0)),
    Fault("Redis is killed", _redis_killed, (0.0, 6.0), 20),
    Fault("Redis is emptied", _redis_emptied, (0.0, 1.0)),
    Fault("Redis throws away what it has", _redis_memory("allkeys-random"), (0.5, 4.0), 20),
    Fault("Redis takes nothing", _redis_memory("noeviction"), (0.5, 8.0), 20),
    Fault("all - Redis hangs", _link(_every_redis, "hangs"), (1.0, 8.0), 20),
    Fault("a worker - Redis hangs", _link(_workers_redis, "hangs"), (1.0, 8.0)),
    Fault("a worker - Redis is half open", _link(_workers_redis, "half-open"), (1.0, 8.0)),
    Fault("a worker - PostgreSQL hangs", _link(_workers_postgres, "hangs"), (1.0, 8.0), 20),
    Fault("a worker - PostgreSQL is reset", _link(_workers_postgres, "reset"), (0.0, 1.0)),
    Fault("a worker is killed", _worker(signal.SIGKILL), (0.0, 2.0), 20, SILENT_SECONDS),
    Fault("a worker is stopped", _worker(signal.SIGSTOP), (1.0, 10.0), 15, SILENT_SECONDS),
    Fault("clients are reset", _link(_clients, "reset"), (0.0, 1.0)),
    Fault("clients hang", _link(_clients, "hangs"), (1.0, 8.0), 15, SILENT_SECONDS),
    Fault("clients are half open", _link(_clients, "half-open"), (1.0, 8.0), 15, SILENT_SECONDS),
    Fault("clients are 200 ms late", _link(_clients, "late"), (3.0, 6.0)),
    Fault("a tab is frozen", _frozen, (3.0, 12.0)),
    Fault("large statements", _large_statements, (0.0, 1.0)),
    Fault("a burst", _burst, (0.0, 0.1)),
    Fault("values that are hard to tell", _poison, (0.0, 1.0)),
    Fault("writes that no trigger sees", _unheard, (0.0, 1.0), rest=30.0, bypasses=True),
    Fault("a long transaction", _long_transaction, (2.0, 10.0)),
    Fault("forgeries", _forgeries, (0.0, 1.0)),
    Fault("a column comes and goes", _schema_changes, (1.0, 3.0)),
]
