"""Four writers, and one that leaves marks: what a live view may not lack."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count

import psycopg2.errors
from sqlalchemy import Connection, Engine, Executable, delete, func, insert, select, update
from sqlalchemy.exc import DBAPIError, OperationalError

from tests.apps.items import Item, Owner
from tests.apps.pages import OWNERS
from tests.faults.known import Known
from tests.faults.rig import ITEMS, SECRET

MARK_SECONDS = 0.5
#: What PostgreSQL says while it is going, away or coming: the fault itself, not ours.
_AWAY = (psycopg2.errors.AdminShutdown, psycopg2.errors.CrashShutdown, psycopg2.errors.CannotConnectNow)
#: The large statements of the fault lane have rows of their own.
_OWN = Item.priority < 90


class Writers:
    """Threads that write until stopped; they may be paused.

    :param pause: seconds between two transactions of a writer, at most.
    """

    def __init__(self, engine: Engine, seed: int, *, writers: int = 4, pause: float = 0.15) -> None:
        self._engine, self._pause = engine, pause
        self._stopped, self._going = threading.Event(), threading.Event()
        self._going.set()
        self._resting = threading.Semaphore(0)
        self.written = self.rolled_back = self.away = self.refused = 0
        self.errors: list[str] = []
        #: What PostgreSQL refuses now, whoever is there.
        self.known: Known | None = None
        #: When each mark was committed.
        self.marks: list[float] = []
        self._numbers = count(ITEMS)
        self._guard = threading.Lock()
        works: list[Callable[[], None]] = [self._mark]
        works += [partial(self._write, random.Random(seed * 100 + n)) for n in range(writers)]
        self._threads = [threading.Thread(target=self._loop, args=(work,)) for work in works]
        for thread in self._threads:
            thread.start()

    def pause(self) -> None:
        """Return when nobody writes."""
        self._going.clear()
        for _ in self._threads:
            assert self._resting.acquire(timeout=30), "a writer did not end its transaction"

    def go_on(self) -> None:
        self._going.set()

    def stop(self) -> None:
        self._stopped.set()
        self._going.set()
        for thread in self._threads:
            thread.join(30)

    @property
    def newest(self) -> int:
        """The number of the newest mark."""
        return len(self.marks)

    def _loop(self, work: Callable[[], None]) -> None:
        while not self._stopped.is_set():
            if not self._going.is_set():
                self._resting.release()
                self._going.wait()
                continue
            try:
                work()
            except DBAPIError as error:
                self._failed(error)
                self._stopped.wait(0.1)

    def _failed(self, error: DBAPIError) -> None:
        known = self.known
        if known is not None and known.explains(error):
            self.refused += 1
        elif isinstance(error, OperationalError) and _is_away(error):
            self.away += 1
        else:
            self.errors.append(f"{type(error.orig).__name__}: {error.orig}")

    def _mark(self) -> None:
        with self._engine.begin() as connection:
            connection.execute(update(Owner).where(Owner.id == 0).values(name=str(self.newest + 1)))
        self.marks.append(time.monotonic())
        self._stopped.wait(MARK_SECONDS)

    def _write(self, dice: random.Random) -> None:
        aborts = dice.random() < 0.05
        with self._engine.connect() as connection:
            transact(connection, dice, dice.randint(1, 2), self._numbers, aborts=aborts)
        with self._guard:
            self.written += not aborts
            self.rolled_back += aborts
        self._stopped.wait(dice.random() * self._pause)


def transact(
    connection: Connection, dice: random.Random, mutations: int, numbers: Iterator[int], *, aborts: bool
) -> None:
    """One transaction with so many statements; what it writes when it aborts, nobody may ever see."""
    size = connection.scalar(select(func.count()).select_from(Item).where(_OWN)) or 0
    found = select(Item.id).where(_OWN).order_by(func.random()).limit(2 + 2 * mutations)
    # in the order of their keys, so that writers wait for each other and never deadlock
    ids = sorted(connection.scalars(found))
    connection.execute(select(Item.id).where(Item.id.in_(ids)).order_by(Item.id).with_for_update())
    for _ in range(mutations):
        some = dice.sample(ids, min(len(ids), dice.randint(1, 4)))
        statement = _statement(dice, some, size, next(numbers), aborts=aborts)
        if statement is not None:
            connection.execute(statement)
    if aborts:
        connection.rollback()
    else:
        connection.commit()


def _statement(
    dice: random.Random, ids: list[int], size: int, number: int, *, aborts: bool
) -> Executable | None:
    owner = dice.randrange(OWNERS)
    title = f"phantom {dice.random()}" if aborts else f"owner-{owner} {number}"
    named = Item.id.in_(ids)
    row = {"owner_id": owner, "title": title, "priority": dice.randint(0, 9), "secret": SECRET}
    return dice.choice(
        [
            update(Item).where(named).values(priority=dice.randint(0, 9)),
            update(Item).where(named).values(done=dice.random() < 0.5),
            update(Item).where(named).values(owner_id=owner, title=title),
            update(Item).where(named).values(price=dice.choice([None, dice.randint(1, 99)])),
            delete(Item).where(named) if size > ITEMS // 2 else None,
            insert(Item).values([row] * dice.randint(1, 4)) if size < 2 * ITEMS else None,
        ]
    )


def _is_away(error: OperationalError) -> bool:
    return isinstance(error.orig, _AWAY) or getattr(error.orig, "pgcode", None) is None
