"""Who is read when, and with whom; each request is answered once."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from sqlalchemy import Engine, create_engine, event, select
from sqlalchemy.exc import DBAPIError, OperationalError

from sa_notify.change import Key
from sa_notify.errors import NotTogether
from sa_notify.live.dependencies import dependencies
from sa_notify.live.query import Asked, Query, Reading, Rows
from sa_notify.live.shape import Shape, prepare
from sa_notify.live.snapshot import Snapshot
from sa_notify.web.desk import Desk
from sa_notify.web.failures import is_passing
from sa_notify.web.reader import CoverageCache, Source, StatementReader
from sa_notify.web.runtimes import ThreadRuntime
from sa_notify.web.shared import shared_by
from sa_notify.web.waiting import SLICE, Request, Waiting
from tests.apps.items import Item
from tests.protocol import wait_for

SNAPSHOT = Snapshot.parse("1:1:")
NOTHING = Reading((), None, SNAPSHOT, frozenset())
LANES = 4


class Told:
    """Takes answers."""

    def __init__(self) -> None:
        self.readings: dict[str, Reading] = {}
        self.found: dict[str, Rows] = {}
        self.errors: dict[str, Exception] = {}
        self.count: Counter[str] = Counter()
        self.unwanted: set[str] = set()
        self.then: Callable[[str], None] = lambda _: None

    def wanted(self, key: str) -> bool:
        return key not in self.unwanted

    def finished(self, key: str, reading: Reading, seconds: float) -> None:
        self.readings[key] = reading
        self._told(key)

    def rows(self, key: str, rows: Rows, seconds: float) -> None:
        self.found[key] = rows
        self._told(key)

    def failed(self, key: str, query: Query, error: Exception) -> None:
        self.errors[key] = error
        self._told(key)

    def _told(self, key: str) -> None:
        self.then(key)
        self.count[key] += 1


class Group:
    """Queries of one template, read by a function of their names."""

    def __init__(self, read: Callable[[list[str]], Any] = lambda _: None) -> None:
        self.template = object()
        self.slices: list[list[str]] = []
        self._read = read

    def query(self, name: str) -> Query:
        def alone() -> Reading:
            self._read([name])
            return NOTHING

        return Query(name, name, alone, shared=self)

    def together(self, asked: Sequence[Asked]) -> list[Reading | Rows]:
        names = [item.query.name for item in asked]
        self.slices.append(names)
        self._read(names)
        return [NOTHING if item.keys is None else Rows({}) for item in asked]


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def desk(told: Told) -> Desk:
    return Desk(ThreadRuntime(), told, LANES)


def put(desk: Desk, queries: Sequence[Query], keys: tuple[Key, ...] | None = None) -> None:
    for query in queries:
        desk.put(query.name, query, keys)
    desk.begin()


def tried(desk: Desk, told: Told, group: Group) -> None:
    """Have it known how long the group takes."""
    put(desk, [group.query("tried")])
    wait_for(lambda: told.count["tried"] == 1, "the trial")


# -- against PostgreSQL


def _query(engine: Engine, name: str, statement: Any, cache: CoverageCache) -> Query:
    statement = prepare(statement)
    found, shape = dependencies(statement, engine.dialect), Shape(statement)
    source = Source(engine, cache, statement, shape, found, None)
    return Query(name, name, StatementReader(source), shared=shared_by(source))


def test_many_queries_are_few_statements(database: Engine, desk: Desk, told: Told) -> None:
    """Each is told its own rows."""
    cache, executed = CoverageCache(), []
    queries = [_query(database, str(n), select(Item).where(Item.id == n), cache) for n in range(300)]
    put(desk, queries[:1])
    wait_for(lambda: told.count["0"] == 1, "the first")
    event.listen(database, "before_cursor_execute", lambda *arguments: executed.append(arguments[2]))
    put(desk, queries)
    wait_for(lambda: told.count.total() == 301, "all")
    assert not told.errors
    assert len(executed) < 30
    rows = {name: [key for key, _ in reading.rows] for name, reading in told.readings.items()}
    assert rows == {str(n): [str(n)] if 1 <= n <= 40 else [] for n in range(300)}
    assert desk.busy > 0


@pytest.mark.parametrize("bad", [0, 17, 39])
def test_a_query_fails_alone(database: Engine, desk: Desk, told: Told, bad: int) -> None:
    """By its own error; those that were read with it have their rows."""
    cache = CoverageCache()

    def ratio(n: int) -> Any:
        priority = n % 7  # of item n + 1
        divided = 10 / (Item.priority - (priority if n == bad else 99))
        return select(Item.id, divided.label("q")).where(Item.id == n + 1)

    put(desk, [_query(database, str(n), ratio(n), cache) for n in range(40)])
    wait_for(lambda: told.count.total() == 40, "all")
    (error,) = told.errors.values()
    assert isinstance(error, DBAPIError) and not is_passing(error)
    assert list(told.errors) == [str(bad)]
    assert all(len(reading.rows) == 1 for reading in told.readings.values())


def test_rows_are_told_as_such(database: Engine, desk: Desk, told: Told) -> None:
    cache = CoverageCache()
    queries = [_query(database, str(n), select(Item).where(Item.id > n).limit(1), cache) for n in range(3)]
    put(desk, queries, (("2",), ("3",)))
    wait_for(lambda: told.count.total() == 3, "all")
    assert [sorted(told.found[str(n)].rows) for n in range(3)] == [["2", "3"], ["2", "3"], ["3"]]


def test_rows_that_have_no_keys_are_told_by_a_reading(database: Engine, desk: Desk, told: Told) -> None:
    cache = CoverageCache()
    queries = [_query(database, str(n), select(Item.title).where(Item.id == n), cache) for n in (1, 2)]
    put(desk, queries, (("2",),))
    wait_for(lambda: told.count.total() == 2, "all")
    assert [len(told.readings[name].rows) for name in ("1", "2")] == [1, 1]


def test_a_database_that_is_away_is_asked_once(desk: Desk, told: Told) -> None:
    """All of a slice fail, and may be tried again."""
    away = create_engine("postgresql+psycopg2://nobody@127.0.0.1:1/none")
    attempts: list[Any] = []
    event.listen(away, "do_connect", lambda *arguments: attempts.append(arguments))
    cache = CoverageCache()
    put(desk, [_query(away, str(n), select(Item).where(Item.id == n), cache) for n in range(20)])
    wait_for(lambda: told.count.total() == 20, "all")
    assert all(is_passing(error) for error in told.errors.values()) and len(told.errors) == 20
    assert len(attempts) <= LANES


# -- together


def test_a_template_waits_for_one_slice(desk: Desk, told: Told) -> None:
    group = Group()
    tried(desk, told, group)
    put(desk, [group.query(str(n)) for n in range(2 * SLICE)])
    wait_for(lambda: told.count.total() == 2 * SLICE + 1, "all")
    assert max(map(len, group.slices)) <= SLICE
    assert len(group.slices) <= LANES + 2
    assert set(told.count.values()) == {1}


def test_what_is_too_much_at_once_is_halved(desk: Desk, told: Told) -> None:
    """A statement's timeout is for all of a slice: each alone keeps within it."""

    def read(names: list[str]) -> None:
        if len(names) > 3:
            raise OperationalError("SELECT", {}, _Cancelled())

    group = Group(read)
    put(desk, [group.query(str(n)) for n in range(20)])
    wait_for(lambda: told.count.total() == 20, "all")
    assert not told.errors


