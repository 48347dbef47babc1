"""What is heard of changes: which queries each concerns, now or when its new values have been read."""

from collections.abc import Iterable, KeysView, Sequence

from sa_notify.change import ChangeSet
from sa_notify.live.actions import Action, Look
from sa_notify.live.index import Index
from sa_notify.live.journal import Journal
from sa_notify.live.known import Known, Looked
from sa_notify.live.looking import Held, Looking, Lookup
from sa_notify.live.need import Need, need_of
from sa_notify.live.noting import catch_up, note
from sa_notify.live.proof import Proofs
from sa_notify.live.query import Reading
from sa_notify.live.state import LiveQuery
from sa_notify.source.wanted import TALLY_SECONDS

#: Queries about which there is something to do, in order.
Hit = dict[LiveQuery, None]


class Hearing:
    """Queries by what they read, and changes that are not decided about yet."""

    def __init__(self, proofs: Proofs) -> None:
        self._proofs = proofs
        self._index = Index()
        self._journal = Journal()
        self._looking = Looking()

    def restart(self) -> None:
        """Everything is read again, whatever has come."""
        self._proofs.clear()
        self._looking.restart()

    # -- changes

    def hear(self, changesets: Sequence[ChangeSet], since: float) -> Hit:
        """Changes have come; the queries about which there is something to do.

        :param since: whatever was committed before had come before.
        """
        hit: Hit = {}
        for changeset in changesets:
            for change in changeset.changes:
                known = Known(change)
                self._journal.add(changeset.xid, known)
                concerned = self._concerned(changeset.xid, known)
                if change.op == "tally":
                    _mark_late(concerned, since - TALLY_SECONDS)
                hit |= concerned
                if known.lacking:
                    hit |= self._hold(Held(changeset.xid, known, since), self._index.need(change.table))
        return hit | self._decided(self._looking.too_many(), None)

    def _concerned(self, xid: int, known: Known) -> Hit:
        hit: Hit = {}
        for live in self._index.candidates(known):
            self._proofs.note(live, xid)
            if note(live, xid, known):
                hit[live] = None
        return hit

    # -- new values

    def _hold(self, held: Held, need: Need) -> Hit:
        self._proofs.note_unknown(held.known.change.table, held.xid)
        if self._looking.hold(held, need.columns, need.key):
            return {}
        return self._decided([held], None)

    def questions(self, now: float) -> list[Action]:
        """Which rows to read."""
        return [*self._looking.questions(now)]

    def begin(self, look: Look) -> Lookup | None:
        """What to read of them; ``None`` when nobody asks any more."""
        return self._looking.begin(look)

    def looked(self, look: Look, looked: Looked | None, now: float, *, bar: bool) -> Hit:
        """They are read; the queries about which there is something to do.

        :param looked: ``None`` when they could not be.
        :param bar: nor will they be.
        """
        return self._decided(self._looking.answer(look, now, bar=bar), looked)

    def _decided(self, changes: Iterable[Held], looked: Looked | None) -> Hit:
        hit: Hit = {}
        for held in changes:
            concerned = self._concerned(held.xid, held.known.answered(held.xid, looked))
            _mark_late(concerned, held.since)
            hit |= concerned
        return hit

    def late(self, now: float, seconds: float) -> frozenset[str]:
        """Tables of which a change has not been decided about for so long."""
        return self._looking.late(now, seconds)

    # -- readings

    def open(self, live: LiveQuery) -> None:
        """A query is read from now on."""
        self._journal.open(live.key)

    def prove(self, live: LiveQuery, reading: Reading, now: float) -> None:
        """It has been, and its window is not replaced yet."""
        waiting = self._looking.holds(reading.tables)
        self._proofs.finished(live, reading, now, self._journal, waiting)

    def catch_up(self, live: LiveQuery, before: KeysView[str], since: float, *, moved: bool) -> None:
        """It has been, and shows the rows that were read: see what has come meanwhile.

        :param before: rowkeys of the window before.
        :param since: whatever was committed before had come before the read began.
        :param moved: other changes concern it than before.
        """
        self.moved(live, before)
        if moved:
            self._index.file(live)
        for xid, known in catch_up(live, self._journal):
            need = need_of(live, known.change.table)
            if not self._looking.hold(Held(xid, known, since), need.columns, need.key):
                note(live, xid, known.answered(xid, None))

    def moved(self, live: LiveQuery, before: KeysView[str]) -> None:
        """Rows have left a window, or come."""
        if live.rowkeys != before:
            self._index.move(live, before - live.rowkeys, live.rowkeys - before)

    def close(self, live: LiveQuery) -> None:
        """It could not be."""
        self._journal.close(live.key)

    def forget(self, live: LiveQuery) -> None:
        """Nobody looks at it any more."""
        self._journal.close(live.key)
        self._index.forget(live)


def _mark_late(queries: Iterable[LiveQuery], since: float) -> None:
    for live in queries:
        live.mark_late(since)
