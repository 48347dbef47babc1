"""One process keeps the outbox for all; when it goes, another does, and nobody misses what follows."""

import signal
import threading
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine

from sa_notify.source.connect import listen_connect
from sa_notify.source.outbox import following
from sa_notify.source.outbox.keeper import IDLE_SECONDS
from sa_notify.source.outbox.source import OutboxSource, Wake
from tests.protocol import wait_for
from tests.source.outbox.counters import SIZE
from tests.source.outbox.marks import Marks
from tests.source.outbox.outboxes import advisory_locks, execute, scalar
from tests.source.outbox.process import Process, make_marks

#: A busy machine may take longer to start anything; the long lane runs alone.
TAKEOVER_SECONDS = 2.0 if SIZE > 1 else 15.0
_SILENCE = "UPDATE sa_notify.outbox_term SET beat = clock_timestamp() - interval '11 s'"

_ASLEEP = f"""
SELECT bool_and(a.state_change < clock_timestamp() - interval '{IDLE_SECONDS} s') FROM pg_stat_activity a
JOIN pg_locks l USING (pid) WHERE l.locktype = 'advisory' AND l.mode = 'ExclusiveLock'
"""

Start = Callable[..., list[Process]]


@pytest.fixture
def start(engine: Engine, database_url: str) -> Iterator[Start]:
    """Starts processes that follow; the first keeps."""
    make_marks(engine)
    started: list[Process] = []

    def make(*wakes: Wake) -> list[Process]:
        for group in (wakes[:1], wakes[1:]):
            started.extend(Process(database_url, wake) for wake in group)
            for process in started:
                process.begins(1)
        return started

    yield make
    for process in started:
        process.end(signal.SIGKILL)


@pytest.fixture
def marks(start: Start, engine: Engine) -> Iterator[Callable[[], Marks]]:
    """Starts the writer."""
    started: list[Marks] = []

    def make() -> Marks:
        started.append(Marks(engine))
        return started[-1]

    yield make
    for each in started:
        each.stop()


def _end(marks: Marks, processes: list[Process]) -> None:
    """Everything was heard that had to be."""
    marks.stop()
    for process in processes:
        wait_for(lambda p=process: marks.heard_by(p), f"the last mark: {process.lost}")  # type: ignore[misc]
        marks.check(process)


def test_all_hear_everything_once(start: Start, marks: Callable[[], Marks]) -> None:
    """Whoever keeps, whoever is woken or polls: every change, once, in one epoch."""
    processes = start("notify", "notify", "poll")
    written = marks()
    wait_for(lambda: len(written.begun) > 500 * SIZE, "marks")
    _end(written, processes)

    assert [len(process.epochs) for process in processes] == [1, 1, 1]
    assert [process.epochs[0]["keeps"] for process in processes] == [True, False, False]
    assert {tuple(process.heard) for process in processes} == {tuple(range(len(written.begun)))}


@pytest.mark.parametrize("wakes", [("notify", "notify", "poll"), ("poll", "notify", "notify")])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "ended"])
def test_another_takes_over(
    start: Start, marks: Callable[[], Marks], engine: Engine, wakes: tuple[Wake, ...], number: signal.Signals
) -> None:
    """Within 2 s all others have begun a new epoch, which lacks nothing, and one of them keeps."""
    first, *others = start(*wakes)
    written = marks()
    wait_for(lambda: all(len(process.heard) > 20 for process in others), "some marks")
    first.end(number)
    for process in others:
        process.begins(2, TAKEOVER_SECONDS)
    _end(written, others)

    assert [process.epochs[-1]["keeps"] for process in others].count(True) == 1
    assert scalar(engine, "SELECT count(*) FROM sa_notify.outbox_term") == 1


def test_an_orderly_end_leaves_nothing(start: Start, engine: Engine) -> None:
    """No lock, no term, no registration; the exit status is that of success."""
    processes = start("notify", "notify", "poll")
    assert [process.end() for process in reversed(processes)] == [0, 0, 0]

    assert advisory_locks(engine) == 0
    assert scalar(engine, "SELECT count(*) FROM sa_notify.outbox_term") == 0
    assert scalar(engine, "SELECT count(*) FROM sa_notify.outbox_reader") == 0


@pytest.mark.parametrize("wake", ["notify", "poll"])
def test_a_keeper_that_hangs_is_replaced(
    start: Start, marks: Callable[[], Marks], engine: Engine, wake: Wake
) -> None:
    """Its sessions are ended, or its locks would keep all others out; when it comes to, it follows."""
    processes = start(wake, "notify", "notify")
    first, *others = processes
    written = marks()
    wait_for(lambda: all(len(process.heard) > 20 for process in processes), "some marks")
    first.send(signal.SIGSTOP)
    if SIZE == 1:
        execute(engine, _SILENCE)
    for process in others:
        process.begins(2, 30)
    first.send(signal.SIGCONT)
    first.begins(2)
    _end(written, processes)

    assert [process.epochs[-1]["keeps"] for process in processes].count(True) == 1
    assert not first.epochs[-1]["keeps"]


def test_a_keeper_that_sleeps_is_not_waited_for(
    start: Start, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing has happened in its session for seconds, and its term is silent: it is no beginner."""
    monkeypatch.setattr(following, "KEEPER_SECONDS", 600.0)
    (keeper,) = start("notify")
    keeper.send(signal.SIGSTOP)
    execute(engine, _SILENCE)
    wait_for(lambda: scalar(engine, _ASLEEP), "its session to be asleep")
    source = OutboxSource(listen_connect(engine))
    opening = threading.Thread(target=source.open)
    opening.start()
    opening.join(30)
    asleep = opening.is_alive()
    source.interrupt()
    opening.join(30)
    assert not asleep and source.epoch
    source.close()


def test_a_follower_that_hangs_disturbs_nobody(
    start: Start, marks: Callable[[], Marks], engine: Engine
) -> None:
    """It begins a new epoch when it comes to, the others never notice."""
    processes = start("notify", "notify", "notify")
    written = marks()
    wait_for(lambda: all(len(process.heard) > 20 for process in processes), "some marks")
    processes[1].send(signal.SIGSTOP)
    silent = f"WHERE id = '{processes[1].epochs[0]['reader']}'"
    execute(engine, f"UPDATE sa_notify.outbox_reader SET beat = clock_timestamp() - interval '21 s' {silent}")
    wait_for(
        lambda: scalar(engine, f"SELECT count(*) FROM sa_notify.outbox_reader {silent}") == 0,
        "it to be forgotten",
    )
    processes[1].send(signal.SIGCONT)
    processes[1].begins(2)
    _end(written, processes)

    assert [len(process.epochs) for process in processes] == [1, 2, 1]
