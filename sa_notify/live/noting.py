"""What a live query remembers of changes that have come."""

from sa_notify.live.effect import NOTHING, effect_of
from sa_notify.live.journal import Journal
from sa_notify.live.known import Known
from sa_notify.live.state import LiveQuery


def note(live: LiveQuery, xid: int, known: Known) -> bool:
    """Whether there is something to do about a change.

    While the whole query is read, or waits to be, that is decided afterwards.
    """
    is_tally = known.change.op == "tally"
    if is_tally and not live.query.by_tally:
        return False
    if live.dirty or live.snapshot is None or (live.reading and live.patching is None):
        live.arrived += 1
        return False
    if not is_tally and live.snapshot.sees(xid):
        return False
    effect = effect_of(live, known)
    if effect is NOTHING:
        return False
    live.arrived += 1
    live.gained += effect.gained
    live.dirty = effect.reread
    if effect.patch and known.change.key is not None:
        live.due[known.change.key] = None
    return True


def catch_up(live: LiveQuery, journal: Journal) -> None:
    """Look at what arrived while the query was read, whichever tables it turned out to read."""
    entries = journal.since(live.key, live.tables or ())
    if entries is None:
        live.dirty = True
    waiting, live.arrived = live.arrived, 0
    for xid, change in entries or ():
        if live.dirty:
            live.arrived = waiting
            break
        note(live, xid, Known(change))
    journal.close(live.key)
