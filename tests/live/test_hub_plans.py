"""Queries with plans: whatever is skipped, patched or counted, every window ends at the truth."""

from dataclasses import replace

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sa_notify.live.actions import Subscriber
from sa_notify.live.proof import GRACE_SECONDS
from sa_notify.live.query import Reading
from tests.live.planned import Listed, Planned

VALUES = st.tuples(st.none() | st.integers(0, 4), st.none() | st.integers(0, 2))
WRITES = st.lists(st.tuples(st.integers(1, 12), st.none() | VALUES), min_size=1, max_size=3)
LISTED = st.builds(
    Listed,
    low=st.none() | st.integers(0, 3),
    points=st.none() | st.lists(st.integers(0, 4), max_size=3, unique=True).map(tuple),
    descending=st.booleans(),
    limit=st.none() | st.integers(1, 4),
    offset=st.integers(0, 4),
    total=st.booleans(),
)


class PlanMachine(RuleBasedStateMachine):
    """Pages of one list, transactions beside each other, reads and patches that take their time."""

    @initialize(writes=WRITES)
    def start(self, writes: list[object]) -> None:
        self.sim = Planned()
        self.sim.begin_epoch()
        self.sim.rows = {id_: (id_ % 5, None) for id_ in range(1, 9)}

    @rule(n=st.integers(0, 5), listed=LISTED)
    def subscribe(self, n: int, listed: Listed) -> None:
        subscriber = Subscriber("x", n)
        if subscriber in self.sim.clients:
            self.sim.unsubscribe(subscriber)
        self.sim.subscribe(subscriber, listed, False)  # type: ignore[arg-type]

    @rule(writes=WRITES)
    def begin(self, writes: list[tuple[int, tuple[int | None, int | None] | None]]) -> None:
        self.sim.begin(writes)

    @precondition(lambda self: self.sim.writing)
    @rule(data=st.data(), commit=st.sampled_from([True, True, True, False]), late=st.booleans())
    def end(self, data: st.DataObject, commit: bool, late: bool) -> None:
        self.sim.end(data.draw(st.sampled_from(sorted(self.sim.writing))), commit, late=late)

    @rule(writes=WRITES, values=st.sampled_from([True, False]), late=st.booleans())
    def write(
        self, writes: list[tuple[int, tuple[int | None, int | None] | None]], values: bool, late: bool
    ) -> None:
        """The usual transaction; sometimes its values don't travel, or it is heard of later."""
        self.sim.end(self.sim.begin(writes), commit=True, values=values, late=late)

    @rule()
    def hear(self) -> None:
        self.sim.hear()

    @precondition(lambda self: self.sim.reads or self.sim.patches)
    @rule(data=st.data())
    def read(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted({*self.sim.reads, *self.sim.patches})))
        if key in self.sim.patches:
            self.sim.step_patch(key)
        else:
            self.sim.step_read(key)

    @precondition(lambda self: self.sim.looks)
    @rule(fails=st.sampled_from([False, False, False, True]))
    def look(self, fails: bool) -> None:
        self.sim.step_look(fails=fails)

    @rule()
    def go_on(self) -> None:
        self.sim.step()

    @rule()
    def settle(self) -> None:
        self.sim.settle()

    @rule(seconds=st.sampled_from([0.1, 1.0, 20.0]))
    def prove(self, seconds: float) -> None:
        if seconds > GRACE_SECONDS:  # no change is on its way for so long
            self.sim.hear()
        self.sim.prove(seconds)

    @invariant()
    def at_rest_every_window_is_its_select(self) -> None:
        if hasattr(self, "sim"):
            self.sim.check()

    def teardown(self) -> None:
        if hasattr(self, "sim"):
            self.sim.settle()
            self.sim.check()


TestPlans = PlanMachine.TestCase
TestPlans.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)


def page(**options: object) -> Planned:
    """A database of twelve rows, and one page of it that is shown."""
    sim = Planned()
    sim.begin_epoch()
    sim.rows = {id_: (id_, 0) for id_ in range(1, 13)}
    page = {"low": None, "points": None, "descending": False, "limit": 4, "offset": 4, "total": True}
    sim.subscribe(Subscriber("x", 1), Listed(**(page | options)), False)  # type: ignore[arg-type]
    sim.settle()
    sim.check()
    sim.read = 0
    return sim


def _after(sim: Planned, *writes: tuple[int, tuple[int | None, int | None] | None]) -> tuple[int, int]:
    """What transactions of one write each cost: reads of the page, and of single rows."""
    before = sim.read, sim.patched
    for write in writes:
        sim.end(sim.begin([write]), commit=True)
        sim.settle()
        sim.check()
    return sim.read - before[0], sim.patched - before[1]


def test_what_happens_behind_a_page_is_counted_and_not_read() -> None:
    """Rows that come and go there change the total, by what is known of them."""
    sim = page()
    assert _after(sim, (20, (20, 0)), (21, (21, 0)), (20, None), (12, (11, 5)), (10, (30, 0))) == (0, 0)
    live = next(iter(sim.hub.subscriptions.all()))
    assert live.window is not None and live.window.total == 13


def test_what_stays_before_a_page_is_not_read() -> None:
    """What comes or goes there shifts the page."""
    sim = page()
    assert _after(sim, (1, (2, 1)), (2, (1, 1))) == (0, 0)
    assert _after(sim, (1, None)) == (1, 0)


def test_a_row_that_keeps_its_place_is_read_alone() -> None:
    """One that is on no page is not read at all."""
    sim = page()
    assert _after(sim, (5, (5, 7)), (6, (6, 7))) == (0, 2)
    assert _after(sim, (1, (1, 7)), (12, (12, 7))) == (0, 0)


def test_a_row_that_moves_or_crosses_an_edge_has_the_page_read() -> None:
    sim = page()
    assert _after(sim, (5, (8, 0)), (12, (6, 0)), (6, None)) == (3, 0)
    sim = page()
    assert _after(sim, (5, (1, 0))) == (1, 0)
    sim = page()
    assert _after(sim, (8, (12, 0))) == (1, 0)


def test_what_the_filter_refuses_is_nothing() -> None:
    sim = page(low=5, offset=0)
    assert _after(sim, (1, (4, 0)), (2, None), (30, (0, 0))) == (0, 0)
    assert _after(sim, (1, (5, 0))) == (1, 0)


def test_a_page_that_is_not_full_ends_the_list() -> None:
    """Whatever comes behind its last row is on it."""
    sim = page(offset=10)
    assert _after(sim, (20, (20, 0))) == (1, 0)


def test_many_rows_at_once_have_the_page_read() -> None:
    """Reading them one by one would cost more."""
    sim = page(limit=12, offset=0)
    sim.end(sim.begin([(id_, (id_, 9)) for id_ in range(1, 13)]), commit=True)
    sim.settle()
    sim.check()
    assert (sim.read, sim.patched) == (1, 0)


def test_a_query_is_found_by_what_its_last_reading_asked_for() -> None:
    """An admin list makes its statement anew each time, perhaps with other values."""
    sim = page(points=(2,), limit=None, offset=0)
    now = Listed(low=None, points=(3,), descending=False, limit=None, offset=0, total=True)

    def reading(key: str) -> Reading:
        rows, total = now.window(sim.rows)
        return replace(Planned.reading(sim, key), rows=rows, total=total, plan=now.plan())

    sim.reading = reading  # type: ignore[method-assign]
    sim.do(sim.hub.suspect(sim.now))
    sim.settle()
    sim.read = 0
    sim.end(sim.begin([(30, (3, 0))]), commit=True)
    sim.settle()
    assert sim.read == 1
