"""What is not live: windows that rest on what was not proven for too long."""

from sa_notify.live.actions import Subscriber
from tests.live.simulation import TABLES, Simulation

A, _ = TABLES
ME = Subscriber("x", 1)


def _settled() -> Simulation:
    sim = Simulation(gated=False)
    sim.begin_epoch()
    sim.subscribe(ME, A, False)
    sim.settle()
    assert sim.hub.subscriptions.overdue(sim.now, 2) == set()
    return sim


def test_a_proof_holds_for_so_long() -> None:
    """The beginning of an epoch is one."""
    sim = _settled()
    sim.hub.proved(sim.now)
    assert sim.hub.sound(sim.now + 2, 2) and not sim.hub.sound(sim.now + 2.1, 2)
    sim.hub.proved(sim.now - 5)
    assert sim.hub.sound(sim.now + 2, 2), "a later answer that proves less takes nothing away"
    sim.hub.lose_feed()
    assert not sim.hub.sound(sim.now, 2)


def test_windows_of_a_lost_epoch_are_as_old_as_its_last_proof() -> None:
    """Changes are heard again, but what was missed is not shown before they are read."""
    sim = _settled()
    sim.hub.proved(sim.now)
    sim.hub.lose_feed()
    sim.now += 8
    sim.begin_epoch()
    assert sim.hub.sound(sim.now, 2) and sim.hub.subscriptions.overdue(sim.now, 2) == {"x"}
    sim.settle()
    assert sim.hub.subscriptions.overdue(sim.now, 2) == set()


def test_a_change_that_comes_late_makes_a_window_as_old_as_the_proof_before_it() -> None:
    """It was committed at any time since."""
    sim = _settled()
    sim.hub.proved(sim.now)
    sim.now += 1.5
    sim.commit(sim.database.begin({A: {"p": 1}}))
    assert sim.hub.subscriptions.overdue(sim.now, 2) == set()
    assert sim.hub.subscriptions.overdue(sim.now + 1, 2) == {"x"}
    sim.settle()
    assert sim.hub.subscriptions.overdue(sim.now, 2) == set()


def test_a_read_that_began_later_counts() -> None:
    """What it shows was right when it began, whatever was proven before."""
    sim = _settled()
    sim.now += 5
    sim.do(sim.hub.suspect(sim.now))
    sim.settle()
    read_at = sim.now
    sim.commit(sim.database.begin({A: {"p": 1}}))
    assert sim.hub.subscriptions.overdue(read_at + 1, 2) == set()


def test_what_is_not_captured_yet_is_as_old_as_its_last_read() -> None:
    """While a writer from before holds the table, nothing tells of its changes."""
    sim = Simulation(gated=True)
    sim.begin_epoch()
    held = sim.database.begin({A: {"p": 1}})
    sim.subscribe(ME, A, False)
    live = sim.hub.subscriptions.of(ME)
    for _ in range(30):
        sim.step()
        if live.unwatched and not live.reading and sim.waits:
            break
    read_at, turn = live.read_at, live.turn
    sim.now = read_at + 5
    sim.do(sim.hub.due(live.key, turn, sim.now))
    assert live.stale_since == read_at
    assert sim.hub.subscriptions.overdue(sim.now, 2) == {"x"}
    sim.commit(held)
    sim.settle()
    assert sim.hub.subscriptions.overdue(sim.now, 2) == set()
