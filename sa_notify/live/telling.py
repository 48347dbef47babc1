"""What subscribers of a live query are told when its window becomes another."""

from sa_notify.live.actions import Action, Join, SendDiff, SendSnapshot
from sa_notify.live.diff import Op, by_key, diff
from sa_notify.live.patch import replaced
from sa_notify.live.query import Reading
from sa_notify.live.state import LiveQuery
from sa_notify.live.window import Window


def advance(live: LiveQuery, reading: Reading) -> list[Action]:
    """Make a reading of the whole query its window, and tell those who hold the one before it."""
    before = live.window
    rows = by_key(reading.rows)
    if before is None:
        live.show(Window(rows, reading.total, 1))
        return []
    ops = diff(before.by_key, rows)
    if not ops and before.total == reading.total:
        return []
    live.show(Window(rows, reading.total, before.version + 1))
    return [SendDiff(live.key, before.version, live.window, ops)]  # type: ignore[arg-type]


def patch(live: LiveQuery, ops: list[Op]) -> list[Action]:
    """Put what was found out about single rows and the total into the window, and tell it."""
    before = live.window
    if before is None or not (ops or live.gone or live.gained):
        return []
    changed = {op[1]: op[2] for op in ops}
    window = replaced(before, changed, live.gone, live.gained)
    ops = [*ops, *(["remove", rowkey] for rowkey in live.gone)]
    live.gone.clear()
    live.gained = 0
    live.show(window)
    return [SendDiff(live.key, before.version, window, ops)]


def snapshots(live: LiveQuery) -> list[Action]:
    """Send the window to those who wait for it."""
    if live.window is None:
        return []
    actions: list[Action] = []
    for subscriber in live.greeted():
        actions.append(SendSnapshot(subscriber, live.key, live.window))
        actions.append(Join(subscriber.sid, live.key))
    return actions
