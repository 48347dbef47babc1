"""What a reading may rest on, step by step."""

from typing import Any

from sa_notify.live import actions as act
from sa_notify.live.actions import Subscriber
from tests.live.simulation import TABLES, Simulation

A, B = TABLES
ME, YOU = Subscriber("x", 1), Subscriber("y", 1)


def _gated() -> Simulation:
    sim = Simulation(gated=True)
    sim.begin_epoch()
    return sim


def _live(sim: Simulation, subscriber: Subscriber) -> Any:
    return sim.hub.subscriptions.of(subscriber)


def test_the_first_snapshot_does_not_wait_for_the_second_read() -> None:
    """Which tables a query reads shows when it is read: it is sent, they are asked for, it is read again."""
    sim = _gated()
    sim.subscribe(ME, A, False)
    sim.greet()
    (key,) = sim.reads
    sim.step_read(key)
    xid = sim.database.begin({A: {"p": 1}})
    sim.step_read(key)
    assert sim.clients[ME].rows == [] and not sim.reads
    assert [take.tables for take, _ in sim.takes] == [{A}]
    sim.commit(xid)
    sim.settle()
    assert sim.clients[ME].rows == [("p", {"v": 1})]


def test_what_stands_is_not_asked_for_again() -> None:
    """The second query over a table is read once."""
    sim = _gated()
    sim.subscribe(ME, A, False)
    sim.settle()
    sim.subscribe(YOU, A, True)
    sim.greet()
    sim.step_read(min(sim.reads))
    sim.step_read(min(sim.reads))
    assert not sim.busy
    sim.check()


def test_while_a_writer_from_before_is_open_it_is_read_by_the_clock() -> None:
    """With a doubt that names the table; when it stands it is read at once, and the doubt goes."""
    sim = _gated()
    xid = sim.database.begin({A: {"p": 1}})
    sim.subscribe(ME, A, False)
    live = _live(sim, ME)
    for _ in range(20):
        sim.step()
        if live.doubts and not live.reading:
            break
    assert [A in doubt and "still open" in doubt for doubt in live.doubts] == [True]
    assert {wait.seconds for wait in sim.waits if wait.turn == live.turn} <= {1.0}
    sim.commit(xid)
    sim.waits.clear()  # not the clock, but the answer
    sim.step_take(0)
    sim.step_take(0)
    assert sim.reads
    sim.settle()
    assert live.doubts == () and sim.clients[ME].rows == [("p", {"v": 1})]


def test_a_held_table_delays_no_other() -> None:
    """It is asked for again in a lane of its own, after a pause; others are asked for at once."""
    sim = _gated()
    sim.database.begin({A: {"p": 1}})
    sim.subscribe(ME, A, False)
    for _ in range(6):
        sim.step()
    ((held, _),) = sim.takes
    assert held.held and held.seconds == 1.0
    sim.subscribe(YOU, B, False)
    sim.greet()
    key = next(key for key in sim.reads if sim.hub.query(key).identity[0] == B)  # type: ignore[union-attr, index]
    sim.step_read(key)
    sim.step_read(key)
    fresh = next(take for take, _ in sim.takes if not take.held)
    assert (fresh.tables, fresh.seconds) == ({B}, 0.0)


def test_an_answer_from_an_earlier_epoch_is_void() -> None:
    """What stood for another keeper stands no more."""
    sim = _gated()
    sim.subscribe(ME, A, False)
    while not sim.takes:
        sim.step()
    ((late, _),) = sim.takes
    sim.begin_epoch()
    assert not sim.hub.awaits(late)
    assert sim.hub.taken(late, {A}, sim.now) == []
    assert sim.hub._asking.standing.tables == frozenset()


def test_a_table_that_was_dropped_during_a_read_did_not_stand() -> None:
    """A read of a minute outlasts a gate that nobody seemed to want."""
    sim = _gated()
    sim.subscribe(YOU, A, True)
    sim.settle()
    sim.subscribe(ME, A, False)
    sim.greet()
    (key,) = sim.reads
    sim.step_read(key)
    sim.unsubscribe(YOU)
    sim.keep()
    sim.keep()
    sim.commit(sim.database.begin({A: {"p": 1}}))
    sim.database.take(frozenset({A}))
    sim.settle()
    sim.check()
    assert sim.clients[ME].rows == [("p", {"v": 1})]


def test_without_gates_nothing_is_asked() -> None:
    """By NOTIFY all tables announce always: a query is read once."""
    sim = Simulation(gated=False)
    sim.begin_epoch()
    sim.subscribe(ME, A, False)
    sim.greet()
    sim.step_read(min(sim.reads))
    sim.step_read(min(sim.reads))
    assert not sim.busy and not any(isinstance(take, act.Take) for take, _ in sim.takes)
    assert sim.hub.keep().tables == {A}


def test_what_stands_when_a_read_ends_did_not_stand_when_it_began() -> None:
    """A row written in between was announced to nobody, and the read has not seen it."""
    sim = _gated()
    sim.subscribe(YOU, A, True)
    while not sim.takes:
        sim.step()
    sim.subscribe(ME, A, False)
    sim.greet()
    (key,) = sim.reads
    sim.step_read(key)
    sim.commit(sim.database.begin({A: {"p": 1}}))
    sim.step_take(0)
    sim.step_take(0)
    sim.step_read(key)
    sim.settle()
    sim.check()
    assert sim.clients[ME].rows == [("p", {"v": 1})]
