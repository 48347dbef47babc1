"""Tables that nobody wants are not captured: the hub asks before it trusts a reading."""

from hypothesis import settings, strategies as st
from hypothesis.stateful import initialize, rule

from sa_notify.live.actions import Subscriber
from tests.live.gate_machine import GateMachine
from tests.live.simulation import TABLES, Simulation

A, B = TABLES
QUERIES = ((A, False), (A, True), (B, False))


class TableMachine(GateMachine):
    """Whole tables are wanted."""

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

    @rule(times=st.integers(1, 2))
    def keep(self, times: int) -> None:
        for _ in range(times):
            self.sim.keep()


TestGates = TableMachine.TestCase
TestGates.settings = settings(max_examples=500, stateful_step_count=25, deadline=None)