class _Cancelled(Exception):
    pgcode = "57014"


def test_what_does_not_go_together_is_read_alone(desk: Desk, told: Told) -> None:
    def read(names: list[str]) -> None:
        if len(names) > 1:
            raise NotTogether("never")

    group = Group(read)
    put(desk, [group.query(str(n)) for n in range(20)])
    wait_for(lambda: told.count.total() == 20, "all")
    assert len(told.readings) == 20
    assert [len(names) for names in group.slices] == [20]


# -- lanes


def test_slow_queries_delay_nobody(desk: Desk, told: Told) -> None:
    """Neither those that are known to be slow, nor those that turn out to be."""
    release, begun = threading.Event(), threading.Semaphore(0)

    def wait(_: list[str]) -> None:
        begun.release()
        assert release.wait(30)

    quick = Group()
    tried(desk, told, quick)
    try:
        put(desk, [Group(wait).query(f"slow {n}") for n in range(10)])
        for _ in range(LANES - 1):
            assert begun.acquire(timeout=30)
        put(desk, [quick.query(str(n)) for n in range(5)])
        wait_for(lambda: all(told.count[str(n)] for n in range(5)), "the quick ones")
        assert not begun.acquire(blocking=False)
    finally:
        release.set()
    wait_for(lambda: told.count.total() == 16, "all")


