"""Seeded bugs of what is heard and read: changes, snapshots, tables, when to read again."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sa_notify.change import Change, ChangeSet
from tests.oracle.seeding import Seed, bug

# -- changes that are not heard


def _deaf(seed: Seed, to: Callable[[Change], bool]) -> None:
    """The engine does not hear some changes."""

    def heard(changesets: list[ChangeSet]) -> list[ChangeSet]:
        kept = [
            replace(item, changes=tuple(each for each in item.changes if not to(each))) for item in changesets
        ]
        return [item for item in kept if item.changes]

    seed.wrap(
        "sa_notify.live.hub:Hub.receive",
        lambda receive: lambda self, changesets, now: receive(self, heard(list(changesets)), now),
    )


@bug
def deletes_are_dropped(seed: Seed) -> None:
    _deaf(seed, lambda change: change.op == "delete")


@bug
def inserts_are_dropped(seed: Seed) -> None:
    _deaf(seed, lambda change: change.op == "insert")


@bug
def updates_are_dropped(seed: Seed) -> None:
    _deaf(seed, lambda change: change.op == "update")


@bug
def bulk_is_dropped(seed: Seed) -> None:
    _deaf(seed, lambda change: change.op == "bulk")


@bug
def truncate_is_dropped(seed: Seed) -> None:
    _deaf(seed, lambda change: change.op == "truncate")


@bug
def only_the_first_change_of_a_transaction_is_heard(seed: Seed) -> None:
    seed.wrap(
        "sa_notify.live.hub:Hub.receive",
        lambda receive: (
            lambda self, changesets, now: receive(
                self, [replace(item, changes=item.changes[:1]) for item in changesets], now
            )
        ),
    )


@bug
def only_the_last_transaction_is_heard(seed: Seed) -> None:
    seed.wrap(
        "sa_notify.live.hub:Hub.receive",
        lambda receive: lambda self, changesets, now: receive(self, list(changesets)[-1:], now),
    )


@bug
def one_column_is_never_relevant(seed: Seed) -> None:
    """An update of ``n`` alone changes nothing."""
    _deaf(seed, lambda change: change.op == "update" and change.columns == ("n",))


@bug
def key_changes_are_forgotten(seed: Seed) -> None:
    """An update of a key arrives as delete and insert, of which only the insert is believed."""

    def later(receive: Any) -> Any:
        def heard(self: Any, changesets: list[ChangeSet], now: float) -> Any:
            made = []
            for item in changesets:
                inserts = any(change.op == "insert" for change in item.changes)
                kept = [change for change in item.changes if not (inserts and change.op == "delete")]
                made.append(replace(item, changes=tuple(kept[:0] if inserts and len(kept) == 1 else kept)))
            return receive(self, made, now)

        return heard

    seed.wrap("sa_notify.live.hub:Hub.receive", later)


# -- snapshots


@bug
def every_snapshot_has_seen_everything(seed: Seed) -> None:
    seed.wrap("sa_notify.live.snapshot:Snapshot.sees", lambda _: lambda self, xid: True)


@bug
def running_transactions_count_as_seen(seed: Seed) -> None:
    seed.wrap("sa_notify.live.snapshot:Snapshot.sees", lambda _: lambda self, xid: xid < self.xmax)


@bug
def the_newest_transaction_counts_as_seen(seed: Seed) -> None:
    seed.wrap(
        "sa_notify.live.snapshot:Snapshot.sees",
        lambda _: lambda self, xid: xid <= self.xmax and xid not in self.running,
    )


@bug
def changes_during_a_read_are_forgotten(seed: Seed) -> None:
    seed.wrap("sa_notify.live.journal:Journal.add", lambda _: lambda self, xid, change: None)


@bug
def the_snapshot_is_taken_after_the_rows(seed: Seed) -> None:
    """Each statement of a reading sees another state of the database."""
    seed.wrap(
        "sa_notify.web.reader:StatementReader.__call__",
        lambda read: lambda self: replace(read(self), snapshot=_now_seen(self)),
    )


def _now_seen(reader: Any) -> Any:
    from sa_notify.live.snapshot import Snapshot

    with reader._source.engine.connect() as connection:
        return Snapshot.parse(str(connection.exec_driver_sql("SELECT pg_current_snapshot()::text").scalar()))


# -- what a query reads


@bug
def only_one_table_of_a_query_is_watched(seed: Seed) -> None:
    def judged(judge: Any) -> Any:
        def of_one(self: Any, *rest: Any) -> Any:
            tables, *others = judge(self, *rest)
            return (frozenset(sorted(tables)[:1]), *others)

        return of_one

    seed.wrap("sa_notify.web.reader:CoverageCache.judge", judged)


@bug
def tables_of_subqueries_are_not_watched(seed: Seed) -> None:
    """Only what FROM names."""

    def root_alone(find: Any) -> Any:
        def found(statement: Any, dialect: Any) -> Any:
            whole = find(statement, dialect)
            text = str(statement).partition("WHERE")[0]
            kept = {table for table in whole.tables if f" {table.name} " in text.replace("\n", " ")}
            return replace(whole, tables=frozenset(kept or whole.tables))

        return found

    seed.wrap("sa_notify.web.queries:dependencies", root_alone)


@bug
def bound_values_are_no_part_of_the_identity(seed: Seed) -> None:
    """Queries that differ in their values alone share one window."""
    seed.wrap("sa_notify.live.identity:_named", lambda _: tuple)


# -- when to read


@bug
def a_wait_never_ends(seed: Seed) -> None:
    seed.wrap("sa_notify.live.hub:Hub.due", lambda _: lambda self, key, turn, now: [])


@bug
def a_new_epoch_reads_nothing_again(seed: Seed) -> None:
    seed.wrap("sa_notify.live.hub:Hub._suspect", lambda _: lambda self, now, since: [])


@bug
def who_leaves_takes_the_others_along(seed: Seed) -> None:
    def all_of_them(discard: Any) -> Any:
        def gone(self: Any, subscriber: Any) -> Any:
            left = discard(self, subscriber)
            self.subscribers.clear()
            return left

        return gone

    seed.wrap("sa_notify.live.state:LiveQuery.discard", all_of_them)


@bug
def who_comes_later_gets_no_diffs(seed: Seed) -> None:
    """Only the first client of a query is put in its room."""
    seed.wrap(
        "sa_notify.live.hub:snapshots",
        lambda snapshots: (
            lambda live: [
                action
                for action in snapshots(live)
                if type(action).__name__ != "Join" or len(live.subscribers) == 1
            ]
        ),
    )


@bug
def who_reads_again_gets_nothing(seed: Seed) -> None:
    """A client that was left behind is not given its windows when it has read what waited."""
    seed.wrap("sa_notify.web.runner:Runner._look_after_the_late", lambda _: lambda self: None)


@bug
def a_failed_read_is_not_tried_again(seed: Seed) -> None:
    seed.wrap(
        "sa_notify.live.hub:Hub.failed",
        lambda failed: (
            lambda self, key, transient, *rest: [] if transient else failed(self, key, False, *rest)
        ),
    )
