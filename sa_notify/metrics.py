"""What can be counted, for Prometheus: https://prometheus.io/docs/practices/naming/

The metrics are in prometheus-client's default registry, so whatever already serves that registry serves
them, several processes included (``PROMETHEUS_MULTIPROC_DIR``). Where prometheus-client is not installed
nothing is counted.
"""

from typing import Any

try:
    from prometheus_client import Counter, Gauge, Histogram
except ImportError:

    class _Nothing:
        """Takes what a metric takes."""

        def __init__(self, *arguments: Any, **options: Any) -> None:
            pass

        def labels(self, *values: str) -> "_Nothing":
            return self

        def inc(self, amount: float = 1) -> None:
            pass

        def set(self, value: float) -> None:
            pass

        def observe(self, amount: float) -> None:
            pass

    Counter = Gauge = Histogram = _Nothing  # type: ignore[assignment, misc]

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

# -- a web worker

FOLLOWING = Gauge(
    "sa_notify_following",
    "1 while changes are heard; 0 while clients are told that what they see is not live",
    multiprocess_mode="livemin",
)
CLIENTS = Gauge("sa_notify_clients", "Clients connected", multiprocess_mode="livesum")
QUERIES = Gauge("sa_notify_queries", "Live queries with at least one subscriber", multiprocess_mode="livesum")
EPOCHS = Counter("sa_notify_epochs", "Times that all was read again, because changes may have been missed")
CHANGES = Counter("sa_notify_changes", "Changes received")
READS = Counter("sa_notify_reads", "Times that a live query was read", ["query", "outcome"])
READ_SECONDS = Histogram(
    "sa_notify_read_seconds", "How long reading a live query took", ["query"], buckets=_SECONDS
)
DATABASE_SECONDS = Counter(
    "sa_notify_database_seconds", "Seconds of the database's time that reads have taken"
)
DATABASE_BUDGET = Gauge(
    "sa_notify_database_budget",
    "Seconds of the database's time that reads may take in a second; what is read past it waits",
    multiprocess_mode="livesum",
)
LOOKS = Counter(
    "sa_notify_looks",
    "Times that new values of a table's changed rows were read for its queries",
    ["outcome"],
)
SENT = Counter("sa_notify_sent", "Snapshots and diffs sent; a diff to several clients is one", ["kind"])
REFUSALS = Counter("sa_notify_refusals", "Requests of clients that were refused", ["code"])
DIVERGENCE = Counter(
    "sa_notify_divergence",
    "Windows found wrong although no change was announced: 0 unless triggers were bypassed",
    ["query"],
)
MISMATCHES = Counter("sa_notify_mismatches", "Clients whose rows failed the check of a diff, and asked again")
BEHIND = Counter("sa_notify_behind", "Times that a client did not read, and was sent nothing more")
CUT = Counter("sa_notify_cut", "Clients cut off because they read nothing for too long")

# -- the dispatcher

LEADS = Gauge("sa_notify_dispatcher_leads", "1 in the dispatcher that leads")
DISPATCHER_FOLLOWING = Gauge("sa_notify_dispatcher_following", "1 while the leader follows the database")
PUBLISHED = Counter("sa_notify_dispatcher_changes", "Changes that the dispatcher has put into Redis")
WAITING = Gauge("sa_notify_dispatcher_waiting_changes", "Changes that wait for Redis")
NOTIFY_QUEUE = Gauge("sa_notify_notify_queue_ratio", "How full PostgreSQL's NOTIFY queue is, of 1")
SINK_CHANGES = Counter("sa_notify_sink_changes", "Changes that a sink has taken", ["sink"])
SINK_FAILURES = Counter("sa_notify_sink_failures", "Times that a sink raised, and missed changes", ["sink"])
