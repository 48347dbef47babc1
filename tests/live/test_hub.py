"""The hub against a simulated database: whatever the interleaving, nobody stays stale."""

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sa_notify.live.actions import Subscriber
from tests.live.simulation import TABLES, Simulation


class HubMachine(RuleBasedStateMachine):
    """Transactions, reads, waits, clients and feed failures in any order."""

    sim: Simulation

    @initialize(following=st.booleans(), gated=st.booleans())
    def start(self, following: bool, gated: bool) -> None:
        self.sim = Simulation(gated=gated)
        if following:
            self.sim.begin_epoch()

    @rule(sid=st.sampled_from("xy"), id_=st.integers(0, 2), table=st.sampled_from(TABLES), desc=st.booleans())
    def subscribe(self, sid: str, id_: int, table: str, desc: bool) -> None:
        subscriber = Subscriber(sid, id_)
        if subscriber in self.sim.clients:
            self.sim.unsubscribe(subscriber)
        else:
            self.sim.subscribe(subscriber, table, desc)

    @precondition(lambda self: self.sim.clients)
    @rule(data=st.data(), table=st.sampled_from(TABLES), desc=st.booleans())
    def move(self, data: st.DataObject, table: str, desc: bool) -> None:
        subscriber = data.draw(st.sampled_from(sorted(self.sim.clients, key=str)))
        self.sim.queries[subscriber] = (table, desc)
        self.sim.do(self.sim.hub.move(subscriber, self.sim.query(table, desc), self.sim.now))

    @rule(sid=st.sampled_from("xy"))
    def disconnect(self, sid: str) -> None:
        self.sim.hub.disconnect(sid)
        for subscriber in [s for s in self.sim.clients if s.sid == sid]:
            del self.sim.clients[subscriber]

    @precondition(lambda self: self.sim.clients)
    @rule(data=st.data())
    def resync(self, data: st.DataObject) -> None:
        subscriber = data.draw(st.sampled_from(sorted(self.sim.clients, key=str)))
        self.sim.do(self.sim.hub.resync(subscriber) or [])

    @rule(
        writes=st.lists(
            st.tuples(st.sampled_from(TABLES), st.sampled_from("pqrs"), st.none() | st.integers(0, 3)),
            min_size=1,
        )
    )
    def write(self, writes: list[tuple[str, str, int | None]]) -> None:
        pending: dict[str, dict[str, int | None]] = {}
        for table, key, value in writes:
            pending.setdefault(table, {})[key] = value
        self.sim.database.begin(pending)

    @precondition(lambda self: self.sim.database.open)
    @rule(data=st.data(), commit=st.sampled_from([True, True, True, False]))
    def end(self, data: st.DataObject, commit: bool) -> None:
        xid = data.draw(st.sampled_from(sorted(self.sim.database.open)))
        if commit:
            self.sim.commit(xid)
        else:
            self.sim.database.end(xid, commit=False)

    @rule(another=st.booleans())
    def begin_epoch(self, another: bool) -> None:
        """The database may have got an outbox meanwhile, or lost it."""
        self.sim.gated = self.sim.gated is not another
        self.sim.begin_epoch()

    @rule(table=st.sampled_from(TABLES))
    def make_again(self, table: str) -> None:
        self.sim.make_again(table)

    @rule()
    def keep(self) -> None:
        self.sim.keep()

    @precondition(lambda self: self.sim.takes)
    @rule(data=st.data())
    def take(self, data: st.DataObject) -> None:
        self.sim.step_take(data.draw(st.integers(0, len(self.sim.takes) - 1)))

    @precondition(lambda self: self.sim.following and self.sim.arrived % 3 == 2)
    @rule()
    def lose_feed(self) -> None:
        self.sim.following = False
        self.sim.hub.lose_feed()

    @rule(table=st.sampled_from(TABLES), key=st.sampled_from("pqrs"), value=st.none() | st.integers(0, 3))
    def write_and_commit(self, table: str, key: str, value: int | None) -> None:
        """The usual transaction."""
        self.sim.commit(self.sim.database.begin({table: {key: value}}))

    @rule(
        table=st.sampled_from(TABLES),
        key=st.sampled_from("pqrs"),
        value=st.integers(0, 3),
        began_before=st.booleans(),
    )
    def commit_while_reads_are_under_way(self, table: str, key: str, value: int, began_before: bool) -> None:
        """What was read a moment ago is not the truth any more when it arrives."""
        sim, xid = self.sim, 0
        if began_before:
            xid = sim.database.begin({table: {key: value}})
        for read in [key for key, reading in sim.reads.items() if reading is None]:
            sim.reads[read] = sim.reading(read)
        if not began_before:
            xid = sim.database.begin({table: {key: value}})
        sim.commit(xid)

    @precondition(lambda self: self.sim.greets)
    @rule()
    def greet(self) -> None:
        self.sim.greet()

    @precondition(lambda self: self.sim.reads)
    @rule(data=st.data(), fail=st.integers(0, 9))
    def read(self, data: st.DataObject, fail: int) -> None:
        key = data.draw(st.sampled_from(sorted(self.sim.reads)))
        if fail == 0:
            del self.sim.reads[key]
            self.sim.do(self.sim.hub.failed(key, True, "query_failed", ""))
        else:
            self.sim.step_read(key)

    @precondition(lambda self: self.sim.waits)
    @rule()
    def wait(self) -> None:
        self.sim.wait()

    @rule(seconds=st.sampled_from([0.1, 1.0, 20.0]))
    def prove(self, seconds: float) -> None:
        self.sim.prove(seconds)

    @rule()
    def settle(self) -> None:
        self.sim.settle()

    @invariant()
    def nothing_is_left_behind(self) -> None:
        """Only queries with subscribers exist."""
        if hasattr(self, "sim"):
            assert set(self.sim.hub.subscriptions.clients()) == {s.sid for s in self.sim.clients}
            assert len(self.sim.hub) <= len(self.sim.clients)

    @invariant()
    def at_rest_every_window_is_its_select(self) -> None:
        """While changes are heard and nothing is under way, nobody is stale."""
        if hasattr(self, "sim"):
            self.sim.check()

    def teardown(self) -> None:
        """Every run ends at the truth."""
        if hasattr(self, "sim"):
            self.sim.finish()


TestHub = HubMachine.TestCase
TestHub.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
