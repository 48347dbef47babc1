"""What a machine does around gates: transactions end, reads and questions take their time, epochs begin."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from tests.live.simulation import TABLES, Simulation


class GateMachine(RuleBasedStateMachine):
    """Few clients, two tables, a feed that goes on: whatever can happen around asking does so often."""

    sim: Simulation

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
