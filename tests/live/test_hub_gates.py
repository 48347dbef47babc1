"""Tables that nobody wants are not captured: the hub asks before it trusts a reading."""

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from sa_notify.live.actions import Subscriber
from tests.live.simulation import TABLES, Simulation

A, B = TABLES
QUERIES = ((A, False), (A, True), (B, False))


class GateMachine(RuleBasedStateMachine):
    """Few clients, two tables, a feed that goes on: whatever can happen around asking does so often."""

    @initialize()
    def start(self) -> None:
        self.sim = Simulation(gated=True)
        self.sim.begin_epoch()

    @rule(n=st.integers(0, 2))
    def toggle(self, n: int) -> None:
        subscriber = Subscriber("x", n)
        if subscriber in self.sim.clients:
            self.sim.unsubscribe(subscriber)
        else:
            self.sim.subscribe(subscriber, *QUERIES[n])
            self.sim.greet()

    @rule(table=st.sampled_from((A, A, B)), value=st.integers(0, 9))
    def begin(self, table: str, value: int) -> None:
        self.sim.database.begin({table: {"p": value}})

    @rule(last=st.booleans())
    def commit(self, last: bool) -> None:
        if self.sim.database.open:
            self.sim.commit(max(self.sim.database.open) if last else min(self.sim.database.open))

    @rule(last=st.booleans())
    def read(self, last: bool) -> None:
        if self.sim.reads:
            self.sim.step_read(max(self.sim.reads) if last else min(self.sim.reads))

    @rule(last=st.booleans())
    def take(self, last: bool) -> None:
        if self.sim.takes:
            self.sim.step_take(-1 if last else 0)

    @rule(steps=st.integers(1, 8))
    def go_on(self, steps: int) -> None:
        for _ in range(steps):
            self.sim.step()

    @rule(times=st.integers(1, 2))
    def keep(self, times: int) -> None:
        for _ in range(times):
            self.sim.keep()

    @rule(again=st.sampled_from((*TABLES, None)))
    def interrupt(self, again: str | None) -> None:
        """A new epoch, or a table that was made again."""
        if again is None:
            self.sim.begin_epoch()
        else:
            self.sim.make_again(again)

    def teardown(self) -> None:
        """Every run ends at the truth."""
        self.sim.finish()


TestGates = GateMachine.TestCase
TestGates.settings = settings(max_examples=500, stateful_step_count=25, deadline=None)
