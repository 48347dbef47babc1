"""What a live query remembers of changes that have come."""

from sa_notify.live.effect import NOTHING, Effect, effect_of
from sa_notify.live.journal import Entry, Journal
from sa_notify.live.known import Known
from sa_notify.live.need import need_of
from sa_notify.live.state import LiveQuery


def note(live: LiveQuery, xid: int, known: Known) -> bool:
    """Whether there is something to do about a change.

    While the whole query is read, or waits to be, that is decided afterwards.
    """
    is_tally = known.change.op == "tally"
    if is_tally and not live.query.by_tally:
        return False
    if live.undecided or live.snapshot is None:
        live.arrived += 1
        return False
    if not is_tally and live.snapshot.sees(xid):
        return False
    effect = effect_of(live, known)
    if effect is NOTHING:
        return False
    live.arrived += 1
    _take(live, known, effect)
    return True


def _take(live: LiveQuery, known: Known, effect: Effect) -> None:
    key = known.change.key
    live.gained += effect.gained
    live.dirty = effect.reread
    if key is None or effect.reread:
        return
    if effect.remove:
        live.gone[known.rowkey] = None
        live.due.pop(key, None)
    elif known.rowkey in live.gone:  # it has come back
        live.dirty = True
    elif effect.patch:
        live.due[key] = None


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
