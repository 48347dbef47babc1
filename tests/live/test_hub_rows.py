"""A source that brings nothing but what it was told of: no order of events leaves a window wrong."""

import random
from typing import Any

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import initialize, rule

from sa_notify.change import Change, ChangeSet
from sa_notify.live.actions import Subscriber
from sa_notify.live.proof import GRACE_SECONDS
from sa_notify.live.query import Query, Reading
from sa_notify.source.wanted import TALLY_SECONDS, Wanted
from tests.live.gate_machine import GateMachine
from tests.live.simulation import TABLES, Simulation

A, B = TABLES
WHOLE, TALLY = "whole", "tally"
#: What a query reads of a table: all, all but by tally, or rows.
Kind = str | frozenset[str]
QUERIES: tuple[tuple[str, Kind], ...] = (
    (A, frozenset("p")), (A, frozenset("pq")), (A, TALLY), (A, WHOLE), (B, frozenset("q")), (B, TALLY),
)  # fmt: skip


class RowSimulation(Simulation):
    """The same hub behind a dispatcher that routes by row and sends tallies late."""

    def __init__(self) -> None:
        super().__init__(gated=True)
        self.told = Wanted()
        self.saying: list[Wanted] = []
        self.untold: set[str] = set()

    def query(self, table: str, kind: Any) -> Query:
        return Query(f"{table} {kind}", (table, kind), lambda: None, by_tally=kind == TALLY)  # type: ignore[arg-type,return-value]

    def reading(self, key: str) -> Reading:
        query = self.hub.query(key)
        table, kind = query.identity if query else QUERIES[0]  # type: ignore[misc]
        only = {table: frozenset((each,) for each in kind)} if isinstance(kind, frozenset) else {}
        rows = self.rows(table, kind)
        return Reading(rows, None, self.database.snapshot(), frozenset({table}), only=only)

    def rows(self, table: str, kind: Kind) -> tuple[Any, ...]:
        rows = self.database.rows(table, False)
        return tuple(row for row in rows if row[0] in kind) if isinstance(kind, frozenset) else rows

    def begin_epoch(self) -> None:
        self.following = True
        self.told, self.untold = Wanted(), set()
        for gate in self.database.gates.values():
            gate.asked = False
        self.do(self.hub.begin_epoch(self.now, gated=True, by_row=True))

    def commit(self, xid: int) -> None:
        writes = self.database.open[xid]
        changes = []
        for table in sorted(self.database.end(xid, commit=True)):
            for key in writes[table]:
                if table in self.told.tables or (key,) in self.told.rows.get(table, ()):
                    changes.append(Change(table, "update", (key,)))
                elif table in self.told.tallies:
                    self.untold.add(table)
        self.hear(xid, changes)

    def hear(self, xid: int, changes: list[Change]) -> None:
        if self.following and changes:
            self.arrived += 1
            self.do(self.hub.receive([ChangeSet("e", self.arrived, xid, tuple(changes))], self.now))

    def tally(self) -> None:
        self.hear(0, [Change(table, "tally") for table in sorted(self.untold)])
        self.untold.clear()

    def keep(self) -> None:
        """What is wanted is made now and told later."""
        self.saying.append(self.hub.keep())

    def say(self, n: int) -> None:
        self._tell(self.saying.pop(n))

    def _tell(self, wanted: Wanted) -> None:
        if wanted.number >= self.told.number:
            self.told = wanted
        self.database.keep(self.told.all_tables)

    def step_take(self, n: int) -> None:
        take, stand = self.takes[n]
        if stand is None and self.hub.awaits(take):
            self._tell(self.hub.told_with(take))
        super().step_take(n)

    @property
    def busy(self) -> bool:
        return super().busy or bool(self.untold or self.saying)

    def step(self) -> None:
        if self.saying:
            self.say(0)
        elif self.untold:
            self.tally()
        else:
            super().step()

    def check(self) -> None:
        assert not self.busy
        for subscriber, client in self.clients.items():
            assert client.rows == list(self.rows(*self.queries[subscriber])), self.queries[subscriber]
        assert self.hub.subscriptions.overdue(self.now + 1000, 1) == set()