def test_a_query_is_read_once_at_a_time(desk: Desk, told: Told) -> None:
    """What is asked of it meanwhile is done afterwards."""
    running, most = Counter[str](), Counter[str]()
    lock = threading.Lock()

    def read(names: list[str]) -> None:
        with lock:
            running.update(names)
            most.update({name: max(running[name] - most[name], 0) for name in names})
        with lock:
            running.subtract(names)

    group = Group(read)
    again = Counter[str]()

    def then(key: str) -> None:
        again[key] += 1
        if again[key] < 20:
            put(desk, [group.query(key)])

    told.then = then
    put(desk, [group.query(str(n)) for n in range(10)])
    wait_for(lambda: told.count.total() == 200, "all")
    assert set(most.values()) == {1}


def test_nobody_reads_what_nobody_wants(desk: Desk, told: Told) -> None:
    read: list[str] = []
    group = Group(read.extend)
    told.unwanted.add("gone")
    put(desk, [group.query("gone"), group.query("here")])
    wait_for(lambda: told.count["here"] == 1, "the other")
    put(desk, [group.query("gone"), group.query("here")])
    wait_for(lambda: told.count["here"] == 2, "again")
    assert set(read) == {"here"}


def test_a_receiver_that_fails_stops_nothing(
    desk: Desk, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    def then(key: str) -> None:
        if key == "1":
            raise RuntimeError("a bug")

    told.then = then
    group = Group()
    put(desk, [group.query(str(n)) for n in range(3)])
    wait_for(lambda: told.count["0"] + told.count["2"] == 2, "the others")
    assert "could not be told" in caplog.text
    told.then = lambda _: None
    put(desk, [group.query("1")])
    wait_for(lambda: told.count["1"] == 1, "once more")


# -- the order of what waits

_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 30)),
        st.tuples(st.just("take"), st.just(0)),
        st.tuples(st.just("done"), st.sampled_from([0.001, 0.3, 100.0])),
    ),
    max_size=80,
)


@settings(max_examples=150, deadline=None)
@given(_STEPS)
def test_nothing_is_lost_or_taken_twice(steps: list[tuple[str, Any]]) -> None:
    """Whatever comes in whatever order: one at a time of a query, and in the end all."""
    groups = [Group() for _ in range(3)]
    waiting, running = Waiting(LANES), list[list[Request]]()
    asked, taken = Counter[str](), Counter[str]()

    def take() -> bool:
        busy = {request.key for requests in running for request in requests}
        if len(running) == LANES or not (requests := waiting.take()):
            return False
        keys = [request.key for request in requests]
        assert len(set(keys)) == len(keys) <= SLICE and not busy.intersection(keys)
        running.append(requests)
        taken.update(keys)
        return True

    for step, value in steps:
        if step == "put":
            query = groups[value % 4].query(str(value)) if value % 4 < 3 else Query(str(value), value, _never)
            waiting.put(Request(str(value), query))
            asked[str(value)] += 1
        elif step == "take":
            take()
        elif running:
            waiting.done(running.pop(0), value)
    while running or take():
        while take():
            pass
        waiting.done(running.pop(), 0.001)
    assert taken == asked and not waiting.ready


def _never() -> Reading:
    raise AssertionError
