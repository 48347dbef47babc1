"""Names in Redis: nothing else spells one."""

from typing import Final

from sa_notify.errors import SetupError

DEFAULT_PREFIX: Final = "sa_notify"

#: Version of all that goes through Redis: a worker follows dispatchers of its own alone. Whatever it becomes,
#: what the leader says of itself holds it, and entries of kind ``lost`` are read.
WIRE: Final = 1

#: What is not renewed for so long is gone, with everything of its worker.
WORKER_SECONDS: Final = 20
#: Entries of a feed, about: a worker that is further behind reads everything again.
FEED_ENTRIES: Final = 10_000
#: Questions that wait for a dispatcher, about.
ASKED_ENTRIES: Final = 10_000
#: How long they are kept for one: whoever asked asks again after a second.
ASKED_SECONDS: Final = 20
#: How long revocations are kept for workers that are about to begin anew.
REVOKED_SECONDS: Final = 60
REVOKED_ENTRIES: Final = 1_000


class Keys:
    """All names under one prefix.

    The prefix is a hash tag: in a Redis Cluster all keys share one slot, so that scripts may use them
    together. https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags

    :param prefix: tells applications apart that share one Redis.
    :raises SetupError: when it can't be part of a hash tag.
    """

    def __init__(self, prefix: str = DEFAULT_PREFIX) -> None:
        if not prefix or set(prefix) & set("{}* "):
            raise SetupError(
                f"SA_NOTIFY_REDIS_PREFIX is {prefix!r}: use letters, digits and ':', no braces, * or spaces"
            )
        self.prefix = prefix
        self.base = f"{{{prefix}}}:"
        #: Of the dispatcher that leads: a number that grows with each.
        self.term = self.base + "term"
        self.leader = self.base + "leader"
        #: Counted on by dispatchers: what order moments have in several processes.
        self.tick = self.base + "tick"
        #: Ids of all web workers, the dead among them until somebody looks.
        self.workers = self.base + "workers"
        #: A stream of what workers ask of the dispatcher.
        self.asks = self.base + "asks"
        #: A stream of whose access has ended of late, for workers whose feed did not exist then.
        self.revoked = self.base + "revoked"

    def worker(self, worker: str) -> str:
        """That it lives, and what it is: JSON."""
        return f"{self.base}worker:{worker}"

    def want(self, worker: str) -> str:
        """Tables that it wants, whole."""
        return f"{self.base}want:{worker}"

    def partly(self, worker: str) -> str:
        """Tables of which it wants some rows."""
        return f"{self.base}partly:{worker}"

    def tally(self, worker: str) -> str:
        """Tables of which it is to be told now and then that other rows changed."""
        return f"{self.base}tally:{worker}"

    def elsewhere(self, worker: str) -> str:
        """By table, how many changes it will be told of so."""
        return f"{self.base}elsewhere:{worker}"

    def rows(self, worker: str, table: str) -> str:
        """Keys of the rows that it wants of a table."""
        return f"{self.base}rows:{worker}:{table}"

    def feed(self, worker: str) -> str:
        """The stream of what it is told."""
        return f"{self.base}feed:{worker}"

    def told(self, worker: str) -> str:
        """How many entries it has been told."""
        return f"{self.base}told:{worker}"

    def clients(self, worker: str) -> str:
        """Its clients: by connection, who and what, as JSON."""
        return f"{self.base}clients:{worker}"

    def stream(self, name: str) -> str:
        """Changes for other services."""
        return f"{self.base}stream:{name}"

    def traffic(self, number: int) -> str:
        """How many changes of each table were seen in a slice of time."""
        return f"{self.base}traffic:{number}"
