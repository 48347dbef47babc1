"""To processes of ours, and to the browsers that look on."""

import os
import random
import signal
import time
from collections.abc import Callable

from tests.faults.delays import Delays, p99_of_writes
from tests.faults.fault import Heal, nothing
from tests.faults.rig import Rig
from tests.faults.strikes.servers import redis_killed

HOUR = 3600.0


def dispatcher(number: signal.Signals, *, both: bool = False) -> Callable[[Rig, random.Random], Heal]:
    """End the one that leads, or both."""

    def strike(rig: Rig, dice: random.Random) -> Heal:
        struck = rig.dispatchers if both else [rig.leading()]
        for each in struck:
            each.process.end(number)
        return lambda: [each.restart() for each in struck] and None

    return strike


def nobody_there(rig: Rig, dice: random.Random) -> Heal:
    """Neither a dispatcher nor Redis: writers must not notice."""
    healthy = p99_of_writes(rig.engine, dice)
    for each in rig.dispatchers:
        each.process.end(signal.SIGKILL)
    restart = redis_killed(rig, dice)
    rig.delays.append(Delays(healthy, p99_of_writes(rig.engine, dice)))

    def heal() -> None:
        restart()
        for each in rig.dispatchers:
            each.restart()

    return heal


def leader_stopped(rig: Rig, dice: random.Random) -> Heal:
    leader = rig.leading()
    leader.process.send(signal.SIGSTOP)
    return lambda: leader.process.send(signal.SIGCONT)


def worker(number: signal.Signals, *, both: bool = False) -> Callable[[Rig, random.Random], Heal]:
    """End or stop one, or both: gunicorn begins another where one has ended."""

    def strike(rig: Rig, dice: random.Random) -> Heal:
        pids = [each.pid for each in (rig.webs if both else [dice.choice(rig.webs)])]
        for pid in pids:
            os.kill(pid, number)
        if number != signal.SIGSTOP:
            return nothing
        return lambda: [os.kill(pid, signal.SIGCONT) for pid in pids] and None

    return strike


def clock_jumps(rig: Rig, dice: random.Random) -> Heal:
    """The wall clock of one process is an hour off, forwards or backwards, and is set right again."""
    clock = dice.choice([*rig.dispatchers, *rig.webs]).clock
    clock.move(dice.choice([-HOUR, HOUR]))
    return lambda: clock.move(0.0)


def frozen(rig: Rig, dice: random.Random) -> Heal:
    """As a browser does with a tab that nobody looks at."""
    if not rig.tabs:
        return nothing
    tab = dice.choice(rig.tabs)
    tab.freeze()
    return tab.thaw


def offline(rig: Rig, dice: random.Random) -> Heal:
    """A browser has no network; the page must say so soon, and show what a reload does once it is back."""
    if not rig.tabs:
        return nothing
    tab = dice.choice(rig.tabs)
    tab.go_offline()
    return tab.come_back


def flapping(rig: Rig, dice: random.Random) -> Heal:
    """As in a train."""
    if not rig.tabs:
        return nothing
    tab = dice.choice(rig.tabs)
    for _ in range(5):
        tab.go_offline()
        time.sleep(dice.uniform(0.2, 2.0))
        tab.come_back()
        time.sleep(dice.uniform(0.2, 1.0))
    return nothing
