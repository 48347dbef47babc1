"""All kinds of faults; docs/faults.md says which row of the plan each is of, and which are left out."""

import signal
from typing import Final

from tests.faults.fault import DDL_SECONDS, SILENT_SECONDS, Fault
from tests.faults.known import Known, delivery
from tests.faults.strikes import links, processes, schema, servers, writes
from tests.faults.strikes.links import link

_STANDBY: Final = Known("25006", "read-only transaction")
#: PostgreSQL raises it at COMMIT, where no trigger can catch it; with the outbox nobody notifies then.
_QUEUE: Final = None if delivery() == "outbox" else Known("54000", "NOTIFY queue")
_NO_COLUMN, _NO_TABLE = Known("42703", "price"), Known("42P01", '"items"')

_SERVERS: Final = [
    Fault("listening sessions are killed", servers.listeners_killed),
    Fault("PostgreSQL is restarted", servers.postgres(signal.SIGINT), (0.0, 3.0)),
    Fault("PostgreSQL is killed", servers.postgres(signal.SIGKILL), (0.0, 3.0)),
    Fault("PostgreSQL dies, a standby takes over", servers.failover, (0.0, 4.0), known=_STANDBY),
    Fault("the queue of notifications is full", servers.queue_is_full, (2.0, 6.0), known=_QUEUE),
    Fault("Redis is killed", servers.redis_killed, (0.0, 6.0), 20),
    Fault("Redis is emptied", servers.redis_emptied, (0.0, 1.0)),
    Fault("Redis throws away what it has", servers.redis_memory("allkeys-random"), (0.5, 4.0), 20),
    Fault("Redis takes nothing", servers.redis_memory("noeviction"), (0.5, 8.0), 20),
    Fault("forgeries", servers.forgeries, (0.0, 1.0)),
]
_LINKS: Final = [
    Fault("leader - PostgreSQL hangs", link(links.leaders_postgres, "hangs"), (1.0, 12.0), 20),
    Fault("leader - PostgreSQL is half open", link(links.leaders_postgres, "half-open"), (1.0, 12.0), 20),
    Fault("leader - PostgreSQL is reset", link(links.leaders_postgres, "reset"), (0.0, 1.0)),
    Fault("leader - PostgreSQL is refused", link(links.leaders_postgres, "refused"), (1.0, 8.0)),
    Fault("leader - PostgreSQL is 200 ms late", link(links.leaders_postgres, "late"), (3.0, 6.0)),
    Fault("leader - Redis hangs", link(links.leaders_redis, "hangs"), (1.0, 12.0), 20),
    Fault("leader - Redis is half open", link(links.leaders_redis, "half-open"), (1.0, 12.0), 20),
    Fault("leader - Redis is reset", link(links.leaders_redis, "reset"), (0.0, 1.0)),
    Fault("all - Redis hangs", link(links.every_redis, "hangs"), (1.0, 8.0), 20),
    Fault("a worker - Redis hangs", link(links.workers_redis, "hangs"), (1.0, 8.0)),
    Fault("a worker - Redis is half open", link(links.workers_redis, "half-open"), (1.0, 8.0)),
    Fault("a worker - PostgreSQL hangs", link(links.workers_postgres, "hangs"), (1.0, 8.0), 20),
    Fault("a worker - PostgreSQL is reset", link(links.workers_postgres, "reset"), (0.0, 1.0)),
    Fault("clients are reset", link(links.clients, "reset"), (0.0, 1.0)),
    Fault("all clients are reset at once", link(links.all_clients, "reset"), (0.0, 1.0)),
    Fault("clients hang", link(links.clients, "hangs"), (1.0, 8.0), 15, SILENT_SECONDS),
    Fault("clients are half open", link(links.clients, "half-open"), (1.0, 8.0), 15, SILENT_SECONDS),
    Fault("clients are 200 ms late", link(links.clients, "late"), (3.0, 6.0)),
    Fault("clients have 64 kB/s", link(links.clients, "slow"), (3.0, 8.0), 20, SILENT_SECONDS),
]
_PROCESSES: Final = [
    Fault("leader is killed", processes.dispatcher(signal.SIGKILL), (0.0, 8.0)),
    Fault("leader is stopped", processes.leader_stopped, (1.0, 18.0), 20),
    Fault("leader is replaced in order", processes.dispatcher(signal.SIGTERM), (0.0, 4.0)),
    Fault("both dispatchers are killed", processes.dispatcher(signal.SIGKILL, both=True), (0.0, 4.0)),
    Fault("nobody is there but writers", processes.nobody_there, (0.0, 1.0), 20),
    Fault("a worker is killed", processes.worker(signal.SIGKILL), (0.0, 2.0), 20, SILENT_SECONDS),
    Fault(
        "both workers are killed", processes.worker(signal.SIGKILL, both=True), (0.0, 2.0), 20, SILENT_SECONDS
    ),
    Fault("a worker is stopped", processes.worker(signal.SIGSTOP), (1.0, 10.0), 15, SILENT_SECONDS),
    Fault("a wall clock is an hour off", processes.clock_jumps, (2.0, 6.0), unnoticed=True),
    Fault("a tab is frozen", processes.frozen, (3.0, 12.0), reloads=True),
    Fault("a browser is offline", processes.offline, (6.0, 12.0), reloads=True),
    Fault("a browser is offline again and again", processes.flapping, (0.0, 1.0), reloads=True),
]
_WRITES: Final = [
    Fault("large statements", writes.large_statements, (0.0, 1.0)),
    Fault("a burst", writes.burst, (0.0, 0.1)),
    Fault("values that are hard to tell", writes.odd_values, (0.0, 1.0)),
    Fault("values too long for a notification", writes.long_values, (1.0, 3.0)),
    Fault("a table is emptied and filled again", writes.emptied, (0.0, 1.0)),
    Fault("rows change at COMMIT", writes.at_commit, (2.0, 4.0)),
    Fault("a long transaction", writes.long_transaction, (2.0, 10.0)),
    Fault(
        "writes that no trigger sees",
        writes.past_triggers(before="SET LOCAL session_replication_role = replica"),
        bypasses=True,
    ),
    Fault(
        "writes while triggers are disabled",
        writes.past_triggers(
            before="ALTER TABLE items DISABLE TRIGGER USER", after="ALTER TABLE items ENABLE TRIGGER USER"
        ),
        bypasses=True,
    ),
]
_SCHEMA: Final = [
    Fault(
        "a column comes and goes",
        schema.altered(
            "ALTER TABLE items ADD COLUMN more text DEFAULT 'x'", "ALTER TABLE items DROP COLUMN more"
        ),
        (1.0, 3.0),
    ),
    Fault(
        "a captured column has another name for a while",
        schema.altered(
            "ALTER TABLE items RENAME COLUMN price TO cost", "ALTER TABLE items RENAME COLUMN cost TO price"
        ),
        (1.0, 7.0),
        known=_NO_COLUMN,
        rest=DDL_SECONDS,
    ),
    Fault(
        "a table has another name for a while",
        schema.altered("ALTER TABLE items RENAME TO things", "ALTER TABLE things RENAME TO items"),
        (1.0, 7.0),
        known=_NO_TABLE,
        rest=DDL_SECONDS,
    ),
    Fault(
        "a partition comes and goes",
        schema.partition_attached,
        (1.0, 7.0),
        stale=DDL_SECONDS,
        rest=DDL_SECONDS,
        unheard=True,
    ),
    Fault(
        "a trigger is dropped by hand",
        schema.trigger_dropped,
        (1.0, 8.0),
        stale=DDL_SECONDS,
        rest=DDL_SECONDS,
        unheard=True,
    ),
]

FAULTS: Final = [*_SERVERS, *_LINKS, *_PROCESSES, *_WRITES, *_SCHEMA]
