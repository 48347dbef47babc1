"""Seeded bugs of new values that are read because changes don't carry them."""

from typing import Any

from tests.oracle.bugs_of_windows import what_was_outside_a_window_does_not_matter
from tests.oracle.seeding import Seed, bug


@bug(deliveries=["notify"])
def what_waits_for_values_is_forgotten(seed: Seed) -> None:
    seed.wrap("sa_notify.live.looking:Looking.answer", lambda _: lambda self, look, now, *, bar: [])


@bug(deliveries=["notify"])
def what_comes_while_values_are_read_is_forgotten(seed: Seed) -> None:
    seed.wrap("sa_notify.live.looking:Looking.answer", _once)


def _once(answer: Any) -> Any:
    def answered(self: Any, look: Any, now: float, *, bar: bool) -> Any:
        found = answer(self, look, now, bar=bar)
        for table in self._tables.values():
            table.waiting.clear()
        return found

    return answered


@bug(deliveries=["notify"])
def rows_of_windows_do_not_matter_to_values(seed: Seed) -> None:
    """What leaves a filter by a change without values is skipped."""
    seed.wrap(
        "sa_notify.live.known:Known.images",
        lambda images: lambda self, key: (None, images(self, key)[1]) if self.late else images(self, key),
    )


@bug(deliveries=["notify"])
def windows_tell_of_every_row(seed: Seed) -> None:
    """Also of what was before them."""
    what_was_outside_a_window_does_not_matter(seed)
    seed.wrap(
        "sa_notify.live.need:_is_windowed", lambda _: lambda live, table: live.rows_plan(table) is not None
    )


@bug(deliveries=["notify"])
def values_that_are_read_are_another_rows(seed: Seed) -> None:
    """One key's values are taken for another's."""
    seed.wrap(
        "sa_notify.web.looking:_read", lambda read: lambda wanted, row: (wanted.keys[0], read(wanted, row)[1])
    )
