"""A window that is wrong though no change was announced is found, put right, and told of once."""

import pytest

from sa_notify.live import proof
from sa_notify.live.actions import Diverged, Subscriber
from tests.live.simulation import TABLES, Simulation

TABLE, OTHER = TABLES[:2]
ONE, TWO = Subscriber("x", 1), Subscriber("x", 2)
LATER = proof.GRACE_SECONDS + 1


@pytest.fixture
def sim() -> Simulation:
    """Two queries at rest."""
    sim = Simulation(gated=False)
    sim.begin_epoch()
    sim.subscribe(ONE, TABLE, descending=False)
    sim.subscribe(TWO, OTHER, descending=False)
    sim.settle()
    return sim


def _write(sim: Simulation, table: str, value: int) -> int:
    return sim.database.begin({table: {"p": value}})


def _bypass(sim: Simulation, table: str, value: int) -> int:
    """A transaction that no trigger sees."""
    xid = _write(sim, table, value)
    sim.database.end(xid, commit=True)
    return xid


def _prove_all(sim: Simulation) -> None:
    for _ in range(2):
        sim.prove(0.1)
        sim.settle()


def test_a_change_that_bypassed_the_trigger_is_found(sim: Simulation) -> None:
    """The client has the rows with the proof; the name is told once, when the feed is proven."""
    _bypass(sim, TABLE, 1)
    _prove_all(sim)
    assert sim.clients[ONE].rows == list(sim.database.rows(TABLE, False))
    assert sim.diverged == []
    sim.prove(LATER)
    sim.settle()
    sim.prove(LATER)
    assert sim.diverged == [f"{TABLE} False"]


def test_while_the_feed_is_not_proven_nobody_is_accused(sim: Simulation) -> None:
    """However long that takes: the change that explains it may be in what was not heard yet."""
    _bypass(sim, TABLE, 1)
    _prove_all(sim)
    sim.following = False  # as far as the simulation proves anything
    sim.prove(1000 * LATER)
    sim.settle()
    assert sim.diverged == []
    sim.following = True
    sim.prove(LATER)
    assert sim.diverged == [f"{TABLE} False"]


def test_a_change_that_is_late_explains_what_a_proof_saw(sim: Simulation) -> None:
    """The proof's snapshot sees the transaction; its change arrives afterwards."""
    xid = _write(sim, TABLE, 1)
    sim.following = False  # it is on its way
    sim.commit(xid)
    _prove_all(sim)
    sim.following = True
    sim.database.begin({})
    _announce(sim, xid)
    sim.settle()
    sim.prove(LATER)
    assert sim.diverged == []


def test_another_change_explains_nothing(sim: Simulation) -> None:
    """One that the proof did not see."""
    _bypass(sim, TABLE, 1)
    _prove_all(sim)
    sim.commit(_write(sim, TABLE, 2))
    sim.settle()
    sim.prove(LATER)
    assert sim.diverged == [f"{TABLE} False"]


def test_a_change_during_the_proof_explains_it(sim: Simulation) -> None:
    """It is decided when the read ends, as for every read."""
    sim.prove(1.0)
    (key,) = sim.reads
    table, _ = sim.hub.query(key).identity  # type: ignore[misc,union-attr]
    sim.commit(_write(sim, table, 1))
    sim.settle()
    sim.prove(LATER)
    assert sim.diverged == []


def test_each_window_has_its_turn(sim: Simulation) -> None:
    """The one whose read is longest ago; one at a time; never more than a share of the time."""
    proven = []
    for _ in range(4):
        sim.prove(1.0)
        (key,) = sim.reads
        assert sim.hub.prove(sim.now + 100) == []
        proven.append(key)
        sim.settle()
    assert proven[:2] == proven[2:] and len(set(proven)) == 2

    sim.prove(1.0)
    sim.now += 2.0  # how long the read takes
    sim.settle()
    sim.prove(2.0 / proof.SHARE - 1)
    assert not sim.reads
    sim.prove(2.0)
    assert sim.reads


@pytest.mark.parametrize("loss", ["lose_feed", "suspect"])
def test_a_loss_explains_everything(sim: Simulation, loss: str) -> None:
    """What was missed is known to be missed."""
    _bypass(sim, TABLE, 1)
    _prove_all(sim)
    if loss == "lose_feed":
        sim.hub.lose_feed()
        sim.begin_epoch()
    else:
        sim.do(sim.hub.suspect(sim.now))
    sim.settle()
    sim.prove(LATER)
    assert sim.diverged == []


def test_what_nobody_looks_at_any_more_is_forgotten(sim: Simulation) -> None:
    """During its proof, or as a suspect."""
    _bypass(sim, TABLE, 1)
    _prove_all(sim)
    sim.prove(1.0)
    sim.unsubscribe(ONE)
    sim.unsubscribe(TWO)
    sim.settle()
    assert sim.hub.prove(sim.now + LATER) == []
    sim.subscribe(ONE, TABLE, descending=False)
    sim.settle()
    sim.prove(LATER)
    assert sim.reads, "another is proven though one was forgotten in the middle"


def test_a_proof_that_fails_is_tried_again(sim: Simulation) -> None:
    """As any read."""
    sim.prove(1.0)
    (key,) = sim.reads
    del sim.reads[key]
    sim.do(sim.hub.failed(key, True, "query_failed", ""))
    sim.settle()
    sim.prove(LATER)
    assert sim.reads
    assert not any(isinstance(action, Diverged) for action in sim.hub.prove(sim.now))


def _announce(sim: Simulation, xid: int) -> None:
    from sa_notify.change import Change, ChangeSet

    sim.arrived += 1
    sim.do(sim.hub.receive([ChangeSet("e", sim.arrived, xid, (Change(TABLE, "bulk"),))], sim.now))
