"""Queries that show single rows: what of their tables concerns them, and what a source is told to bring."""

from sa_notify.change import Change, Key
from sa_notify.live.actions import Subscriber
from sa_notify.live.asking import Asking
from sa_notify.live.effect import NOTHING, REREAD, effect_of
from sa_notify.live.index import Index
from sa_notify.live.known import Known
from sa_notify.live.query import Query, Reading
from sa_notify.live.snapshot import Snapshot
from sa_notify.live.state import LiveQuery
from sa_notify.source.wanted import Wanted

A, B = "public.a", "public.b"
ALL = frozenset({A})
ONE, TWO, THREE = ("1",), ("2",), ("3",)


def _live(*keys: Key, name: str = "q", by_tally: bool = False, table: str = A) -> LiveQuery:
    """A query that reads a table; of the rows of these keys alone, if there are any."""
    live = LiveQuery(name, Query(name, name, lambda: None, by_tally=by_tally))  # type: ignore[arg-type,return-value]
    live.add(Subscriber(name, 1))
    only = {table: frozenset(keys)} if keys else {}
    live.settle(Reading((), None, Snapshot(1, 1, frozenset()), frozenset({table}), only=only))
    return live


def _asking() -> Asking:
    asking = Asking()
    asking.begin(gated=True, by_row=True)
    return asking


def _answered(asking: Asking) -> list[LiveQuery] | None:
    """The table is asked for and stands; who is read now."""
    (take,) = asking.questions()
    asking.told_with(take)
    return asking.answer(take, ALL)


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


def test_a_tally_concerns_those_alone_who_asked_for_tallies() -> None:
    """Others were told of each change."""
    shows, all_, counts = _live(ONE, name="shows"), _live(name="all"), _live(name="counts", by_tally=True)
    index = Index()
    for live in (shows, all_, counts):
        index.file(live)
    assert set(index.candidates(Known(Change(A, "tally")))) == {counts}


def test_a_source_is_told_of_rows_and_tallies_where_nobody_reads_more() -> None:
    """From the first question on; of the whole table while somebody reads it."""
    asking, one, counts = _asking(), _live(ONE, name="one"), _live(name="counts", by_tally=True)
    assert asking.holds(one) and asking.holds(counts)
    (take,) = asking.questions()
    told = asking.told_with(take)
    assert told.equals(Wanted(rows={A: frozenset({ONE})}, tallies=ALL))
    assert asking.answer(take, ALL) == [one, counts]
    assert asking.keep([one, counts]).equals(told)
    assert not asking.holds(one) and not asking.holds(counts)

    all_ = _live(name="all")
    assert asking.holds(all_)
    assert _answered(asking) == [all_]
    assert asking.keep([one, counts, all_]).equals(Wanted(tables=ALL, rows={}))
    kept = asking.keep([one, counts])
    assert kept.equals(told)
    assert not asking.holds(one) and asking.holds(all_)


def test_a_row_that_the_source_was_not_told_of_is_asked_for() -> None:
    """Its changes would not be brought; what had stood stands on for those whose rows were told of."""
    asking, one = _asking(), _live(ONE, name="one")
    assert asking.holds(one)
    assert _answered(asking) == [one]
    one.stood = asking.stood()
    asking.keep([one])
    assert asking.missing(one) == frozenset()
    two = _live(TWO, name="new")
    assert asking.holds(two)
    assert not asking.holds(one)
    assert _answered(asking) == [two]


def test_who_comes_while_a_question_is_under_way_is_asked_for_once_more() -> None:
    """The question told nothing of its rows."""
    asking, one, two = _asking(), _live(ONE, name="one"), _live(TWO, name="two")
    assert asking.holds(one)
    (take,) = asking.questions()
    asking.told_with(take)
    assert asking.holds(two)
    assert asking.answer(take, ALL) == [one]
    assert _answered(asking) == [two]


def test_an_answer_from_an_earlier_epoch_brings_nothing() -> None:
    """What the question under way tells is not brought before that one is answered."""
    asking, one, two = _asking(), _live(ONE, name="one"), _live(TWO, name="two")
    assert asking.holds(one)
    (late,) = asking.questions()
    asking.told_with(late)
    asking.begin(gated=True, by_row=True)
    assert asking.holds(one)
    assert _answered(asking) == [one]
    assert asking.holds(two)
    (take,) = asking.questions()
    asking.told_with(take)
    assert asking.answer(late, ALL) is None
    assert asking.stood().equals(Wanted(rows={A: frozenset({ONE})}))
    assert asking.holds(two)
    assert asking.answer(take, ALL) == [two]


def test_a_late_answer_takes_nothing_away() -> None:
    """Of two questions under way the earlier one, about a table that is held, told of less."""
    asking, held, other = _asking(), _live(ONE, name="held"), _live(TWO, name="other", table=B)
    assert asking.holds(held)
    (first,) = asking.questions()
    asking.told_with(first)
    assert asking.answer(first, ()) == [held]
    (again,) = asking.questions()
    asking.told_with(again)
    assert asking.holds(other)
    (fresh,) = asking.questions()
    asking.told_with(fresh)
    assert asking.answer(fresh, {B}) == [other]
    assert asking.answer(again, ALL) == []
    assert asking.stood().equals(Wanted(rows={A: frozenset({ONE}), B: frozenset({TWO})}))


def test_what_is_dropped_under_a_question_or_a_reading_does_not_stand() -> None:
    """A narrower state was made meanwhile, and may be told at any moment."""
    asking, one = _asking(), _live(ONE, name="one")
    assert asking.holds(one)
    (take,) = asking.questions()
    asking.told_with(take)
    asking.keep([])
    assert asking.answer(take, ALL) == []

    assert _answered(asking) == [one]
    new = LiveQuery("new", one.query, reading=True, stood=asking.stood())
    asking.keep([one, new])
    new.settle(Reading((), None, Snapshot(1, 1, frozenset()), ALL, only=one.only))
    assert asking.missing(new) == frozenset()
    new.tables = None  # nobody knows yet what it reads
    asking.keep([new])
    new.tables = ALL
    assert asking.missing(new) == ALL


def test_a_source_that_knows_no_rows_is_told_of_tables() -> None:
    """And after a loss nothing stands, by row or otherwise."""
    asking, one = Asking(), _live(ONE, name="one")
    asking.begin(gated=True)
    assert asking.holds(one)
    (take,) = asking.questions()
    assert asking.answer(take, ALL) == [one]
    assert asking.keep([one]).tables == ALL
    asking.begin(gated=True, by_row=True)
    assert asking.holds(one)
    assert _answered(asking) == [one]
    asking.restart()
    assert asking.holds(one)


def test_what_two_states_bring_both() -> None:
    """Whole tables bring their rows and tallies too."""
    whole, rows = Wanted(1, tables=ALL), Wanted(2, rows={A: frozenset({ONE, TWO})}, tallies=ALL)
    other = Wanted(3, rows={A: frozenset({TWO, THREE})})
    assert whole.meet(rows).equals(rows) and rows.meet(whole).equals(rows)
    assert rows.meet(other).equals(Wanted(rows={A: frozenset({TWO})}))
    assert whole.meet(Wanted(tables=ALL, rows={A: frozenset({ONE})})).equals(whole)
    assert whole.meet(Wanted()).equals(Wanted())
