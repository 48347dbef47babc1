"""Seeded bugs of windows: what is told of them, where rows stand in them, totals, patches, shared reads."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sa_notify.live.effect import NOTHING, Effect
from tests.oracle.seeding import CARRYING, Seed, bug

# -- what is told


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


@bug(kinds=["j"])
def equal_numbers_are_the_same(seed: Seed) -> None:
    """1, 1.0 and true differ on the wire."""
    seed.wrap(
        "sa_notify.live.diff:_changed",
        lambda _: lambda old, new: {name: value for name, value in new.items() if old.get(name) != value},
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


# -- where rows stand


@bug
def the_last_row_is_behind_the_window(seed: Seed) -> None:
    """The edge is off by one."""
    seed.wrap(
        "sa_notify.live.effect:_side",
        lambda side: (
            lambda live, listing, image: _at_edge(live, listing, image) or side(live, listing, image)
        ),
    )


def _at_edge(live: Any, listing: Any, image: Any) -> int:
    from sa_notify.live.ordering import key_of_row, key_of_values

    if not (live.window and live.window.rows and listing.limit):
        return 0
    at, last = key_of_values(listing.order, image), key_of_row(listing.order, live.window.rows[-1][1])
    return int(at is not None and at == last)


@bug
def every_window_counts_as_full(seed: Seed) -> None:
    """What comes behind the last row is skipped although there is room."""
    seed.wrap(
        "sa_notify.live.effect:_side",
        lambda side: lambda live, listing, image: side(live, replace(listing, limit=0), image),
    )


@bug
def what_comes_before_the_page_does_not_move_it(seed: Seed) -> None:
    seed.wrap(
        "sa_notify.live.effect:_listed",
        lambda listed: (
            lambda live, listing, there: (
                NOTHING
                if listing.order and {_sided(live, listing, image) for image in there if image} == {-1}
                else listed(live, listing, there)
            )
        ),
    )


def _sided(live: Any, listing: Any, image: Any) -> int:
    from sa_notify.live.effect import _side

    return _side(live, listing, image)


@bug
def nulls_stand_at_the_other_end(seed: Seed) -> None:
    seed.wrap(
        "sa_notify.live.ordering:_part",
        lambda part: lambda one, value: part(replace(one, nulls_first=not one.nulls_first), value),
    )


@bug
def descending_is_ascending(seed: Seed) -> None:
    seed.wrap(
        "sa_notify.live.ordering:_part",
        lambda part: lambda one, value: part(replace(one, descending=False), value),
    )


@bug
def edges_stay_where_they_were(seed: Seed) -> None:
    """Where a window begins and ends is looked at once."""

    def shown(show: Any) -> Any:
        def kept(self: Any, window: Any) -> None:
            edges = self.edges
            show(self, window)
            self.edges = edges

        return kept

    seed.wrap("sa_notify.live.state:LiveQuery.show", shown)


@bug
def what_was_outside_a_window_does_not_matter(seed: Seed) -> None:
    """Of pages beyond the first too, and although there is a total."""
    seed.wrap(
        "sa_notify.live.effect:_is_outside",
        lambda _: lambda live, known: known.rowkey not in live.rowkeys,
    )


# -- totals


@bug(deliveries=CARRYING)
def totals_only_grow(seed: Seed) -> None:
    seed.value("sa_notify.live.effect:_GAINED", {-1: NOTHING, 0: NOTHING, 1: Effect(gained=1)})


@bug(deliveries=CARRYING)
def totals_stand_still(seed: Seed) -> None:
    seed.value("sa_notify.live.effect:_GAINED", {-1: NOTHING, 0: NOTHING, 1: NOTHING})


@bug(deliveries=CARRYING)
def what_a_total_gained_counts_twice(seed: Seed) -> None:
    """It is kept although the query is read anew."""

    def begun(begin: Any) -> Any:
        def kept(self: Any, now: float) -> None:
            gained = self.gained
            begin(self, now)
            self.gained = gained

        return kept

    seed.wrap("sa_notify.live.state:LiveQuery.begin_read", begun)


# -- patches and shared reads


@bug
def patches_are_forgotten(seed: Seed) -> None:
    seed.wrap("sa_notify.live.hub:patched", lambda _: lambda live, keys, rows: [])


@bug
def a_patch_is_taken_for_a_reading_of_all(seed: Seed) -> None:
    """What was due besides is forgotten."""

    def done(begin: Any) -> Any:
        def begun(self: Any, now: float) -> Any:
            keys = begin(self, now)
            self.patching = keys[:1]
            return keys[:1]

        return begun

    seed.wrap("sa_notify.live.state:LiveQuery.begin_patch", done)


@bug
def answers_go_to_the_wrong_queries(seed: Seed) -> None:
    """Of what is read together."""
    seed.wrap(
        "sa_notify.web.desk:Desk._tell",
        lambda tell: (
            lambda self, requests, answers, seconds: tell(
                self, requests, answers if len({type(one) for one in answers}) > 1 else answers[::-1], seconds
            )
        ),
    )


@bug
def what_fails_together_is_forgotten(seed: Seed) -> None:
    seed.wrap(
        "sa_notify.web.desk:Desk._failed",
        lambda failed: (
            lambda self, requests, error, spent: (
                None if len(requests) > 1 else failed(self, requests, error, spent)
            )
        ),
    )
