"""What arrives while something is read is looked at afterwards, whichever table it is of."""

from sa_notify.change import Change, ChangeSet
from sa_notify.live import journal
from sa_notify.live.actions import Greet, Read, SendDiff, Subscriber, Wait
from sa_notify.live.hub import Hub
from sa_notify.live.journal import Journal
from sa_notify.live.known import Known
from sa_notify.live.query import Query, Reading, Row
from sa_notify.live.snapshot import Snapshot

A, B = Known(Change("public.a", "bulk")), Known(Change("public.b", "bulk"))
ME = Subscriber("x", 1)


def test_since_a_read_began() -> None:
    """Of the tables asked for, in order; nothing from before, and nothing is kept for nobody."""
    journal = Journal()
    journal.add(1, A)
    journal.open("one")
    journal.add(2, A)
    journal.add(3, B)
    journal.open("two")
    journal.add(4, A)
    assert list(journal.since("one", ["public.a"]) or ()) == [(2, A), (4, A)]
    assert list(journal.since("two", ["public.a", "public.b"]) or ()) == [(4, A)]
    journal.close("one")
    journal.close("two")
    journal.add(5, A)
    journal.open("one")
    assert list(journal.since("one", ["public.a"]) or ()) == []


def test_too_much_to_remember() -> None:
    """Whoever was being read then is told so; who begins later is not."""
    kept = Journal()
    kept.open("one")
    for xid in range(journal.LIMIT + 1):
        kept.add(xid, A)
    kept.open("two")
    kept.add(1, B)
    assert kept.since("one", ["public.a"]) is None
    assert list(kept.since("two", ["public.a", "public.b"]) or ()) == [(1, B)]


def test_a_reading_that_reads_another_table_than_the_one_before() -> None:
    """A change of that table, which came while it was read, is not lost: the page read it on its way."""
    hub = Hub(lambda: "k")
    query = Query("q", "q", lambda: None)  # type: ignore[arg-type,return-value]
    hub.begin_epoch(0.0)
    _, greet = hub.subscribe(ME, query, 0.0)
    assert greet == [Greet("k")]
    assert hub.greet("k", 0.0) == [Read("k")]
    hub.finished("k", _reading((), "public.a", xmax=10), 0.1)
    assert hub.receive([ChangeSet("e", 1, 10, (A.change,))], 0.2) == [Read("k")]

    # the read under way sees 10, and reads b for the first time; 11 changes b before the read arrives
    assert hub.receive([ChangeSet("e", 2, 11, (B.change,))], 0.3) == []
    actions = hub.finished("k", _reading((("1", {}),), "public.b", xmax=11), 0.4)
    assert [type(action) for action in actions] == [SendDiff, Wait]
    (wait,) = [action for action in actions if isinstance(action, Wait)]
    assert hub.due("k", wait.turn, 0.5) == [Read("k")]


def _reading(rows: tuple[Row, ...], table: str, xmax: int) -> Reading:
    return Reading(rows, None, Snapshot(xmax, xmax, frozenset()), frozenset({table}))
