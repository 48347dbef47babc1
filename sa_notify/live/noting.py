"""What a live query remembers of changes that have come."""

from sa_notify.live.effect import NOTHING, effect_of
from sa_notify.live.journal import Entry, Journal
from sa_notify.live.known import Known
from sa_notify.live.need import need_of
from sa_notify.live.state import LiveQuery


def note(live: LiveQuery, xid: int, known: Known) -> bool:
    """Whether there is something to do about a change.

    While the whole query is read, or waits to be, that is decided afterwards.
    """
    if live.undecided or live.snapshot is None:
        live.arrived += 1
        return False
    if live.snapshot.sees(xid):
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


def catch_up(live: LiveQuery, journal: Journal) -> list[Entry]:
    """Look at what arrived while the query was read, whichever tables it turned out to read.

    :returns: changes that can't be decided about before new values are read.
    """
    entries = journal.since(live.key, live.tables or ())
    if entries is None:
        live.dirty = True
    waiting, live.arrived = live.arrived, 0
    lacking: list[Entry] = []
    for xid, known in entries or ():
        if live.dirty:
            live.arrived, lacking = waiting, []
            break
        if not need_of(live, known.change.table).lacks(known.change):
            note(live, xid, known)
        elif known.answer is not None:
            note(live, xid, known.answer)
        elif live.snapshot is not None and not live.snapshot.sees(xid):
            lacking.append((xid, known))
    journal.close(live.key)
    return lacking
