"""Queries that show single rows: what of their tables concerns them, and what a source is told to bring."""

from sa_notify.change import Change, Key
from sa_notify.live.actions import Subscriber, Take
from sa_notify.live.asking import Asking
from sa_notify.live.effect import NOTHING, REREAD, effect_of
from sa_notify.live.index import Index
from sa_notify.live.known import Known
from sa_notify.live.query import Query, Reading
from sa_notify.live.snapshot import Snapshot
from sa_notify.live.state import LiveQuery

A = "public.a"
ONE, TWO, THREE = ("1",), ("2",), ("3",)


def _live(*keys: Key, name: str = "q") -> LiveQuery:
    """A query that reads the table; of the rows of these keys alone, if there are any."""
    live = LiveQuery(name, Query(name, name, lambda: None))  # type: ignore[arg-type,return-value]
    live.add(Subscriber(name, 1))
    only = {A: frozenset(keys)} if keys else {}
    live.settle(Reading((), None, Snapshot(1, 1, frozenset()), frozenset({A}), only=only))
    return live


def _stands(asking: Asking) -> None:
    """The table is asked for, and stands."""
    (take,) = asking.questions()
    assert take == Take(asking.standing.turn, False, frozenset({A}), 0.0)
    asking.answer(take, {A})


def test_other_rows_are_nothing_to_it() -> None:
    """Nor are they looked at; a change of the whole table concerns everybody."""
    shows, all_ = _live(ONE, TWO, name="shows"), _live(name="all")
    index = Index()
    index.file(shows)
    index.file(all_)
    other, own, whole = (Known(Change(A, "update", key)) for key in (THREE, TWO, None))
    assert set(index.candidates(other)) == {all_}
    assert set(index.candidates(own)) == set(index.candidates(whole)) == {shows, all_}
    assert effect_of(shows, other) is NOTHING
    assert effect_of(shows, own) is effect_of(shows, whole) is effect_of(all_, other) is REREAD
    index.forget(shows)
    assert set(index.candidates(own)) == {all_}


def test_a_source_is_told_of_rows_where_nobody_reads_more() -> None:
    """Of all that are shown together; and of the whole table again as soon as somebody does."""
    asking, one, two = Asking(), _live(ONE, name="one"), _live(TWO, THREE, name="two")
    asking.begin(gated=True)
    assert asking.holds(one)
    _stands(asking)
    assert asking.keep([one, two], by_row=True) == (frozenset(), {A: frozenset({ONE, TWO, THREE})})
    assert not asking.holds(one)
    assert asking.by_row(one) == frozenset({A})

    all_ = _live(name="all")
    assert asking.holds(all_)
    _stands(asking)
    assert asking.keep([one, two, all_], by_row=True) == (frozenset({A}), {})


def test_a_row_that_the_source_was_not_told_of_is_asked_for_with_its_table() -> None:
    """Its changes would not be brought; what had stood stands on for those whose rows were told of."""
    asking, one = Asking(), _live(ONE, name="one")
    asking.begin(gated=True)
    assert asking.holds(one)
    _stands(asking)
    one.stood = asking.standing.tables
    asking.keep([one], by_row=True)
    assert one.stood == frozenset({A})
    assert not asking.holds(one)
    assert asking.holds(_live(TWO, name="new"))


def test_a_source_that_knows_no_rows_is_told_of_tables() -> None:
    """And after a loss nothing stands, by row or otherwise."""
    asking, one = Asking(), _live(ONE, name="one")
    asking.begin(gated=True)
    assert asking.holds(one)
    _stands(asking)
    assert asking.keep([one], by_row=False) == (frozenset({A}), {})
    asking.keep([one], by_row=True)
    asking.restart()
    assert asking.by_row(one) == frozenset()
    assert asking.holds(one)
