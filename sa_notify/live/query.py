"""A live query as the hub knows it: an identity, and a way to read it."""

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, get_args

from sa_notify.capture.coverage import TableKey
from sa_notify.change import Key
from sa_notify.live.plan import Plan
from sa_notify.live.snapshot import Snapshot

ErrorCode = Literal[
    "unknown_query",
    "invalid_params",
    "forbidden",
    "bad_token",
    "expired_token",
    "too_many",
    "query_failed",
    "bad_request",
]
ERROR_CODES: frozenset[str] = frozenset(get_args(ErrorCode))


@dataclass(frozen=True, slots=True)
class Own:
    """A table of a statement whose rows a plan tells of.

    :param table: as the statement names it.
    :param key: stored names of the columns of its key, in the order in which changes have them.
    """

    table: TableKey
    key: tuple[str, ...]


#: A row as the client has it: its rowkey, and its values in JSON terms by column name.
Row = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Reading:
    """What one run of a query found.

    :param rows: the whole result, in order; rowkeys are unique.
    :param total: how many rows there are without LIMIT and OFFSET; ``None`` when not asked for.
    :param snapshot: taken before or with the rows, never after them.
    :param tables: every table that the result was read from, named as :class:`Change.table` is.
    :param doubts: why a change of the result could go unannounced (a table without ``@realtime``,
        ``now()``); when there is any, the query is also read again every ``refresh`` seconds.
    :param own: tables of the statement by the name that their own changes have, where these changes are all
        that can change the result: those that the plan may be asked about.
    :param plan: instead of the query's, where it is another one with each reading.
    :param only: of these tables, by the name that their own changes have, changes of other rows than these
        concern nothing.
    """

    rows: Collection[Row]
    total: int | None
    snapshot: Snapshot
    tables: frozenset[str]
    doubts: tuple[str, ...] = ()
    own: Mapping[str, Own] = field(default_factory=dict)
    plan: Plan | None = None
    only: Mapping[str, frozenset[Key]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """Something whose result can be kept live.

    :param name: for logs and messages; not unique.
    :param identity: equal for subscribers who share one evaluation; it must hold whatever the
        result depends on.
    :param read: runs the query; blocking, called beside the event loop, one call at a time.
        Raises :class:`SubscriptionError` to close the query for all its subscribers.
    :param refresh: seconds between re-reads of a query with doubts.
    :param plan: what changes of rows mean to the result; ``None`` where that is not known.
    :param shared: how it is read together with others; ``None``: it is always read alone.
    :param by_tally: it need not be told of each change: it is enough to hear once a second that there were
        some, and it is read again.
    """

    name: str
    identity: Hashable
    read: Callable[[], Reading]
    refresh: float = 2.0
    plan: Plan | None = None
    shared: "Shared | None" = None
    by_tally: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What is wanted of one query.

    :param keys: only these rows of the root table, answered by :class:`Rows`; ``None``: the whole
        result, answered by :class:`Reading`.
    """

    query: Query
    keys: tuple[Key, ...] | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """Those of the rows asked for that the result without LIMIT and OFFSET has.

    :param rows: their values in JSON terms, by rowkey.
    """

    rows: Mapping[str, dict[str, Any]]


class Shared(Protocol):
    """How a query is read together with others that differ from it in bound values alone."""

    @property
    def template(self) -> Hashable:
        """Equal for queries that can be read together."""
        ...

    def together(self, asked: Sequence[Asked]) -> Sequence[Reading | Rows]:
        """Read queries of this template at once; the answers in the same order.

        :raises NotTogether: each of them must be read alone.
        :raises sqlalchemy.exc.SQLAlchemyError: when the database refuses or is away.
        """
        ...
