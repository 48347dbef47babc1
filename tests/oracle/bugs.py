"""Bugs that the oracle must catch: each changes one small function of the engine while it is seeded.

To add one, write a function under :func:`bug` that takes a :class:`Seed` and replaces what the bug is in.
What is replaced must exist: a bug whose place is gone is an error, not a bug that is never seeded.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from importlib import import_module
from operator import attrgetter
from typing import Any
from unittest.mock import patch

from sa_notify.change import Change, ChangeSet


class Seed:
    """Replaces functions and values until the block ends."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def wrap(self, place: str, make: Callable[[Any], Any]) -> None:
        """Put ``make(original)`` in the place of a function or method.

        :param place: module and name: ``"sa_notify.live.hub:Hub.receive"``.
        """
        target, name = _found(place)
        original = target.__dict__[name]
        is_static = isinstance(original, staticmethod)
        made = make(original.__func__ if is_static else original)
        self._stack.enter_context(patch.object(target, name, staticmethod(made) if is_static else made))

    def value(self, place: str, value: Any) -> None:
        """Put a value in the place of another."""
        self.wrap(place, lambda _: value)

    def entries(self, place: str, **entries: Any) -> None:
        """Put other values into a dictionary."""
        target, name = _found(place)
        self._stack.enter_context(patch.dict(target.__dict__[name], entries))

    def anew(self, place: str) -> None:
        """Nothing that a cache remembers from without the bug is used with it, nor the other way round."""
        target, name = _found(place)
        self._stack.callback(target.__dict__[name].cache_clear)
        target.__dict__[name].cache_clear()


def _found(place: str) -> tuple[Any, str]:
    module, _, path = place.partition(":")
    owner, _, name = path.rpartition(".")
    target: Any = import_module(module)
    return (attrgetter(owner)(target) if owner else target), name


BUGS: dict[str, Callable[[Seed], None]] = {}


def bug(function: Callable[[Seed], None]) -> Callable[[Seed], None]:
    """Register a bug under its function's name."""
    BUGS[function.__name__] = function
    return function


def bugs() -> dict[str, Callable[[Seed], None]]:
    """All of them, by name."""
    for rest in ("skips", "looks"):
        import_module(f"tests.oracle.bugs_of_{rest}")
    return BUGS


@contextmanager
def seeded(name: str) -> Iterator[None]:
    """The engine with this bug."""
    with ExitStack() as stack:
        bugs()[name](Seed(stack))
        yield


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


# -- windows


@bug
def moves_are_forgotten(seed: Seed) -> None:
    seed.wrap(
        "sa_notify.live.telling:diff",
        lambda diff: lambda old, new: [op for op in diff(old, new) if op[0] != "move"],
    )


@bug
def moves_count_from_before(seed: Seed) -> None:
    """A position is said as if the row still stood where it was."""
    seed.wrap(
        "sa_notify.live.telling:diff",
        lambda diff: (
            lambda old, new: [
                ["move", op[1], op[2] + 1] if op[0] == "move" and op[2] else op for op in diff(old, new)
            ]
        ),
    )


@bug
def order_is_no_difference(seed: Seed) -> None:
    """Rows that only change places are not told."""
    seed.wrap(
        "sa_notify.live.telling:diff",
        lambda diff: lambda old, new: [] if dict(old) == dict(new) else diff(old, new),
    )


@bug
def null_is_no_value(seed: Seed) -> None:
    """What becomes NULL is not told."""
    seed.wrap(
        "sa_notify.live.diff:_changed",
        lambda changed: (
            lambda old, new: {name: value for name, value in changed(old, new).items() if value is not None}
        ),
    )


@bug
def equal_numbers_are_the_same(seed: Seed) -> None:
    """1, 1.0 and true differ on the wire."""
    seed.wrap(
        "sa_notify.live.diff:_changed",
        lambda _: lambda old, new: {name: value for name, value in new.items() if old[name] != value},
    )


def _advancing(seed: Seed, change: Callable[[Any, Any], Any]) -> None:
    """Another reading is taken for the window than the one that was read; ``None``: none at all."""

    def advancing(advance: Any) -> Any:
        def advanced(live: Any, reading: Any) -> Any:
            taken = reading if live.window is None else change(live.window, reading)
            return [] if taken is None else advance(live, taken)

        return advanced

    seed.wrap("sa_notify.live.hub:advance", advancing)


@bug
def the_total_is_stale(seed: Seed) -> None:
    _advancing(seed, lambda window, reading: replace(reading, total=window.total))


@bug
def a_total_alone_is_not_told(seed: Seed) -> None:
    _advancing(seed, lambda window, reading: None if window.rows == reading.rows else reading)


@bug
def the_total_counts_the_window(seed: Seed) -> None:
    def counted(read: Any) -> Any:
        def of_window(self: Any, connection: Any) -> Any:
            rows, total = read(self, connection)
            return rows, total and len(rows)

        return of_window

    seed.wrap("sa_notify.web.reader:StatementReader._read", counted)


@bug
def a_window_does_not_grow(seed: Seed) -> None:
    """The last row of a window that has become longer is not shown."""
    _advancing(
        seed,
        lambda window, reading: (
            replace(reading, rows=reading.rows[:-1]) if len(reading.rows) > len(window.rows) > 0 else reading
        ),
    )


@bug
def versions_stand_still(seed: Seed) -> None:
    seed.wrap(
        "sa_notify.live.hub:advance",
        lambda advance: (
            lambda live, reading: [
                replace(action, window=replace(action.window, version=action.base))
                for action in advance(live, reading)
            ]
        ),
    )


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
