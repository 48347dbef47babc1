"""Changes without values: what decides is read once for all queries, and every window ends at the truth."""

import random

import pytest

from sa_notify.live.actions import Subscriber
from sa_notify.live.known import Looked
from tests.live.planned import Listed, Planned
from tests.live.test_hub_plans import page

ROWS, ROUNDS = 9, 60


def _listed(dice: random.Random) -> Listed:
    return Listed(
        low=dice.choice([None, 0, 1, 2]),
        points=dice.choice([None, None, (1,), (0, 3)]),
        descending=dice.random() < 0.5,
        limit=dice.choice([None, 1, 2, 4, 9]),
        offset=dice.choice([0, 0, 0, 1, 3]),
        total=dice.random() < 0.4,
        by_key=dice.random() < 0.4,
    )


def _write(dice: random.Random) -> tuple[int, tuple[int | None, int | None] | None]:
    values = (dice.choice([None, 0, 1, 2, 3, 4]), dice.choice([None, 0, 1]))
    return dice.randint(1, ROWS), None if dice.random() < 0.3 else values


def _go_on(sim: Planned, dice: random.Random) -> None:
    """One of the things that are under way."""
    keys = sorted({*sim.reads, *sim.patches})
    if sim.looks and dice.random() < 0.4:
        sim.step_look(fails=dice.random() < 0.1)
    elif keys and dice.random() < 0.6:
        key = dice.choice(keys)
        (sim.step_patch if key in sim.patches else sim.step_read)(key)
    elif sim.writing and dice.random() < 0.5:
        sim.end(
            dice.choice(sorted(sim.writing)), dice.random() < 0.8, dice.random() < 0.3, dice.random() < 0.3
        )
    elif sim.feed and dice.random() < 0.5:
        sim.hear()
    else:
        sim.step()


@pytest.mark.parametrize("seed", range(60))
def test_every_window_ends_at_the_truth(seed: int) -> None:
    """Some changes carry values, some come late, and reads of all kinds take their time."""
    dice = random.Random(seed)
    sim = Planned()
    sim.begin_epoch()
    sim.rows = {id_: (id_ % 5, None) for id_ in range(1, ROWS)}
    for n in range(3):
        sim.subscribe(Subscriber("x", n), _listed(dice), False)  # type: ignore[arg-type]
    sim.settle()
    for _ in range(ROUNDS):
        for _ in range(dice.randint(1, 3)):
            xid = sim.begin([_write(dice) for _ in range(dice.randint(1, 2))])
            if dice.random() < 0.7:
                sim.end(xid, dice.random() < 0.9, dice.random() < 0.3, dice.random() < 0.3)
        for _ in range(dice.randint(0, 8)):
            _go_on(sim, dice)
        if dice.random() < 0.4:
            sim.settle()
            sim.check()


def _after(sim: Planned, *writes: tuple[int, tuple[int | None, int | None] | None]) -> tuple[int, int, int]:
    """What transactions of one write each cost: looks, reads of the page, and of single rows."""
    before = sim.looked, sim.read, sim.patched
    for write in writes:
        sim.end(sim.begin([write]), commit=True, values=False)
        sim.settle()
        sim.check()
    return sim.looked - before[0], sim.read - before[1], sim.patched - before[2]


def test_what_the_filter_refuses_is_looked_up_and_not_read() -> None:
    sim = page(low=5, offset=0, total=False)
    assert _after(sim, (1, (4, 0)), (30, (0, 0)), (30, (1, 0))) == (3, 0, 0)
    assert _after(sim, (30, (5, 0))) == (1, 1, 0)


def test_what_is_behind_a_page_is_not_read() -> None:
    sim = page(offset=0, total=False)
    assert _after(sim, (20, (20, 0)), (20, (19, 0)), (20, None)) == (2, 0, 0)


def test_what_is_not_known_is_read() -> None:
    """Where a row was before a page that has others before it, or how many there are."""
    assert _after(page(total=False), (12, (12, 1)), (12, (11, 1))) == (0, 1, 0)
    assert _after(page(offset=0), (12, (11, 1)), (20, (20, 0))) == (0, 2, 0)


def test_what_is_counted_is_counted_once() -> None:
    """A row that came, and left before its values were read, was never in the total."""
    sim = page(low=5, offset=0)
    sim.end(sim.begin([(20, (20, 0))]), commit=True, values=False, late=True)
    sim.end(sim.begin([(20, (1, 0))]), commit=True)
    sim.settle()
    sim.check()


def test_a_row_that_stays_where_it_is_is_read_alone() -> None:
    """Its filter has been written to, and its order has not."""
    sim = page(low=0, offset=0, total=False, by_key=True)
    assert _after(sim, (2, (3, 0))) == (1, 0, 1)