def test_a_tally_that_is_late_accuses_nobody() -> None:
    """A window that is read to prove itself may show what is tallied afterwards; what never is, is told."""
    sim = RowSimulation()
    sim.begin_epoch()
    sim.subscribe(Subscriber("x", 1), A, TALLY)  # type: ignore[arg-type]
    sim.settle()
    sim.commit(sim.database.begin({A: {"p": 1}}))
    assert sim.untold
    _prove(sim)
    sim.prove(TALLY_SECONDS + GRACE_SECONDS)
    assert sim.clients[Subscriber("x", 1)].rows == list(sim.rows(A, TALLY)) and sim.diverged == []
    sim.settle()
    sim.prove(10.0)
    assert sim.diverged == [] and not sim.untold

    sim.settle()
    sim.database.end(sim.database.begin({A: {"p": 2}}), commit=True)
    _prove(sim)
    sim.prove(10.0)
    assert sim.diverged == [f"{A} {TALLY}"]


@pytest.mark.parametrize("said", [True, False])
def test_what_was_narrowed_is_asked_for_again(said: bool) -> None:
    """Whoever reads the whole table comes back after it was dropped, while its tallies are wanted still."""
    sim = RowSimulation()
    sim.begin_epoch()
    for n, kind in enumerate((TALLY, WHOLE)):
        sim.subscribe(Subscriber("x", n), A, kind)  # type: ignore[arg-type]
    sim.settle()
    sim.unsubscribe(Subscriber("x", 1))
    sim.keep()
    if said:
        sim.say(0)
    sim.subscribe(Subscriber("x", 2), A, WHOLE)  # type: ignore[arg-type]
    sim.settle()
    sim.commit(sim.database.begin({A: {"p": 1}}))
    sim.settle()
    sim.check()


def _prove(sim: RowSimulation) -> None:
    """One window is read again, whatever waits."""
    sim.prove(0.1)
    (key,) = sim.reads
    sim.step_read(key)
    sim.step_read(key)


class RowMachine(GateMachine):
    """Few clients and rows, so that whatever can happen between asking, telling and reading does so often."""

    sim: RowSimulation

    @initialize()
    def start(self) -> None:
        self.sim = RowSimulation()
        self.sim.begin_epoch()

    @rule(ns=st.lists(st.integers(0, len(QUERIES) - 1), min_size=1, max_size=5), rest=st.booleans())
    def toggle(self, ns: list[int], rest: bool) -> None:
        """Some come and others go, perhaps each when all is at rest."""
        for n in ns:
            self._toggle(n)
            if rest:
                self.rest()

    def _toggle(self, n: int) -> None:
        subscriber = Subscriber("x", n)
        if subscriber in self.sim.clients:
            self.sim.unsubscribe(subscriber)
        else:
            self.sim.subscribe(subscriber, *QUERIES[n])  # type: ignore[arg-type]
            self.sim.greet()
        self.sim.keep()

    @rule(table=st.sampled_from((A, A, B)), key=st.sampled_from("pqr"), value=st.integers(0, 9))
    def write(self, table: str, key: str, value: int) -> None:
        self.sim.database.begin({table: {key: value or None}})

    @rule(table=st.sampled_from((A, A, B)), key=st.sampled_from("pqr"), value=st.integers(0, 9))
    def write_at_once(self, table: str, key: str, value: int) -> None:
        self.sim.commit(self.sim.database.begin({table: {key: value or None}}))

    @rule(last=st.booleans())
    def say(self, last: bool) -> None:
        if self.sim.saying:
            self.sim.say(-1 if last else 0)

    @rule()
    def keep(self) -> None:
        self.sim.keep()

    @rule()
    def tally(self) -> None:
        self.sim.tally()

    @rule()
    def rest(self) -> None:
        """Everything that is under way ends; what nobody looks at any more is dropped, or will be."""
        self.sim.settle()
        self.sim.check()


TestRows = RowMachine.TestCase
TestRows.settings = settings(max_examples=200, stateful_step_count=25, deadline=None)


@pytest.mark.parametrize("seed", range(60))
def test_a_walk(seed: int) -> None:
    """Some come, others go, and rows are written: at rest oftener than the machine is."""
    dice, machine = random.Random(seed), RowMachine()
    machine.start()
    for _ in range(8):
        ns = [dice.randrange(len(QUERIES)) for _ in range(dice.randint(1, 5))]
        machine.toggle(ns, rest=bool(seed % 2))
        machine.write_at_once(A, dice.choice("pqr"), dice.randint(1, 9))
        if dice.random() < 0.5:
            machine.rest()
    machine.teardown()