def test_rows_that_leave_a_whole_list_are_taken_out() -> None:
    """Without a read, unless their values had to be."""
    sim = page(low=3, limit=None, offset=0)
    assert _after(sim, (5, None)) == (0, 0, 0)
    assert _after(sim, (6, (1, 0))) == (1, 1, 0)
    sim.read = 0
    sim.end(sim.begin([(7, None), (8, (2, 0)), (9, (9, 9))]), commit=True)
    sim.settle()
    sim.check()
    assert (sim.read, sim.patched) == (0, 1)


def test_a_row_that_leaves_and_comes_back_is_read() -> None:
    sim = page(low=3, limit=None, offset=0)
    sim.end(sim.begin([(5, None)]), commit=True, late=True)
    sim.end(sim.begin([(5, (5, 5))]), commit=True)
    sim.settle()
    sim.check()
    assert sim.read == 1


def test_many_rows_are_not_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their queries are read."""
    monkeypatch.setattr("sa_notify.live.looking.LIMIT", 3)
    sim = page(low=5, offset=0, total=False)
    sim.end(sim.begin([(id_, (0, 0)) for id_ in range(20, 24)]), commit=True, values=False)
    sim.settle()
    sim.check()
    assert (sim.looked, sim.read) == (0, 1)


def test_what_can_not_be_looked_up_is_read() -> None:
    """And is not asked for again, where that has no use."""
    sim = page(low=5, offset=0, total=False)
    sim.end(sim.begin([(20, (0, 0))]), commit=True, values=False)
    ((look, _),) = sim.looks
    assert sim.hub.look(look) is not None
    sim.looks.clear()
    sim.do(sim.hub.looked(look, None, sim.now, bar=True))
    sim.settle()
    assert _after(sim, (21, (0, 0))) == (0, 1, 0)
    assert sim.read == 2


def test_a_look_that_hangs_is_told_of() -> None:
    """Who looks at a query of the table is not told to be live meanwhile."""
    sim = page(low=5, offset=0, total=False)
    sim.end(sim.begin([(20, (0, 0))]), commit=True, values=False)
    sim.now += 5.0
    assert sim.hub.overdue(sim.now, 2.0) == {"x"}
    sim.settle()
    assert sim.hub.overdue(sim.now, 2.0) == set()


def test_what_waits_for_its_values_accuses_nobody() -> None:
    """A window that proves itself may show a change of which it is not known yet what it concerns."""
    sim = page(low=1, offset=0, total=False)
    sim.end(sim.begin([(1, (30, 0))]), commit=True, values=False, late=True)
    sim.prove(0.1)
    (key,) = sim.reads
    sim.step_read(key)
    sim.step_read(key)
    sim.hear()
    assert sim.looks
    sim.prove(10.0)
    sim.settle()
    sim.prove(10.0)
    assert sim.diverged == []


def test_what_was_read_before_the_change_says_nothing_of_it() -> None:
    """An engine may read a standby, which is behind."""
    sim = page(low=5, offset=0, total=False)
    before = sim.snapshot()
    sim.end(sim.begin([(2, (6, 0))]), commit=True, values=False)
    ((look, _),) = sim.looks
    assert sim.hub.look(look) is not None
    sim.looks.clear()
    sim.do(sim.hub.looked(look, Looked(before, {("2",): {"v": 2}}), sim.now))
    sim.settle()
    sim.check()


def test_what_can_not_be_looked_up_while_a_page_is_read_has_it_read_again() -> None:
    sim = page(low=5, offset=0, total=False)
    sim.end(sim.begin([(20, (0, 0))]), commit=True, values=False)
    ((look, _),) = sim.looks
    sim.looks.clear()
    sim.hub.look(look)
    sim.do(sim.hub.looked(look, None, sim.now, bar=True))
    sim.settle()
    sim.prove(0.1)
    (key,) = sim.reads
    sim.step_read(key)
    sim.end(sim.begin([(30, (5, 0))]), commit=True, values=False)
    sim.step_read(key)
    sim.settle()
    sim.check()


def test_a_row_that_came_back_where_it_was_stays() -> None:
    """It left the filter and is in it again before anybody was told."""
    sim = page(low=3, limit=None, offset=0, by_key=True)
    sim.end(sim.begin([(5, (1, 0))]), commit=True, late=True)
    sim.end(sim.begin([(5, (4, 0))]), commit=True)
    sim.settle()
    sim.check()


def test_a_row_that_has_moved_since_is_not_shown_where_it_stood() -> None:
    """A row is read alone for one change, and a later one, which is on its way, has moved it."""
    sim = page(limit=None, offset=0)
    sim.end(sim.begin([(5, (5, 1))]), commit=True)
    sim.end(sim.begin([(5, (9, 1))]), commit=True, late=True)
    (key,) = sim.patches
    sim.step_patch(key)
    sim.step_patch(key)
    (client,) = sim.clients.values()
    shown = [row["v"] for _, row in client.rows or ()]
    assert shown == sorted(shown)
    sim.settle()
    sim.check()
